//! What a start in the background promises, and how it fails.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use rustix::fs::Mode;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::place::Place;
use crate::place::Said;
use crate::place::answers;
use crate::suite::WEAVED;

#[test]
fn the_command_returns_when_requests_are_answered() {
    let place = Place::new();
    let (pid, endpoint) = place.start(&[]);
    assert!(answers(&endpoint));
    assert_eq!(place.read("paster.pid"), format!("{pid}\n"));
    let running = format!("Server running in PID {pid}\n");
    place.serve(&["status"]).is(0, &running, "");
    place
        .serve(&["development.ini", "--status"])
        .is(0, &running, "");
    let log = place.read("paster.log");
    let starting = format!(" INFO [weaved::cli::launch] starting server in PID {pid}\n");
    assert!(log.contains(&starting), "{log}");
}

#[test]
fn the_server_is_in_a_session_of_its_own_and_where_it_was_started() {
    let place = Place::new();
    let (pid, _) = place.start(&[]);
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let (group, session, terminal) = (fields[2], fields[3], fields[4]);
    let own = pid.to_string();
    assert_eq!((group, session, terminal), (&*own, &*own, "0"), "{stat}");
    let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
    let folder = fs::canonicalize(place.path()).unwrap();
    assert_eq!(link("cwd"), folder);
    assert_eq!(link("fd/0").to_str(), Some("/dev/null"));
    assert_eq!(link("fd/1"), folder.join("paster.log"));
    assert_eq!(link("fd/2"), folder.join("paster.log"));
}

/// Scripts that run under `flock`, or in a session whose end somebody waits for, go on.
#[test]
fn the_server_keeps_nothing_of_whoever_started_it() {
    let place = Place::new();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "exec \"$0\" serve development.ini start 7>held 9<held",
        WEAVED,
    ]);
    let said = Said(shell.current_dir(place.path()).output().unwrap());
    let (pid, _) = said.started();
    let held = fs::canonicalize(place.file("held")).unwrap();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let mut open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    assert!(!open.any(|file| file == held));
}

#[test]
fn start_is_daemon_with_a_word() {
    let place = Place::new();
    let (_, endpoint) = place.serve(&["development.ini", "start"]).started();
    assert!(answers(&endpoint));
}

#[test]
fn a_second_start_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let (pid, endpoint) = place.start(&[]);
    let text = format!("weaved: already running: PID {pid} (paster.pid)\n");
    place
        .serve(&["development.ini", "--daemon"])
        .is(1, "", &text);
    assert!(answers(&endpoint));
    assert!(!place.read("paster.log").contains("already running"));
    // In the foreground as well, when it is to have the same file.
    let words = ["development.ini", "--pid-file", "paster.pid"];
    place.serve(&words).is(1, "", &text);
}

#[test]
fn of_starts_at_once_exactly_one_wins() {
    let place = Place::new();
    let start = || {
        let mut command = Command::new(WEAVED);
        command.args(["serve", "development.ini", "--daemon"]);
        Said(command.current_dir(place.path()).output().unwrap())
    };
    let said: Vec<Said> = thread::scope(|scope| {
        #[expect(
            clippy::needless_collect,
            reason = "all begin before one is waited for"
        )]
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(start)).collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let pid = place.pid();
    let refused = format!("weaved: already running: PID {pid} (paster.pid)\n");
    let (won, lost): (Vec<_>, Vec<_>) = said.iter().partition(|said| said.0.status.success());
    assert_eq!(won.len(), 1, "{said:?}");
    assert_eq!(won[0].started().0, pid);
    for said in lost {
        said.is(1, "", &refused);
    }
}

#[test]
fn a_broken_configuration_is_told_as_in_the_foreground() {
    let place = Place::new();
    place.replace(
        "sync.conf",
        "create_tables = true",
        "create_tables = perhaps",
    );
    let foreground = place.serve(&["development.ini"]);
    assert_eq!(foreground.0.status.code(), Some(78), "{foreground:?}");
    let background = place.serve(&["development.ini", "--daemon"]);
    background.is(78, "", &foreground.err());
    // Whoever looks into the log finds it as well.
    assert_eq!(place.read("paster.log"), foreground.err());
    assert!(!place.file("paster.pid").exists());
    let missing = place.serve(&["nosuch.ini", "--daemon"]);
    missing.is(78, "", &place.serve(&["nosuch.ini"]).err());
}

#[test]
fn a_port_in_use_is_told() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let port = format!("port = {}", address.port());
    place.replace("development.ini", "port = 0", &port);
    let text = format!(
        "weaved: cannot listen on {address}: another program uses the port; stop it or choose \
         another port: Address already in use (os error 98)\n"
    );
    place
        .serve(&["development.ini", "--daemon"])
        .is(71, "", &text);
    assert!(!place.file("paster.pid").exists());
}

#[test]
fn a_database_that_is_away_is_told() {
    let place = Place::new();
    fs::create_dir(place.file("sync.db")).unwrap();
    let foreground = place.serve(&["development.ini"]);
    let background = place.serve(&["development.ini", "--daemon"]);
    assert_eq!(background.0.status.code(), Some(69), "{background:?}");
    let complaint = foreground.err();
    let complaint = complaint.lines().find(|line| line.starts_with("weaved: "));
    assert_eq!(background.err().lines().next(), complaint, "{foreground:?}");
}

