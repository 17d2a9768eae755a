//! The server as a process of its own: descriptor 0 and signals.
//!
//! The process is this test program, told to run one test that does nothing otherwise.

use std::env;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;

use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustix::process::setrlimit;
use weaved::message::Request;
use weaved::server::Address;
use weaved::server::ListenError;
use weaved::server::Role;
use weaved::server::Server;
use weaved::server::Stop;
use weaved::server::inherited_is_listening;
use weaved::server::listen;
use weaved::server::watch;

use crate::harness::Answers;
use crate::harness::Client;
use crate::harness::lines;
use crate::harness::patient;
use crate::harness::say;

const ROLE: &str = "SERVER_SOCKETS_ROLE";

/// How many files a starved process may have open.
const FILES: u64 = 16;

#[test]
fn the_process_that_the_others_start() {
    match env::var_os(ROLE).as_deref().and_then(|role| role.to_str()) {
        Some("serve") => serve(2),
        Some("starve") => {
            let few = Rlimit {
                current: Some(FILES),
                maximum: Some(FILES),
            };
            setrlimit(Resource::Nofile, few).unwrap();
            serve(30);
        }
        Some("refuse") => {
            assert!(!inherited_is_listening());
            let error = listen(&Address::Inherited, 128).unwrap_err();
            assert!(matches!(error, ListenError::NotInherited(_)), "{error:?}");
        }
        _ => {}
    }
}

fn serve(threads: usize) {
    assert!(inherited_is_listening());
    let stop = Stop::default();
    let _watch = watch(&stop, Role::Alone, || {}).unwrap();
    let handler = Answers(|request: Request| {
        if request.query == "hang" {
            loop {
                std::thread::park();
            }
        }
        say(&request.query)
    });
    let server = Server {
        listener: listen(&Address::Inherited, 128).unwrap(),
        connections: lines(),
        handler: Arc::new(handler),
        options: patient(threads),
    };
    server.run(&stop).unwrap();
    // The descriptor is not ours: it must be as it was.
    assert!(inherited_is_listening());
}

struct Process(Child);

impl Process {
    fn start(role: &str, descriptor: impl Into<Stdio>) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "process::the_process_that_the_others_start"])
            .env(ROLE, role)
            .stdin(descriptor)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    fn ends(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn descriptor_0_is_served_until_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Whoever holds the socket may make it non-blocking for everybody.
        listener.set_nonblocking(true).unwrap();
        let process = Process::start("serve", OwnedFd::from(listener.try_clone().unwrap()));
        let mut client = Client::tcp(TcpStream::connect(address).unwrap());
        assert_eq!(client.ask("+hello").unwrap(), "hello");
        listener.set_nonblocking(true).unwrap();
        let mut other = Client::tcp(TcpStream::connect(address).unwrap());
        assert_eq!(other.ask("-hello").unwrap(), "hello");
        process.signal(signal);
        assert!(client.is_closed());
        assert!(process.ends().success());
    }
}

#[test]
fn a_unix_socket_on_descriptor_0_is_served_and_left_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let process = Process::start("serve", OwnedFd::from(listener));
    let mut client = Client(UnixStream::connect(&path).unwrap());
    assert_eq!(client.ask("-hello").unwrap(), "hello");
    process.signal(Signal::TERM);
    assert!(process.ends().success());
    assert!(path.exists());
}

#[test]
fn a_second_signal_ends_a_server_that_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let process = Process::start("serve", OwnedFd::from(listener));
    let mut hanging = Client::tcp(TcpStream::connect(address).unwrap());
    hanging.send("+hang\n");
    // With one of two threads hanging and nobody else, nothing but a stop closes this one. Two
    // signals that come together would be one.
    let mut idle = Client::tcp(TcpStream::connect(address).unwrap());
    assert_eq!(idle.ask("+hello").unwrap(), "hello");
    process.signal(Signal::TERM);
    assert!(idle.is_closed());
    process.signal(Signal::TERM);
    assert!(process.ends().success());
    assert!(hanging.is_closed());
}

#[test]
fn a_process_out_of_files_serves_everybody_in_turn() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let process = Process::start("starve", OwnedFd::from(listener));
    let mut clients: Vec<_> = (0..2 * FILES)
        .map(|_| Client::tcp(TcpStream::connect(address).unwrap()))
        .collect();
    for client in &mut clients {
        client.send("+hello\n");
    }
    for client in &mut clients {
        assert_eq!(client.line().unwrap(), "hello");
    }
    drop(clients);
    process.signal(Signal::TERM);
    assert!(process.ends().success());
}

#[test]
fn what_does_not_listen_is_not_served() {
    assert!(Process::start("refuse", Stdio::null()).ends().success());
    assert!(Process::start("refuse", Stdio::piped()).ends().success());
    let (connected, _other) = UnixStream::pair().unwrap();
    assert!(
        Process::start("refuse", OwnedFd::from(connected))
            .ends()
            .success()
    );
}
