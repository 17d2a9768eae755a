//! What may be used once.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Gate;

on_every_database! {
    a_token_is_used_once_whoever_asks
    what_has_ended_is_swept_away
}

fn a_token_is_used_once_whoever_asks(kind: Kind) {
    let gate = Gate::new(kind);
    let guards: Vec<_> = (0..4).map(|_| gate.guard()).collect();
    let until = gate.after(60);
    let firsts = AtomicU32::new(0);
    thread::scope(|scope| {
        for guard in &guards {
            scope.spawn(|| {
                if guard.spend("a", until).unwrap() {
                    firsts.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(firsts.into_inner(), 1);
    assert!(guards[0].spend("A", until).unwrap(), "another token");
}

fn what_has_ended_is_swept_away(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    assert!(guard.spend("a", gate.after(60)).unwrap());
    gate.pass(61);
    assert!(guard.spend("b", gate.after(60)).unwrap());
    guard.sweep().unwrap();
    let left = gate.ground().number("SELECT COUNT(*) FROM weaved_spent");
    assert_eq!(left, 1);
}
