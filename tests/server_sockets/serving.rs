//! Answers: to many, to the impatient, over both kinds of sockets.

use std::io::Read;
use std::net::IpAddr;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use socket2::Socket;
use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;
use weaved::server::Address;
use weaved::server::Handler;
use weaved::server::Options;
use weaved::server::listen;

use crate::harness::Answers;
use crate::harness::Client;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;
use crate::harness::say;

#[test]
fn a_request_is_answered_and_its_connection_closed() {
    let server = Running::tcp(patient(1), echo());
    let mut client = server.connect();
    assert_eq!(client.ask("-hello").unwrap(), "hello");
    assert!(client.is_closed());
}

#[test]
fn a_peer_that_closes_its_side_gets_its_answer() {
    let server = Running::tcp(patient(1), echo());
    let mut client = server.connect();
    client.send("+hello\n");
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.line().unwrap(), "hello");
    assert!(client.is_closed());
}

#[test]
fn more_connections_than_threads_are_all_served() {
    let server = Running::tcp(patient(2), echo());
    let address = server.address();
    let clients: Vec<_> = (0..40)
        .map(|number| {
            thread::spawn(move || {
                for round in 0..5 {
                    let stream = std::net::TcpStream::connect(address).unwrap();
                    let text = format!("{number}.{round}");
                    assert_eq!(Client::tcp(stream).ask(&format!("-{text}")).unwrap(), text);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn a_large_answer_arrives_whole_at_a_slow_reader() {
    const LENGTH: usize = 8 << 20;
    let handler = Answers(|_| Response {
        status: 200,
        headers: Vec::new(),
        body: Body::Stream(Box::new(|out| {
            for _ in 0..LENGTH / 65_536 {
                out.write_all(&[b'x'; 65_536])?;
            }
            Ok(())
        })),
    });
    let server = Running::tcp(patient(1), Arc::new(handler));
    let mut client = server.connect();
    client.send("-\n");
    let mut answer = Vec::new();
    client.0.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.len(), LENGTH + 1);
}

#[test]
fn a_large_body_arrives_whole() {
    let handler = Answers(|request: Request| say(&request.body.len().to_string()));
    let server = Running::tcp(patient(1), Arc::new(handler));
    let mut client = server.connect();
    client.send("body 3000000\n");
    client.send(&"x".repeat(3_000_000));
    assert_eq!(client.line().unwrap(), "3000000");
}

#[test]
fn a_refused_body_is_read_before_the_end() {
    let server = Running::tcp(patient(1), echo());
    let mut client = server.connect();
    assert_eq!(client.ask("drain 3000000").unwrap(), "refused");
    client.send(&"x".repeat(3_000_000));
    assert!(client.is_closed());
}

#[test]
fn clients_that_vanish_harm_nobody() {
    let server = Running::tcp(patient(1), echo());
    for number in 0..60 {
        let mut client = server.connect();
        match number % 3 {
            0 => {}
            1 => client.send("+half"),
            _ => client.send("+whole\n"),
        }
        let socket = Socket::from(client.0);
        // Closed with a reset.
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(server.connect().ask("-alive").unwrap(), "alive");
}

#[test]
fn only_allowed_peers_may_connect() {
    let allowing = |address: &str| Options {
        allowed_peers: vec![address.parse::<IpAddr>().unwrap()],
        ..patient(1)
    };
    let server = Running::tcp(allowing("192.0.2.7"), echo());
    assert!(server.connect().is_closed());
    assert!(server.connect().is_closed());
    for mine in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let server = Running::tcp(allowing(mine), echo());
        assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
    }
}

#[test]
fn a_unix_socket_serves_and_is_gone_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let address = Address::Unix {
        path: path.clone(),
        mode: Some(0o600),
        umask: None,
        owner: None,
        group: None,
    };
    // Peers without an address are not what `allowed_peers` is about.
    let options = Options {
        allowed_peers: vec!["192.0.2.7".parse().unwrap()],
        ..patient(1)
    };
    let server = Running::on(listen(&address, 128).unwrap(), options, echo());
    assert_eq!(server.local.to_string(), format!("unix:{}", path.display()));
    let mut client = Client(UnixStream::connect(&path).unwrap());
    assert_eq!(client.ask("+one").unwrap(), "one");
    assert_eq!(client.ask("+two").unwrap(), "two");
    server.stop.stop();
    assert!(client.is_closed());
    server.ends();
    assert!(!path.exists());
}

#[test]
fn a_moment_in_which_a_request_runs_is_not_quiet() {
    struct Busy(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);
    impl Handler for Busy {
        fn handle(&self, request: Request) -> Response {
            let quiet = self.1.lock().unwrap();
            while quiet.try_recv().is_ok() {}
            // One may have begun before this request did.
            let first = quiet.recv_timeout(SHORT);
            let second = quiet.recv_timeout(SHORT);
            assert!(first.is_err() || second.is_err());
            say(&request.query)
        }
        fn quiet(&self) {
            let _ = self.0.send(());
        }
    }
    let (sender, quiet) = mpsc::channel();
    let options = Options {
        quiet: Duration::from_millis(1),
        ..patient(1)
    };
    let server = Running::tcp(options, Arc::new(Busy(sender, Mutex::new(quiet))));
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}

#[test]
fn quiet_moments_are_used_again_and_again() {
    struct Quiet(mpsc::Sender<()>);
    impl Handler for Quiet {
        fn handle(&self, request: Request) -> Response {
            say(&request.query)
        }
        fn quiet(&self) {
            let _ = self.0.send(());
            panic!("the quiet work has a bug");
        }
    }
    let (sender, quiet) = mpsc::channel();
    let options = Options {
        quiet: Duration::from_millis(1),
        ..patient(1)
    };
    let server = Running::tcp(options, Arc::new(Quiet(sender)));
    quiet.recv_timeout(crate::harness::LONG).unwrap();
    quiet.recv_timeout(crate::harness::LONG).unwrap();
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}
