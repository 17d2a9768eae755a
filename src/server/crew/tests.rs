//! Each decision of the crew, with the time as an argument.

use std::time::Duration;
use std::time::Instant;

use super::*;

/// A crew and a clock, with processes numbered from 1.
struct Trial {
    crew: Crew,
    now: Instant,
    started: u32,
}

const SILENCE: Duration = Duration::from_secs(10);
const LEAVE: Duration = Duration::from_secs(5);

fn plan(workers: usize) -> Plan {
    Plan {
        workers,
        silence: SILENCE,
        leave: LEAVE,
    }
}

impl Trial {
    /// Nobody has been started yet.
    fn begin(workers: usize) -> Self {
        Self {
            crew: Crew::new(plan(workers)),
            now: Instant::now(),
            started: 0,
        }
    }

    /// Workers 1 to `workers` serve.
    fn serving(workers: usize) -> Self {
        let mut trial = Self::begin(workers);
        trial.settle();
        assert_eq!(trial.crew.serving(), workers);
        trial
    }

    /// What the crew orders; what it starts is started.
    fn orders(&mut self) -> Vec<Order> {
        let orders = self.crew.orders(self.now);
        for _ in orders.iter().filter(|&&order| order == Order::Start) {
            self.started += 1;
            self.crew.started(self.started, self.now);
        }
        orders
    }

    /// Everybody who is started is ready, everybody who is to end ends, until nothing changes.
    fn settle(&mut self) {
        loop {
            let orders = self.orders();
            if orders.is_empty() {
                return;
            }
            for order in orders {
                match order {
                    Order::Start => {}
                    Order::End(id) | Order::Kill(id) | Order::Quit(id) => self.ends(id),
                }
            }
            for id in 1..=self.started {
                self.crew.ready(id, self.now);
            }
        }
    }

    fn ready(&mut self, id: u32) {
        assert!(self.crew.ready(id, self.now), "{id} was ready before");
    }

    fn ends(&mut self, id: u32) {
        self.crew.ended(id, "signal SIGKILL", self.now);
    }

    fn fails(&mut self, id: u32, text: &str) {
        self.crew.failed(id, 78, text.to_owned());
        self.crew.ended(id, "exit code 78", self.now);
    }

    /// Time goes by, in which everybody who lives is heard.
    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.crew.forgive(self.now);
    }

    /// How long the next start has to wait, in seconds.
    fn pause(&mut self) -> u64 {
        let begun = self.now;
        while !self.orders().contains(&Order::Start) {
            self.passes(Duration::from_secs(1));
            assert!(self.now < begun + Duration::from_secs(600), "never");
        }
        (self.now - begun).as_secs()
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn one_worker_goes_ahead_and_the_others_follow() {
    let mut trial = Trial::begin(3);
    assert_eq!(trial.orders(), [Order::Start]);
    assert_eq!(trial.orders(), []);
    trial.ready(1);
    assert_eq!(trial.orders(), [Order::Start, Order::Start]);
    assert_eq!(trial.crew.serving(), 1);
}

#[test]
fn a_first_worker_that_fails_ends_the_start_with_its_words() {
    let mut trial = Trial::begin(3);
    trial.orders();
    trial.fails(1, "no such file");
    assert_eq!(trial.orders(), []);
    assert!(trial.crew.is_over());
    let hopeless = trial.crew.hopeless().unwrap();
    let expected = Hopeless {
        code: Some(78),
        text: "no such file".to_owned(),
        at_start: true,
    };
    assert_eq!(*hopeless, expected);
}

#[test]
fn a_first_worker_that_ends_without_a_word_ends_the_start_as_well() {
    let mut trial = Trial::begin(1);
    trial.orders();
    trial.ends(1);
    let hopeless = trial.crew.hopeless().unwrap();
    assert_eq!(hopeless.code, None);
    assert_eq!(
        hopeless.text,
        "a worker ended before it was ready (signal SIGKILL)"
    );
}

#[test]
fn a_process_that_cannot_be_started_is_a_failure_too() {
    let mut trial = Trial::begin(1);
    let now = trial.now;
    assert_eq!(trial.crew.orders(now), [Order::Start]);
    trial.crew.not_started("no memory".to_owned(), now);
    assert_eq!(trial.crew.hopeless().unwrap().text, "no memory");
}

#[test]
fn whoever_dies_is_replaced_at_once_and_then_with_growing_pauses() {
    let mut trial = Trial::serving(2);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let victim = trial.started;
        trial.ends(victim);
        pauses.push(trial.pause());
        let successor = trial.started;
        trial.ready(successor);
    }
    assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 30, 30]);
    // A quiet minute, and all is forgotten.
    trial.passes(secs(61));
    trial.orders();
    let victim = trial.started;
    trial.ends(victim);
    assert_eq!(trial.pause(), 0);
}

