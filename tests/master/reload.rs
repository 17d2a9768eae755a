//! HUP, USR1, TTIN and TTOU.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::Ordering;

use rustix::process::Signal;

use crate::harness::WITH_PROCESS;
use crate::harness::eventually;
use crate::harness::serve;
use crate::harness::site;
use crate::harness::site_with;
use crate::harness::under_load;
use crate::harness::wait_for_end_of;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::signal;

/// Writes other settings into the folder of a running server.
fn configure(site: &Site, set: impl FnOnce(Options) -> Options) {
    let mut options = Options::new(crate::suite::Gateway::Fcgi, "/yourpath");
    options.ini = WITH_PROCESS;
    let options = options.server("processes", "2").server("debug", "true");
    site.weaved().home().configure(&set(options));
}

const RELOADED: &str = "all workers have the new configuration";

#[test]
fn hup_brings_new_settings_and_new_workers() {
    let site = site(2);
    let weaved = site.weaved();
    let first = weaved.workers();
    let user = site.user();
    user.get("info/quota").ok();
    configure(&site, |options| {
        options
            .set("auth.allow_new_users", "false")
            .server("processes", "3")
    });
    signal(weaved.master(), Signal::HUP);
    weaved.log().wait_for_count(RELOADED, 1);
    wait_for_end_of(&first);
    let stranger = crate::suite::User::invented(&site);
    stranger.sign_up().is(403);
    user.get("info/collections").ok();
}

#[test]
fn a_broken_configuration_is_refused_and_the_old_one_stays() {
    let site = site(2);
    let weaved = site.weaved();
    let first = weaved.workers();
    let conf = weaved.home().path().join("sync.conf");
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("{text}\n[global]\nretry_after = soon\n")).unwrap();
    signal(weaved.master(), Signal::HUP);
    weaved
        .log()
        .wait_for_count("is refused, the old one stays", 1);
    assert_eq!(weaved.log().count("\"soon\" is not a whole number"), 1);
    assert_eq!(weaved.workers(), first);
    site.user().get("info/collections").ok();
    fs::write(&conf, text).unwrap();
    signal(weaved.master(), Signal::HUP);
    weaved.log().wait_for_count(RELOADED, 1);
}

#[test]
fn a_configuration_with_which_workers_cannot_start_leaves_the_old_ones_alone() {
    let site = site(2);
    let weaved = site.weaved();
    let first = weaved.workers();
    configure(&site, |options| {
        options.set("storage.sqluri", "sqlite:////proc/nowhere/sync.db")
    });
    signal(weaved.master(), Signal::HUP);
    let word = "workers cannot start with the new configuration, the old ones stay";
    weaved.log().wait_for_count(word, 1);
    assert_eq!(weaved.workers(), first);
    site.user().get("info/collections").ok();
}

#[test]
fn a_changed_address_needs_a_new_start_and_is_told() {
    let site = site(2);
    configure(&site, |options| options.server("backlog", "17"));
    signal(site.weaved().master(), Signal::HUP);
    site.log().wait_for_count("that needs a new start", 1);
    site.log().wait_for_count(RELOADED, 1);
    site.user().get("info/collections").ok();
}

#[test]
fn reloads_under_load_lose_no_request() {
    let site = site(2);
    let user = site.user();
    let mut last = 0;
    let asked = under_load(&user, 5000, |answered| {
        for reload in 1..=5 {
            eventually("some requests", || {
                answered.load(Ordering::Relaxed) >= last + 300
            });
            last = answered.load(Ordering::Relaxed);
            signal(site.weaved().master(), Signal::HUP);
            site.log().wait_for_count(RELOADED, reload);
        }
    });
    assert!(asked >= 5000);
    assert_eq!(site.log().count("ended unexpectedly"), 0);
}

#[test]
fn a_reload_during_a_slow_request_lets_it_finish() {
    let site = site_with(1, |options| options.set("storage.pool_timeout", "600"));
    let user = site.user();
    let weaved = site.weaved();
    let lock = crate::harness::Lock::of(weaved.home());
    let transport = weaved.direct();
    let request = user
        .storage("PUT", "storage/c/x")
        .body("{\"payload\":\"\"}")
        .request;
    std::thread::scope(|scope| {
        let slow = scope.spawn(move || transport.exchange(&request));
        // It has been accepted when the only worker has a connection.
        let worker = weaved.workers()[0];
        eventually("the request", || sockets(worker) >= 2);
        signal(weaved.master(), Signal::HUP);
        weaved.log().wait_for_count(RELOADED, 1);
        drop(lock);
        assert_eq!(slow.join().unwrap().unwrap().status, 200);
    });
}

/// How many sockets a process has, the listening one included once.
pub(crate) fn sockets(process: u32) -> usize {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return 0;
    };
    let targets: BTreeSet<_> = descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .collect();
    targets.len()
}

#[test]
fn ttin_and_ttou_change_how_many_serve() {
    let site = site(1);
    let weaved = site.weaved();
    signal(weaved.master(), Signal::TTIN);
    serve(weaved, 2);
    signal(weaved.master(), Signal::TTIN);
    serve(weaved, 3);
    assert_eq!(weaved.workers().len(), 3);
    for left in [2, 1, 1] {
        let wanted = weaved.log().count("SIGTTOU: wanted=") + 1;
        signal(weaved.master(), Signal::TTOU);
        weaved.log().wait_for_count("SIGTTOU: wanted=", wanted);
        eventually("fewer workers", || weaved.workers().len() == left);
    }
    site.user().get("info/collections").ok();
}

/// A log file besides the error output.
const WITH_FILE: &str = "\
[loggers]
keys = root

[handlers]
keys = console, file

[formatters]
keys = generic

[logger_root]
level = INFO
handlers = console, file

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic

[handler_file]
class = FileHandler
args = ('weaved.log',)
formatter = generic

[formatter_generic]
format = %(process)d: %(message)s
";

#[test]
fn usr1_opens_the_logs_anew_in_all_processes() {
    let site = site_with(2, |mut options| {
        options.ini = WITH_FILE;
        options
    });
    let weaved = site.weaved();
    let (log, old) = (
        weaved.home().path().join("weaved.log"),
        weaved.home().path().join("weaved.log.1"),
    );
    let before = identity(&log);
    fs::rename(&log, &old).unwrap();
    signal(weaved.master(), Signal::USR1);
    weaved.log().wait_for_count("the logs are open anew", 1);
    let mut processes = weaved.workers();
    processes.push(weaved.master());
    eventually("new files in all processes", || {
        let has_old = |&process: &u32| files(process).contains(&before);
        !processes.iter().any(has_old)
    });
    let has_new = |&process: &u32| files(process).contains(&identity(&log));
    assert!(processes.iter().all(has_new));
}

/// Device and inode.
fn identity(path: &std::path::Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    let found = fs::metadata(path).unwrap();
    (found.dev(), found.ino())
}

/// What a process has open.
fn files(process: u32) -> Vec<(u64, u64)> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    descriptors
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            fs::metadata(&path).ok()?;
            Some(identity(&path))
        })
        .collect()
}
