//! The PID file and the log file, where they are and how they are treated.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::Place;
use crate::place::answers;
use crate::suite::Weaved;

#[test]
fn the_files_are_where_they_were_asked_for() {
    let place = Place::new();
    fs::create_dir(place.file("var")).unwrap();
    let words = ["--pid-file=var/w.pid", "--log-file=var/w.log"];
    let (pid, _) = place.start(&words);
    assert_eq!(place.read("var/w.pid"), format!("{pid}\n"));
    assert!(place.read("var/w.log").contains("listening on "));
    assert!(!place.file("paster.pid").exists() && !place.file("paster.log").exists());
    let log = fs::metadata(place.file("var/w.log")).unwrap();
    assert_eq!(log.permissions().mode() & 0o007, 0, "not for everybody");
    place.serve(&["stop", words[0]]).is(0, "", "");
    assert!(!place.file("var/w.pid").exists());
}

#[test]
fn a_log_file_is_appended_to() {
    let place = Place::new();
    place.write("paster.log", "what was there\n");
    for starts in 1..=2 {
        place.start(&[]);
        place.serve(&["stop"]).is(0, "", "");
        let log = place.read("paster.log");
        assert!(log.starts_with("what was there\n"), "{log}");
        assert_eq!(
            log.matches("starting server in PID").count(),
            starts,
            "{log}"
        );
    }
}

#[test]
fn a_log_file_that_was_put_aside_is_opened_anew() {
    let place = Place::new();
    place.start(&[]);
    fs::rename(place.file("paster.log"), place.file("paster.log.1")).unwrap();
    place.serve(&["stop"]).is(0, "", "");
    let (old, new) = (place.read("paster.log.1"), place.read("paster.log"));
    assert!(
        old.contains("listening on ") && !old.contains("stopped"),
        "{old}"
    );
    assert!(new.ends_with("stopped\n"), "{new}");
}

#[test]
fn files_that_cannot_be_made_are_73() {
    let place = Place::new();
    let no = "No such file or directory (os error 2)";
    let words = ["development.ini", "--daemon", "--log-file=none/log"];
    let text = format!("weaved: cannot write the log file none/log: {no}\n");
    place.serve(&words).is(73, "", &text);
    let words = ["development.ini", "--daemon", "--pid-file=none/pid"];
    let text = format!("weaved: cannot use the PID file none/pid: {no}\n");
    place.serve(&words).is(73, "", &text);
    fs::create_dir(place.file("folder")).unwrap();
    let words = ["development.ini", "--pid-file=folder"];
    let text = "weaved: cannot use the PID file folder: Is a directory (os error 21)\n";
    place.serve(&words).is(73, "", text);
}

#[test]
fn a_server_in_the_foreground_has_both_files_if_asked() {
    let place = Place::new();
    // The suite's own server, whose log is its error output, runs at the same time.
    let other = Weaved::start_in(
        crate::suite::Home::new(),
        crate::suite::Options::new(crate::suite::Gateway::Http, ""),
    );
    assert!(!other.home().path().join("paster.pid").exists());
    let mut server = std::process::Command::new(crate::suite::WEAVED)
        .args([
            "serve",
            "development.ini",
            "--pid-file=paster.pid",
            "--log-file=w.log",
        ])
        .current_dir(place.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let serving = |log: &str| {
        let (_, rest) = log.split_once("listening on ")?;
        crate::suite::Endpoint::parse(rest.split_once(' ')?.0)
    };
    let endpoint = loop {
        let log = fs::read_to_string(place.file("w.log")).unwrap_or_default();
        if let Some(endpoint) = serving(&log) {
            break endpoint;
        }
        std::thread::yield_now();
    };
    assert!(answers(&endpoint));
    assert_eq!(place.pid(), server.id());
    let waiting = std::thread::spawn(move || (server.wait().unwrap(), server));
    place.serve(&["stop"]).is(0, "", "");
    let (status, mut server) = waiting.join().unwrap();
    assert!(status.success());
    assert!(!place.file("paster.pid").exists());
    let mut printed = String::new();
    std::io::Read::read_to_string(&mut server.stdout.take().unwrap(), &mut printed).unwrap();
    std::io::Read::read_to_string(&mut server.stderr.take().unwrap(), &mut printed).unwrap();
    assert_eq!(printed, "");
}
