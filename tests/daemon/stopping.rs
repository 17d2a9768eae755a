//! Stop, restart, status, and PID files that others have left.

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use crate::place::Place;
use crate::place::answers;
use crate::place::is_open;
use crate::suite::Gateway;
use crate::suite::Options;

#[test]
fn stop_returns_when_the_server_has_gone() {
    let place = Place::new();
    for words in [&["stop"][..], &["development.ini", "--stop-daemon"]] {
        let (pid, endpoint) = place.start(&[]);
        place.serve(words).is(0, "", "");
        assert!(!is_open(&endpoint));
        assert!(!place.file("paster.pid").exists());
        let log = place.read("paster.log");
        assert!(log.ends_with("stopped\n"), "{pid}: {log}");
    }
}

#[test]
fn without_a_pid_file_nobody_runs() {
    let place = Place::new();
    let text = "weaved: no server runs: there is no PID in paster.pid\n";
    place.serve(&["status"]).is(1, "", text);
    place.serve(&["stop"]).is(1, "", text);
    let text = "weaved: no server runs: there is no PID in elsewhere.pid\n";
    place
        .serve(&["stop", "--pid-file", "elsewhere.pid"])
        .is(1, "", text);
}

#[test]
fn a_pid_file_that_was_left_behind_is_removed_by_stop() {
    let place = Place::new();
    // The number of a process that lives: ours would be locked, so it is somebody else.
    let left = format!("{}\n", std::process::id());
    place.write("paster.pid", &left);
    let stale = format!(
        "weaved: no server runs: PID {} in paster.pid is stale",
        left.trim()
    );
    place.serve(&["status"]).is(1, "", &format!("{stale}\n"));
    assert_eq!(place.read("paster.pid"), left);
    place
        .serve(&["stop"])
        .is(0, "", &format!("{stale}; removing it\n"));
    assert!(!place.file("paster.pid").exists());
}

#[test]
fn a_pid_file_that_was_left_behind_is_no_obstacle_for_a_start() {
    let place = Place::new();
    let (pid, _) = place.start(&[]);
    let process = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    while place.serve(&["status"]).0.status.success() {
        thread::yield_now();
    }
    assert_eq!(place.pid(), pid);
    assert_ne!(place.start(&[]).0, pid);
}

#[test]
fn what_is_no_pid_file_is_left_alone() {
    let place = Place::new();
    for words in [&["development.ini", "start"][..], &["stop"], &["status"]] {
        let words = [words, &["--pid-file", "sync.conf"]].concat();
        let before = place.read("sync.conf");
        let said = place.serve(&words);
        let code = if words.contains(&"start") { 73 } else { 1 };
        said.is(code, "", "weaved: sync.conf is no PID file\n");
        assert_eq!(place.read("sync.conf"), before);
    }
}

/// The original writes its number without a line end, and locks nothing.
#[test]
fn a_server_of_the_original_is_respected_and_can_be_stopped() {
    let place = Place::new();
    let mut original = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = original.id();
    place.write("paster.pid", &pid.to_string());
    let running = format!("Server running in PID {pid}\n");
    place.serve(&["status"]).is(0, &running, "");
    let text = format!("weaved: already running: PID {pid} (paster.pid)\n");
    place.serve(&["development.ini", "start"]).is(1, "", &text);
    // Its number is free once its parent has asked for its end.
    let end = thread::spawn(move || original.wait().unwrap());
    place.serve(&["stop"]).is(0, "", "");
    assert!(!end.join().unwrap().success());
    assert!(!place.file("paster.pid").exists());
}

#[test]
fn a_server_that_does_not_end_is_3() {
    let options = Options::new(Gateway::Http, "");
    let place = Place::with(options.set("global.graceful_shutdown_interval", "0"));
    let mut deaf = Command::new("sh")
        .args(["-c", "trap '' TERM; echo; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = std::io::BufReader::new(deaf.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut ready, &mut String::new()).unwrap();
    let pid = deaf.id();
    place.write("paster.pid", &pid.to_string());
    let text = format!(
        "weaved: the server in PID {pid} has not ended within 5 s; kill -QUIT {pid} ends it at \
         once\n"
    );
    place.serve(&["development.ini", "stop"]).is(3, "", &text);
    deaf.kill().unwrap();
    deaf.wait().unwrap();
    fs::remove_file(place.file("paster.pid")).unwrap();
}

#[test]
fn restart_replaces_the_server() {
    let place = Place::new();
    let (first, old) = place.start(&[]);
    let (second, new) = place.serve(&["development.ini", "restart"]).started();
    assert_ne!(first, second);
    assert!(!is_open(&old) && answers(&new));
    assert_eq!(place.pid(), second);
}

#[test]
fn restart_starts_a_server_that_does_not_run() {
    let place = Place::new();
    let (_, endpoint) = place.serve(&["development.ini", "restart"]).started();
    assert!(answers(&endpoint));
}

#[test]
fn restart_with_a_broken_configuration_leaves_the_server_alone() {
    let place = Place::new();
    let (pid, endpoint) = place.start(&[]);
    place.replace(
        "sync.conf",
        "create_tables = true",
        "create_tables = perhaps",
    );
    let said = place.serve(&["development.ini", "restart"]);
    said.is(78, "", &place.serve(&["development.ini"]).err());
    let words = ["development.ini", "restart", "--user", "no such user"];
    place
        .serve(&words)
        .is(64, "", "weaved: there is no user no such user\n");
    assert!(answers(&endpoint));
    assert_eq!(place.pid(), pid);
}