#[test]
fn workers_that_cannot_start_any_more_are_retried_and_then_given_up() {
    let mut trial = Trial::serving(1);
    trial.ends(1);
    let mut waited = 0;
    while trial.crew.hopeless().is_none() {
        waited += trial.pause();
        let id = trial.started;
        trial.fails(id, "the database is away");
    }
    assert!((60..600).contains(&waited), "{waited} s");
    let hopeless = trial.crew.hopeless().unwrap();
    assert!(!hopeless.at_start);
    assert_eq!(hopeless.text, "the database is away");
    assert!(trial.crew.is_over());
}

#[test]
fn after_the_loss_of_many_a_start_that_fails_is_tried_again() {
    let mut trial = Trial::serving(12);
    (1..=12).for_each(|id| trial.ends(id));
    for _ in 0..3 {
        assert_eq!(trial.orders(), [Order::Start], "one goes ahead");
        let id = trial.started;
        trial.fails(id, "the database is away");
        assert_eq!(trial.crew.hopeless(), None);
        trial.passes(secs(30));
    }
    trial.settle();
    assert_eq!(trial.crew.serving(), 12);
}

#[test]
fn as_long_as_somebody_serves_nobody_gives_up() {
    let mut trial = Trial::serving(2);
    trial.ends(1);
    for _ in 0..50 {
        trial.pause();
        let id = trial.started;
        trial.fails(id, "the database is away");
    }
    assert_eq!(trial.crew.hopeless(), None);
    assert_eq!(trial.crew.serving(), 1);
    // When nobody serves any more, the attempts begin.
    trial.ends(2);
    trial.pause();
    let id = trial.started;
    trial.fails(id, "the database is away");
    assert_eq!(trial.crew.hopeless(), None);
}

#[test]
fn a_silent_worker_is_replaced_told_to_end_and_killed() {
    let mut trial = Trial::serving(2);
    trial.now += SILENCE - secs(1);
    trial.crew.heard(2, trial.now);
    assert_eq!(trial.orders(), []);
    assert_eq!(trial.crew.next(trial.now), Some(trial.now + secs(1)));
    trial.now += secs(1);
    assert_eq!(trial.orders(), [Order::End(1), Order::Start]);
    trial.now += LEAVE;
    trial.crew.forgive(trial.now);
    assert_eq!(trial.orders(), [Order::Kill(1)]);
    assert_eq!(trial.orders(), []);
    trial.ends(1);
    trial.ready(3);
    assert_eq!(trial.orders(), []);
    assert_eq!(trial.crew.serving(), 2);
}

#[test]
fn a_boot_may_take_long_as_long_as_it_shows_life() {
    let mut trial = Trial::begin(1);
    trial.orders();
    for _ in 0..100 {
        trial.now += SILENCE - secs(1);
        trial.crew.heard(1, trial.now);
        assert_eq!(trial.orders(), []);
    }
    trial.now += SILENCE;
    assert_eq!(trial.orders(), [Order::End(1)]);
    assert!(
        trial
            .crew
            .hopeless()
            .unwrap()
            .text
            .contains("hung for 10 s")
    );
}

#[test]
fn who_wants_to_leave_serves_until_a_successor_is_ready() {
    let mut trial = Trial::serving(2);
    trial.crew.leaving(1);
    assert_eq!(trial.orders(), [Order::Start]);
    assert_eq!(trial.orders(), []);
    trial.ready(3);
    assert_eq!(trial.orders(), [Order::End(1)]);
    trial.ends(1);
    assert_eq!(trial.orders(), []);
    assert_eq!(trial.crew.serving(), 2);
}

#[test]
fn a_reload_replaces_one_by_one_what_serves() {
    let mut trial = Trial::serving(3);
    trial.crew.replace(plan(3));
    assert!(trial.crew.is_reloading());
    assert_eq!(trial.orders(), [Order::Start]);
    trial.ready(4);
    assert_eq!(trial.orders(), [Order::End(1), Order::Start, Order::Start]);
    trial.ready(5);
    trial.ready(6);
    assert_eq!(trial.orders(), [Order::End(2), Order::End(3)]);
    assert!(!trial.crew.is_reloading());
    assert_eq!(trial.crew.serving(), 3);
}

