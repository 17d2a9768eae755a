//! `examples/sysvinit/weaved` as it stands; where things lie is said in its file of defaults.
//!
//! Exit codes: Linux Standard Base, "Init Script Actions".

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;
use crate::place::Said;
use crate::place::USER;
use crate::place::answers;
use crate::place::id;
use crate::place::is_root;
use crate::place::status_of;
use crate::suite::Gateway;
use crate::suite::Options;

struct Script(Place);

impl Script {
    fn new() -> Self {
        let place = Place::of_user(Options::new(Gateway::Http, ""));
        let file = |name: &str| place.file(name).display().to_string();
        let us = rustix::process::geteuid().as_raw().to_string();
        let user = if is_root() { USER } else { &id("-un", &us) };
        let defaults = format!(
            "DAEMON={}\nCONFIG={}\nPID_FILE={}\nLOG_FILE={}\nRUN_AS={user}\n",
            place.program().display(),
            file("development.ini"),
            // The name with which the folder's server is stopped in any case.
            file("paster.pid"),
            file("log"),
        );
        place.write("defaults", &defaults);
        Self(place)
    }

    /// Runs the script, somewhere else.
    #[track_caller]
    fn run(&self, word: &str) -> Said {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sysvinit/weaved");
        let output = Command::new(script)
            .arg(word)
            .env("WEAVED_DEFAULTS", self.0.file("defaults"))
            .current_dir("/")
            .output()
            .unwrap();
        Said(output)
    }
}

#[test]
fn it_starts_and_stops_and_tells() {
    let script = Script::new();
    assert_eq!(script.run("status").0.status.code(), Some(3));
    script.run("stop").is(0, "", "");
    let (pid, endpoint) = script.run("start").started();
    assert!(answers(&endpoint));
    script.run("start").is(0, "", "");
    script
        .run("status")
        .is(0, &format!("Server running in PID {pid}\n"), "");
    if is_root() {
        assert_eq!(status_of(pid, "Uid"), [&*id("-u", USER); 4].join("\t"));
    }
    let (second, endpoint) = script.run("restart").started();
    assert_ne!(pid, second);
    let (third, _) = script.run("try-restart").started();
    assert_ne!(second, third);
    assert!(!crate::place::is_open(&endpoint));
    script.run("stop").is(0, "", "");
    script.run("try-restart").is(0, "", "");
    assert_eq!(script.run("reload").0.status.code(), Some(7));
    assert_eq!(script.run("nonsense").0.status.code(), Some(2));
}

#[test]
fn a_server_that_was_killed_is_told_and_started_again() {
    let script = Script::new();
    let (pid, _) = script.run("start").started();
    let process = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    while script.run("status").0.status.success() {
        std::thread::yield_now();
    }
    assert_eq!(script.run("status").0.status.code(), Some(1));
    script.run("start").started();
}

#[test]
fn a_broken_configuration_is_told() {
    let script = Script::new();
    fs::remove_file(script.0.file("sync.conf")).unwrap();
    let said = script.run("start");
    assert_eq!(said.0.status.code(), Some(78), "{said:?}");
    assert!(said.err().contains("sync.conf"), "{said:?}");
}

#[test]
fn a_program_that_is_gone_is_no_mistake_of_ours() {
    let script = Script::new();
    script.0.write("defaults", "DAEMON=/nonexistent/weaved\n");
    assert_eq!(script.run("start").0.status.code(), Some(5));
}
