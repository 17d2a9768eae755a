//! Where the listening socket comes from.

use std::net::IpAddr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;

use crate::harness::serve;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::Listen;
use crate::suite::Options;
use crate::suite::WEAVED;
use crate::suite::Weaved;
use crate::suite::signal;

fn options() -> Options {
    Options::new(Gateway::Fcgi, "/yourpath")
}

/// `weaved serve` with this socket as descriptor 0.
fn spawn(socket: impl Into<OwnedFd>, options: Options) -> Weaved {
    let home = Home::new();
    let ini = home.configure(&options);
    let mut command = Command::new(WEAVED);
    command.arg("serve").arg(ini);
    command.stdin(Stdio::from(socket.into()));
    Weaved::run(home, options, &mut command)
}

#[track_caller]
fn answers(weaved: &Weaved) {
    let heartbeat = HttpRequest::new("GET", "/__heartbeat__");
    assert_eq!(weaved.direct().send(&heartbeat).status, 200);
}

#[test]
fn descriptor_0_is_served_by_one_process_whatever_the_configuration_names() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let weaved = spawn(listener, options());
    assert_eq!(weaved.endpoint().port(), port);
    assert_eq!(weaved.log().count("of the configuration is not used"), 1);
    answers(&weaved);
    assert!(weaved.workers().is_empty());
    // mod_fcgid kills 2 s after TERM.
    let begun = Instant::now();
    assert!(weaved.stop().success());
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn several_processes_serve_descriptor_0_if_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket-0");
    let listener = UnixListener::bind(&path).unwrap();
    let weaved = spawn(listener, options().server("processes", "2"));
    serve(&weaved, 2);
    assert_eq!(weaved.workers().len(), 2);
    answers(&weaved);
    let begun = Instant::now();
    assert!(weaved.stop().success());
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(path.exists(), "it belongs to whoever has made it");
}

#[test]
fn hup_opens_the_logs_of_a_process_without_a_master_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let weaved = spawn(listener, options());
    signal(weaved.master(), Signal::HUP);
    weaved
        .log()
        .wait_for_count("SIGHUP: the logs are opened anew", 1);
    signal(weaved.master(), Signal::TTOU);
    answers(&weaved);
}

#[test]
fn without_arguments_a_listening_descriptor_0_is_served() {
    let (home, options) = (Home::new(), options());
    let ini = home.configure(&options);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new(WEAVED);
    command.env("WEAVED_CONFIG", ini);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    answers(&Weaved::run(home, options, &mut command));
}

#[test]
fn the_environment_names_the_file_that_the_arguments_leave_out() {
    let (home, options) = (Home::new(), options());
    let ini = home.configure(&options);
    let mut command = Command::new(WEAVED);
    command.arg("serve").env("WEAVED_CONFIG", ini);
    command.stdin(Stdio::null());
    let weaved = Weaved::run(home, options, &mut command);
    serve(&weaved, 1);
    answers(&weaved);
}

/// Whether a server with this value of `FCGI_WEB_SERVER_ADDRS` answers us.
fn lets_in(addresses: &str, unix_socket: bool) -> bool {
    let mut options = options().server("allowedServers", "192.0.2.1");
    if unix_socket {
        options.listen = Listen::Unix;
    }
    let home = Home::new();
    let ini = home.configure(&options);
    let mut command = Command::new(WEAVED);
    command.arg("serve").arg(ini).stdin(Stdio::null());
    command.env("FCGI_WEB_SERVER_ADDRS", addresses);
    let weaved = Weaved::run(home, options, &mut command);
    let heartbeat = HttpRequest::new("GET", "/__heartbeat__");
    let told = weaved.log().count("has no effect on a Unix socket");
    assert_eq!(told, usize::from(unix_socket));
    weaved.direct().exchange(&heartbeat).is_ok()
}

#[test]
fn the_environment_says_which_web_servers_may_connect() {
    assert!(lets_in("127.0.0.1", false));
    assert!(lets_in("192.0.2.1,127.0.0.1", false));
    assert!(!lets_in("192.0.2.1,192.0.2.2", false));
    // What is set to nothing is not set.
    assert!(!lets_in("", false));
    // flup locked everybody out.
    assert!(lets_in("192.0.2.1", true));
}

#[test]
fn ipv6_is_served_with_or_without_brackets() {
    if TcpListener::bind("[::1]:0").is_err() {
        // A machine without IPv6 has nothing to test.
        return;
    }
    for host in ["::1", "[::1]"] {
        let (home, options) = (Home::new(), options());
        let ini = home.configure(&options);
        let text = std::fs::read_to_string(&ini).unwrap();
        std::fs::write(&ini, text.replace("127.0.0.1", host)).unwrap();
        let mut command = Command::new(WEAVED);
        command.arg("serve").arg(ini).stdin(Stdio::null());
        let weaved = Weaved::run(home, options, &mut command);
        let expected: IpAddr = "::1".parse().unwrap();
        let crate::suite::Endpoint::Tcp(address) = weaved.endpoint() else {
            panic!("not TCP")
        };
        assert_eq!(address.ip(), expected);
        answers(&weaved);
    }
}

#[test]
fn a_unix_socket_has_the_owner_group_and_mode_that_were_asked_for() {
    let root = rustix::process::geteuid().is_root();
    let mine = std::fs::metadata(Home::new().path()).unwrap();
    let (user, group) = if root {
        ("nobody".to_owned(), "17".to_owned())
    } else {
        (mine.uid().to_string(), mine.gid().to_string())
    };
    let mut options = options().server("owner", &user).server("group", &group);
    options.listen = Listen::Unix;
    let weaved = Weaved::start(options);
    let found = std::fs::metadata(weaved.home().path().join("weaved.sock")).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    if root {
        assert_ne!(found.uid(), 0);
        assert_eq!(found.gid(), 17);
    } else {
        assert_eq!((found.uid(), found.gid()), (mine.uid(), mine.gid()));
    }
    if root {
        answers(&weaved);
    }
}

#[test]
fn an_owner_that_does_not_exist_is_a_mistake_in_the_configuration() {
    let mut options = options().server("owner", "nobody-of-that-name");
    options.listen = Listen::Unix;
    let home = Home::new();
    let ini = home.configure(&options);
    let out = crate::suite::run(&["serve", ini.to_str().unwrap()], "", home.path());
    assert_eq!(out.status.code(), Some(78));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(
        said.contains("this machine has no user nobody-of-that-name"),
        "{said}"
    );
}