#[test]
fn a_reload_may_change_how_many_there_are() {
    for workers in [1, 2, 5] {
        let mut trial = Trial::serving(3);
        trial.crew.replace(plan(workers));
        trial.settle();
        assert!(!trial.crew.is_reloading());
        assert_eq!(trial.crew.serving(), workers);
    }
}

#[test]
fn a_reload_that_cannot_start_leaves_the_old_ones_alone() {
    let mut trial = Trial::serving(2);
    trial.crew.replace(plan(5));
    assert_eq!(trial.orders(), [Order::Start]);
    trial.fails(3, "no such database");
    assert!(!trial.crew.is_reloading());
    assert_eq!(trial.orders(), []);
    trial.passes(secs(600));
    assert_eq!(trial.orders(), []);
    assert_eq!((trial.crew.serving(), trial.crew.wanted()), (2, 2));
    assert_eq!(trial.crew.hopeless(), None);
}

#[test]
fn a_reload_leaves_the_old_ones_the_time_that_they_were_started_with() {
    let mut trial = Trial::serving(1);
    trial.crew.replace(Plan {
        leave: secs(1),
        ..plan(1)
    });
    assert_eq!(trial.orders(), [Order::Start]);
    trial.ready(2);
    assert_eq!(trial.orders(), [Order::End(1)]);
    trial.passes(LEAVE - secs(1));
    assert_eq!(trial.orders(), []);
    trial.passes(secs(1));
    assert_eq!(trial.orders(), [Order::Kill(1)]);
}

#[test]
fn who_wants_to_leave_is_not_forgotten_in_a_reload_that_fails() {
    let mut trial = Trial::serving(1);
    trial.crew.leaving(1);
    trial.crew.replace(plan(1));
    assert_eq!(trial.orders(), [Order::Start]);
    trial.fails(2, "the database is away");
    trial.pause();
    trial.ready(3);
    assert_eq!(trial.orders(), [Order::End(1)]);
}

#[test]
fn two_reloads_in_a_row_end_in_the_second() {
    let mut trial = Trial::serving(2);
    trial.crew.replace(plan(2));
    trial.orders();
    trial.crew.replace(plan(2));
    // What boots with the first is outdated.
    assert_eq!(trial.orders(), [Order::End(3), Order::Start]);
    trial.ends(3);
    trial.ready(4);
    trial.settle();
    assert!(!trial.crew.is_reloading());
    assert_eq!(trial.crew.serving(), 2);
}

#[test]
fn more_and_fewer_workers_but_never_none() {
    let mut trial = Trial::serving(1);
    trial.crew.resize(true);
    assert_eq!(trial.orders(), [Order::Start]);
    // The newest goes first, and above all one that does not serve yet.
    trial.crew.resize(false);
    assert_eq!(trial.orders(), [Order::End(2)]);
    trial.ends(2);
    trial.crew.resize(false);
    assert_eq!(trial.orders(), []);
    assert_eq!((trial.crew.serving(), trial.crew.wanted()), (1, 1));
}

#[test]
fn a_stop_tells_everybody_once_and_kills_who_stays() {
    let mut trial = Trial::serving(2);
    trial.crew.stop(false);
    assert_eq!(trial.orders(), [Order::End(1), Order::End(2)]);
    assert_eq!(trial.orders(), []);
    trial.ends(1);
    assert!(!trial.crew.is_over());
    trial.now += LEAVE;
    assert_eq!(trial.orders(), [Order::Kill(2)]);
    trial.ends(2);
    assert_eq!(trial.orders(), []);
    assert!(trial.crew.is_over());
    assert_eq!(trial.crew.hopeless(), None);
}

#[test]
fn a_second_stop_is_at_once() {
    let mut trial = Trial::serving(1);
    trial.crew.stop(false);
    trial.orders();
    trial.crew.stop(true);
    assert_eq!(trial.orders(), [Order::Quit(1)]);
    trial.now += AT_ONCE;
    assert_eq!(trial.orders(), [Order::Kill(1)]);
}

#[test]
fn plans_are_moved_into_what_works() {
    let crew = Crew::new(Plan {
        workers: 0,
        silence: Duration::ZERO,
        leave: Duration::MAX,
    });
    assert_eq!(crew.wanted(), 1);
    assert!(crew.plan.silence >= secs(2));
    assert!(crew.plan.leave <= secs(24 * 60 * 60));
}