#[test]
fn a_server_that_ends_without_a_word_is_told() {
    let place = Place::new();
    // A configuration that never ends to be read.
    let ini = place.file("pipe.ini");
    rustix::fs::mkfifoat(rustix::fs::CWD, &ini, Mode::RUSR | Mode::WUSR).unwrap();
    let command = Command::new(WEAVED)
        .args(["serve", "pipe.ini", "--daemon"])
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Opening waits until the server has opened it, after it has taken the PID file.
    let _writer = fs::OpenOptions::new().write(true).open(&ini).unwrap();
    let pid = Pid::from_raw(place.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    let said = Said(command.wait_with_output().unwrap());
    said.is(
        71,
        "",
        "weaved: the server ended before it was ready (signal: 9 (SIGKILL)); see paster.log\n",
    );
    let stale = format!(
        "weaved: no server runs: PID {} in paster.pid is stale\n",
        place.pid()
    );
    place.serve(&["status"]).is(1, "", &stale);
}

#[test]
fn variables_and_sections_reach_the_server() {
    let place = Place::new();
    place.replace("development.ini", "host = 127.0.0.1", "host = %(where)s");
    place.replace("development.ini", "[server:main]", "[server:web]");
    place.replace("development.ini", "[app:main]", "[app:sync]");
    let words = ["--app-name", "sync", "--server-name=web", "where=127.0.0.2"];
    let (_, endpoint) = place.start(&words);
    assert!(endpoint.to_string().starts_with("127.0.0.2:"), "{endpoint}");
    assert!(answers(&endpoint));
    let text = "weaved: the configuration has one mistake:\ndevelopment.ini: has no \
                [server:main] section: at least \"use = fcgi\" must stand there\n";
    let words = ["development.ini", "-n", "sync", "where=127.0.0.2"];
    let said = place.serve(&words);
    assert_eq!(said.0.status.code(), Some(78), "{said:?}");
    assert!(said.err().starts_with(text), "{said:?}");
}

#[test]
fn arguments_that_make_no_sense_are_64() {
    let place = Place::new();
    for (words, text) in [
        (
            &["development.ini", "--daemon", "nonsense"][..],
            "nonsense: expected start, stop, restart, status or NAME=VALUE",
        ),
        (
            &["start"],
            "which configuration FILE?\n\nUsage: weaved serve [OPTIONS] FILE \
             [start|stop|restart|status] [NAME=VALUE]...",
        ),
        (
            &["development.ini", "start", "--stop-daemon"],
            "one of start, stop, restart and status at a time",
        ),
        (
            &["development.ini", "--daemon", "--user", "no such user"],
            "there is no user no such user",
        ),
        (
            &["development.ini", "--group", "no such group"],
            "there is no group no such group",
        ),
        (
            &["development.ini", "-s", "wsgiutils"],
            "--server: choose the protocol in [server:main]: use = fcgi, scgi or http; or with \
             --server-name another [server:NAME]",
        ),
    ] {
        place.serve(words).is(64, "", &format!("weaved: {text}\n"));
    }
    let unknown = place.serve(&["development.ini", "--demon"]);
    assert_eq!(unknown.0.status.code(), Some(64), "{unknown:?}");
    assert!(!place.file("paster.pid").exists() && !place.file("paster.log").exists());
}

#[test]
fn options_of_old_scripts_are_understood() {
    let place = Place::new();
    let words = [
        "development.ini",
        "--daemon",
        "--monitor-restart",
        "--reload",
        "--reload-interval=5",
    ];
    let said = place.serve(&words);
    let notice = "weaved: --reload has no effect: send HUP to let the configuration be read \
                  again\n";
    said.is(0, &said.out(), notice);
    assert!(!place.read("paster.log").contains("--reload"));
}

#[test]
fn less_is_logged_when_asked_for_less() {
    let place = Place::new();
    place.start(&["-q"]);
    let log = place.read("paster.log");
    assert!(!log.contains(" INFO "), "{log}");
}

#[test]
fn whoever_waits_may_go_and_the_server_still_starts() {
    let place = Place::new();
    let ini = place.file("development.ini");
    let text = fs::read(&ini).unwrap();
    fs::remove_file(&ini).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &ini, Mode::RUSR | Mode::WUSR).unwrap();
    let mut command = Command::new(WEAVED)
        .args(["serve", "development.ini", "--daemon"])
        .current_dir(place.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&ini).unwrap();
    command.kill().unwrap();
    command.wait().unwrap();
    // The server reads from the pipe that it has open, its worker from the file.
    fs::write(place.file("file.ini"), &text).unwrap();
    fs::rename(place.file("file.ini"), &ini).unwrap();
    io::Write::write_all(&mut writer, &text).unwrap();
    drop(writer);
    while !place.read("paster.log").contains("serving on ") {
        thread::yield_now();
    }
    let running = format!("Server running in PID {}\n", place.pid());
    place.serve(&["status"]).is(0, &running, "");
}
