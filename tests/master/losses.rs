//! What happens when processes are lost, hang, or have served enough.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;

use rustix::process::Signal;

use crate::harness::Lock;
use crate::harness::answered_by;
use crate::harness::eventually;
use crate::harness::lives;
use crate::harness::site;
use crate::harness::site_with;
use crate::harness::under_load;
use crate::harness::wait_for_end_of;
use crate::suite::signal;

#[test]
fn several_workers_answer_and_the_master_does_not() {
    let site = site(3);
    let (user, weaved) = (site.user(), site.weaved());
    let workers: BTreeSet<u32> = weaved.workers().into_iter().collect();
    assert_eq!(workers.len(), 3);
    let mut seen = BTreeSet::new();
    let mut number = 0;
    // Which of them is woken is the kernel's choice.
    while seen.len() < 2 {
        let ids = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for client in 0..8 {
                let (user, ids) = (&user, &ids);
                let path = format!("storage/n{number}c{client}");
                scope.spawn(move || {
                    user.get(&path).is(200);
                    let id = answered_by(user.site.weaved(), &path);
                    ids.lock().unwrap().push(id);
                });
            }
        });
        seen.extend(ids.into_inner().unwrap());
        number += 1;
        assert!(number < 200, "{seen:?} of {workers:?}");
    }
    assert!(seen.is_subset(&workers), "{seen:?} of {workers:?}");
}

#[test]
fn a_killed_worker_is_replaced_and_the_next_request_is_served() {
    for workers in [1, 2] {
        let site = site(workers);
        let (user, weaved) = (site.user(), site.weaved());
        for (number, victim) in (1..).zip(weaved.workers()) {
            signal(victim, Signal::KILL);
            let word = "ended unexpectedly (signal SIGKILL)";
            weaved.log().wait_for_count(word, number);
            user.get("info/collections").ok();
        }
        crate::harness::serve(weaved, 2 * workers);
        assert_eq!(weaved.workers().len(), workers);
    }
}

#[test]
fn workers_leave_when_their_master_is_killed() {
    let site = site(2);
    let weaved = site.weaved();
    let (workers, endpoint) = (weaved.workers(), weaved.endpoint().clone());
    // Ends when nobody writes to its error output any more.
    weaved.kill_master();
    wait_for_end_of(&workers);
    assert!(endpoint.connect().is_err(), "somebody still listens");
}

#[test]
fn a_worker_that_hangs_is_killed_and_replaced() {
    let site = site_with(2, |options| {
        options
            .server("timeout", "3")
            .set("global.graceful_shutdown_interval", "0")
    });
    let (user, weaved) = (site.user(), site.weaved());
    let hung = weaved.workers()[0];
    signal(hung, Signal::STOP);
    weaved.log().wait_for_count("no sign of life for 3 s", 1);
    crate::harness::serve(weaved, 3);
    eventually("the end of the hung worker", || !lives(hung));
    assert!(weaved.log().count("does not end: killing it") == 1);
    user.get("info/collections").ok();
}

#[test]
fn a_request_without_end_costs_its_worker_but_not_the_others() {
    let site = site_with(2, |options| {
        options
            .server("timeout", "3")
            .set("storage.pool_timeout", "600")
            .set("global.graceful_shutdown_interval", "0")
    });
    let (user, weaved) = (site.user(), site.weaved());
    let lock = Lock::of(weaved.home());
    let transport = weaved.direct();
    thread::scope(|scope| {
        let request = user
            .storage("PUT", "storage/c/x")
            .body("{\"payload\":\"\"}")
            .request;
        let stuck = scope.spawn(move || transport.exchange(&request));
        weaved.log().wait_for_count("has been worked on for", 1);
        weaved.log().wait_for_count("no sign of life for 3 s", 1);
        crate::harness::serve(weaved, 3);
        assert!(stuck.join().unwrap().is_err());
    });
    drop(lock);
    user.get("info/collections").ok();
}

#[test]
fn workers_that_have_served_enough_are_replaced_without_a_failure() {
    let site = site_with(2, |options| options.server("maxRequests", "200"));
    let user = site.user();
    let first = site.weaved().workers();
    let asked = under_load(&user, 2000, |answered| {
        site.log().wait_for_count("has served its requests", 4);
        assert!(answered.load(Ordering::Relaxed) >= 180);
    });
    assert!(asked >= 2000);
    wait_for_end_of(&first);
    assert_eq!(site.log().count("ended unexpectedly"), 0);
}
