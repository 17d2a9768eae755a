//! TERM, INT and QUIT, and starts that fail.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Signal;

use crate::harness::Lock;
use crate::harness::eventually;
use crate::harness::site;
use crate::harness::site_with;
use crate::harness::wait_for_end_of;
use crate::reload::sockets;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Listen;
use crate::suite::Options;
use crate::suite::signal;

#[test]
fn term_lets_a_slow_request_finish_and_exits_0() {
    a_slow_request_finishes(|_| ());
}

/// As a supervisor does that signals all processes of a service.
#[test]
fn term_to_all_processes_lets_a_slow_request_finish() {
    a_slow_request_finishes(|worker| signal(worker, Signal::TERM));
}

/// The worker is told what `first` does, and then the master that it shall stop.
fn a_slow_request_finishes(first: impl Fn(u32)) {
    let site = site_with(1, |options| {
        options
            .set("storage.pool_timeout", "600")
            .set("global.graceful_shutdown_interval", "60")
    });
    let user = site.user();
    let weaved = site.weaved();
    let lock = Lock::of(weaved.home());
    let transport = weaved.direct();
    let body = "{\"payload\":\"\"}";
    let request = user.storage("PUT", "storage/c/x").body(body).request;
    thread::scope(|scope| {
        let slow = scope.spawn(move || transport.exchange(&request));
        let worker = weaved.workers()[0];
        eventually("the request", || sockets(worker) >= 2);
        first(worker);
        let stop = scope.spawn(|| weaved.stop());
        weaved.log().wait_for_count("SIGTERM: stopping", 1);
        eventually("a closed door", || weaved.endpoint().connect().is_err());
        drop(lock);
        assert_eq!(slow.join().unwrap().unwrap().status, 200);
        assert!(stop.join().unwrap().success());
    });
}

#[test]
fn a_stop_does_not_wait_longer_than_it_was_told() {
    let site = site_with(1, |options| {
        options
            .set("storage.pool_timeout", "600")
            .set("global.graceful_shutdown_interval", "1")
    });
    let user = site.user();
    let weaved = site.weaved();
    let _lock = Lock::of(weaved.home());
    let transport = weaved.direct();
    let body = "{\"payload\":\"\"}";
    let request = user.storage("PUT", "storage/c/x").body(body).request;
    thread::scope(|scope| {
        let slow = scope.spawn(move || transport.exchange(&request));
        let worker = weaved.workers()[0];
        eventually("the request", || sockets(worker) >= 2);
        let begun = Instant::now();
        assert!(weaved.stop().success());
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(slow.join().unwrap().is_err());
    });
}

#[test]
fn a_second_term_and_a_quit_do_not_wait() {
    for twice in [false, true] {
        let site = site_with(2, |options| {
            options
                .set("storage.pool_timeout", "600")
                .set("global.graceful_shutdown_interval", "600")
        });
        let user = site.user();
        let weaved = site.weaved();
        let (master, workers) = (weaved.master(), weaved.workers());
        let _lock = Lock::of(weaved.home());
        let transport = weaved.direct();
        let body = "{\"payload\":\"\"}";
        let request = user.storage("PUT", "storage/c/x").body(body).request;
        thread::scope(|scope| {
            let slow = scope.spawn(move || transport.exchange(&request));
            eventually("the request", || {
                workers.iter().any(|&worker| sockets(worker) >= 2)
            });
            if twice {
                signal(master, Signal::INT);
                weaved.log().wait_for_count("SIGINT: stopping", 1);
                assert!(weaved.stop().success());
            } else {
                assert!(weaved.end(Signal::QUIT).success());
            }
            assert!(slow.join().unwrap().is_err());
        });
        assert_eq!(weaved.log().count("stopping at once"), 1);
        wait_for_end_of(&workers);
    }
}

#[test]
fn a_terminal_s_interrupt_reaches_workers_who_leave_it_to_their_master() {
    let site = site(2);
    let weaved = site.weaved();
    let workers = weaved.workers();
    for &worker in &workers {
        signal(worker, Signal::INT);
        signal(worker, Signal::HUP);
    }
    site.user().get("info/collections").ok();
    assert_eq!(weaved.workers(), workers);
    assert!(weaved.end(Signal::INT).success());
}

/// What a start that fails says and answers.
#[track_caller]
fn fails(options: &Options, code: i32, text: &str) {
    let home = Home::new();
    let ini = home.configure(options);
    let out = crate::suite::run(&["serve", ini.to_str().unwrap()], "", home.path());
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(
        out.status.code(),
        Some(code),
        "{:?} {said}",
        out.status.signal()
    );
    assert_eq!(said.matches(text).count(), 1, "once: {text}\n{said}");
    let lines = said.lines().filter(|line| line.contains("ERROR")).count();
    assert_eq!(lines, 0, "{said}");
}

#[test]
fn a_start_that_fails_says_why_once_with_its_exit_code() {
    let options = Options::new(Gateway::Fcgi, "/yourpath").server("processes", "3");
    let nowhere = "sqlite:////proc/nowhere/sync.db";
    let database = options.clone().set("storage.sqluri", nowhere);
    fails(&database, 69, "cannot open the database");
    let mistake = options.set("global.retry_after", "soon");
    fails(&mistake, 78, "\"soon\" is not a whole number");
}

#[test]
fn the_socket_s_file_is_gone_after_a_stop() {
    let site = site_with(2, |mut options| {
        options.listen = Listen::Unix;
        options
    });
    let path = site.weaved().home().path().join("weaved.sock");
    site.user().get("info/collections").ok();
    assert!(path.exists());
    for worker in site.weaved().workers() {
        signal(worker, Signal::KILL);
    }
    site.log().wait_for_count("ended unexpectedly", 2);
    assert!(path.exists(), "only the master removes it");
    assert!(site.weaved().stop().success());
    assert!(!Path::new(&path).exists());
    assert!(fs::symlink_metadata(&path).is_err());
}
