//! What systemd passes, and what it is told.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::Signal;

use crate::harness::LONG;
use crate::harness::serve;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::Options;
use crate::suite::WEAVED;
use crate::suite::Weaved;
use crate::suite::signal;

/// Passes sockets as systemd does: under the numbers 3 and upwards.
fn activate(first: impl Into<OwnedFd>, second: Option<OwnedFd>, ini: &Path) -> Command {
    let count = 1 + usize::from(second.is_some());
    // The shell inherits them as what they can be inherited as.
    let script = format!(
        "exec 3<&0 4<&1 </dev/null >&2; [ {count} = 2 ] || exec 4<&-; \
         LISTEN_PID=$$ LISTEN_FDS={count} exec {WEAVED} serve \"$1\""
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(ini);
    command.stdin(Stdio::from(first.into()));
    if let Some(second) = second {
        command.stdout(Stdio::from(second));
    }
    command
}

fn options() -> Options {
    Options::new(Gateway::Fcgi, "/yourpath").server("processes", "2")
}

#[track_caller]
fn answers(weaved: &Weaved) {
    let heartbeat = HttpRequest::new("GET", "/__heartbeat__");
    assert_eq!(weaved.direct().send(&heartbeat).status, 200);
}

#[test]
fn the_socket_that_systemd_passes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weaved.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for socket in [OwnedFd::from(unix), OwnedFd::from(tcp)] {
        let (home, options) = (Home::new(), options());
        let ini = home.configure(&options);
        let weaved = Weaved::run(home, options, &mut activate(socket, None, &ini));
        serve(&weaved, 2);
        assert_eq!(weaved.log().count("serving on the socket that systemd"), 1);
        answers(&weaved);
        assert!(weaved.stop().success());
    }
    assert!(path.exists(), "it is systemd's");
}

/// What a start with these sockets says, with its exit code.
fn refused(first: impl Into<OwnedFd>, second: Option<OwnedFd>) -> (Option<i32>, String) {
    let home = Home::new();
    let ini = home.configure(&options());
    let mut command = activate(first, second, &ini);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    // Our ends of the sockets.
    drop(command);
    let out = child.wait_with_output().unwrap();
    (out.status.code(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn what_cannot_be_served_is_refused() {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, said) = refused(bind(), Some(bind().into()));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("systemd has passed 2 sockets"), "{said}");

    let (connected, _other) = UnixStream::pair().unwrap();
    let (code, said) = refused(connected, None);
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("it is not a listening stream socket"),
        "{said}"
    );
}

/// A service manager that writes down what it is told.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self {
            socket,
            heard: Vec::new(),
        }
    }

    /// Waits until it has been told this so many times in all.
    #[track_caller]
    fn hears(&mut self, wanted: &str, count: usize) {
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        while self.count(wanted) < count {
            let heard = &mut self.heard;
            assert!(begun.elapsed() < LONG, "no {count} × {wanted}: {heard:#?}");
            let length = self.socket.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            heard.extend(text.lines().map(str::to_owned));
        }
    }

    fn count(&self, wanted: &str) -> usize {
        let heard = self.heard.iter();
        heard.filter(|line| line.starts_with(wanted)).count()
    }
}

#[test]
fn a_service_manager_hears_of_ready_reload_stop_and_life() {
    let home = Home::new();
    let path = home.path().join("notify");
    let mut manager = Manager::at(&path);
    let options = options();
    let ini = home.configure(&options);
    let mut command = Command::new(WEAVED);
    command.arg("serve").arg(&ini).stdin(Stdio::null());
    command.env("NOTIFY_SOCKET", &path);
    command.env("WATCHDOG_USEC", "1000000");
    let weaved = Weaved::run(home, options, &mut command);
    manager.hears("READY=1", 1);
    serve(&weaved, 2);
    manager.hears("WATCHDOG=1", 2);
    let status = format!("STATUS=serving on {}: 2 of 2 workers", weaved.endpoint());
    manager.hears(&status, 1);

    signal(weaved.master(), Signal::HUP);
    manager.hears("RELOADING=1", 1);
    // In the same message, so it has been read as well.
    assert_eq!(manager.count("MONOTONIC_USEC="), 1);
    manager.hears("READY=1", 2);
    let word = "all workers have the new configuration";
    weaved.log().wait_for_count(word, 1);

    // A refused reload ends as well.
    let text = std::fs::read_to_string(&ini).unwrap();
    std::fs::write(&ini, format!("{text}\nnonsense\n")).unwrap();
    signal(weaved.master(), Signal::HUP);
    manager.hears("RELOADING=1", 2);
    manager.hears("READY=1", 3);
    weaved
        .log()
        .wait_for_count("is refused, the old one stays", 1);

    assert!(weaved.stop().success());
    manager.hears("STOPPING=1", 1);
}
