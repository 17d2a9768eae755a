//! From root to the user who serves. Without root there is nothing to give up, and less to test.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::place::Place;
use crate::place::Said;
use crate::place::USER;
use crate::place::answers;
use crate::place::id;
use crate::place::is_root;
use crate::place::status_of;
use crate::suite::Gateway;
use crate::suite::Listen;
use crate::suite::Options;

/// Whether this is root; says so if not.
fn can_become_another() -> bool {
    if !is_root() {
        println!("NOT TESTED, for only root can: becoming another user");
    }
    is_root()
}

#[track_caller]
fn belongs(place: &Place, file: &str, user: &str, group: &str) {
    let found = fs::symlink_metadata(place.file(file)).unwrap();
    let ids = (found.uid().to_string(), found.gid().to_string());
    assert_eq!(ids, (user.to_owned(), group.to_owned()), "{file}");
}

/// Real, effective, saved and file system's ids, which are all one.
fn four(id: &str) -> String {
    [id; 4].join("\t")
}

#[test]
fn the_server_becomes_the_user_with_his_groups_and_no_others() {
    if !can_become_another() {
        return;
    }
    let logging = "[loggers]\nkeys = root\n[logger_root]\nhandlers = file,out\n\
                   [handler_file]\nclass = FileHandler\nargs = ('%(here)s/own.log',)\n\
                   [handler_out]\nclass = StreamHandler\nargs = (sys.stderr,)";
    let place = Place::of_user(Options {
        ini: logging,
        listen: Listen::Unix,
        ..Options::new(Gateway::Fcgi, "")
    });
    let (pid, _) = place.start(&["--user", USER]);
    let (user, group) = (id("-u", USER), id("-g", USER));
    assert_eq!(status_of(pid, "Uid"), four(&user));
    assert_eq!(status_of(pid, "Gid"), four(&group));
    assert_eq!(status_of(pid, "Groups"), id("-G", USER));
    for file in ["sync.db", "paster.log", "own.log", "weaved.sock"] {
        belongs(&place, file, &user, &group);
    }
    assert!(!place.read("paster.log").contains("root"));
    place.serve(&["stop"]).is(0, "", "");
    for file in ["paster.pid", "weaved.sock"] {
        assert!(!place.file(file).exists(), "{file}");
    }
}

#[test]
fn numbers_and_a_group_are_taken_as_well() {
    if !can_become_another() {
        return;
    }
    let place = Place::of_user(Options::new(Gateway::Http, ""));
    let (user, group) = (id("-u", USER), "54321");
    let (pid, endpoint) = place.start(&["--user", &user, "--group", group]);
    assert_eq!(status_of(pid, "Uid"), four(&user));
    assert_eq!(status_of(pid, "Gid"), four(group));
    assert!(answers(&endpoint));
    belongs(&place, "sync.db", &user, group);
}

#[test]
fn a_group_alone_leaves_the_user() {
    if !can_become_another() {
        return;
    }
    let place = Place::new();
    let (pid, _) = place.start(&["--group", "54321"]);
    assert_eq!(status_of(pid, "Uid"), four("0"));
    assert_eq!(status_of(pid, "Gid"), four("54321"));
    assert_eq!(status_of(pid, "Groups"), "54321");
}

/// A PID file in a folder of root's cannot be removed by the server any more.
#[test]
fn a_pid_file_where_the_server_may_not_delete_says_that_it_has_gone() {
    if !can_become_another() {
        return;
    }
    let place = Place::of_user(Options::new(Gateway::Http, ""));
    let run = place.file("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    let words = ["--user", USER, "--pid-file=run/weaved.pid"];
    let (pid, _) = place.start(&words);
    let process = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    while place.serve(&["status", words[2]]).0.status.success() {
        std::thread::yield_now();
    }
    let text = "weaved: no server runs: there is no PID in run/weaved.pid\n";
    place.serve(&["status", words[2]]).is(1, "", text);
    place.start(&words);
    place.serve(&["stop", words[2]]).is(0, "", "");
    assert!(!place.file("run/weaved.pid").exists(), "root can remove it");
}

#[test]
fn a_port_that_only_root_may_bind_is_bound_first() {
    if !can_become_another() {
        return;
    }
    let place = Place::of_user(Options::new(Gateway::Http, ""));
    // Any free one below 1024.
    let port = (700..1024).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let port = format!("port = {}", port.unwrap());
    place.replace("development.ini", "port = 0", &port);
    let (_, endpoint) = place.start(&["--user", USER]);
    assert!(answers(&endpoint));
}

#[test]
fn serving_as_root_is_warned_of() {
    let place = Place::new();
    place.start(&[]);
    let warning = " WARN [weaved::cli::launch] serving as root, which is more than is needed: \
                   make a user and write --user NAME\n";
    assert_eq!(place.read("paster.log").contains(warning), is_root());
}

#[test]
fn only_its_user_and_root_can_stop_a_server() {
    if !can_become_another() {
        return;
    }
    let place = Place::of_user(Options::new(Gateway::Http, ""));
    let (pid, endpoint) = place.start(&[]);
    let said = as_user(&place).args(["serve", "stop"]).output().unwrap();
    let text = format!(
        "weaved: cannot stop the server in PID {pid}: Operation not permitted (os error 1)\n"
    );
    Said(said).is(77, "", &text);
    let said = as_user(&place).args(["serve", "status"]).output().unwrap();
    Said(said).is(0, &format!("Server running in PID {pid}\n"), "");
    assert!(answers(&endpoint));
}

#[test]
fn only_root_can_become_somebody_else() {
    let place = Place::of_user(Options::new(Gateway::Http, ""));
    let words = [
        "serve",
        "development.ini",
        "--daemon",
        "--user=root",
        "--group=54321",
    ];
    let said = as_user(&place).args(words).output().unwrap();
    Said(said).is(
        77,
        "",
        "weaved: only root can become user root; start as root, or as that user without naming \
         him\n",
    );
    assert!(!place.file("paster.pid").exists());
}

/// The program as a user who is not root.
fn as_user(place: &Place) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        let group = id("-g", USER);
        command.args(["--reuid", USER, "--regid", &group, "--clear-groups"]);
    }
    command.arg(place.program()).current_dir(place.path());
    command
}
