//! Questions: one right answer, few wrong ones, for a while.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Gate;

on_every_database! {
    a_right_answer_counts_once_whoever_asks
    wrong_answers_use_a_question_up
    a_question_ends
    foreign_tokens_leave_nothing
}

fn a_right_answer_counts_once_whoever_asks(kind: Kind) {
    let gate = Gate::new(kind);
    let guards: Vec<_> = (0..3).map(|_| gate.guard()).collect();
    let asked = guards[0].challenge().unwrap();
    assert_ne!(asked, guards[0].challenge().unwrap());
    let right = AtomicU32::new(0);
    thread::scope(|scope| {
        for guard in &guards {
            scope.spawn(|| {
                let good = guard.answers(&asked.token, |seed| seed == asked.seed);
                right.fetch_add(u32::from(good.unwrap()), Ordering::SeqCst);
            });
        }
    });
    assert_eq!(right.into_inner(), 1);
}

fn wrong_answers_use_a_question_up(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let asked = guard.challenge().unwrap();
    for _ in 0..2 {
        assert!(!guard.answers(&asked.token, |_| false).unwrap());
    }
    assert!(guard.answers(&asked.token, |_| true).unwrap(), "the third");
    let asked = guard.challenge().unwrap();
    for _ in 0..3 {
        assert!(!guard.answers(&asked.token, |_| false).unwrap());
    }
    assert!(!guard.answers(&asked.token, |_| true).unwrap());
}

fn a_question_ends(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let asked = guard.challenge().unwrap();
    let other = guard.challenge().unwrap();
    gate.pass(30 * 60 - 1);
    assert!(guard.answers(&asked.token, |_| true).unwrap());
    gate.pass(2);
    assert!(!guard.answers(&other.token, |_| true).unwrap());
}

fn foreign_tokens_leave_nothing(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let asked = guard.challenge().unwrap();
    let elsewhere = Gate::new(Kind::Sqlite).guard().challenge().unwrap();
    let later = asked.token.replacen('1', "2", 1);
    let long = format!("{}{}", asked.token, "x".repeat(200));
    for token in ["", ".", "..", "1.2.3", &later, &long, &elsewhere.token] {
        assert!(!guard.answers(token, |_| true).unwrap(), "{token}");
    }
    let left = gate.ground().number("SELECT COUNT(*) FROM weaved_spent");
    assert_eq!(left, 0);
    assert!(guard.answers(&asked.token, |_| true).unwrap());
}
