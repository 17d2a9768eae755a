//! Invitations: so many accounts and no more, whoever asks.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;

use weaved::guard::InvitationCode;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Gate;

on_every_database! {
    an_invitation_is_good_for_so_many
    an_invitation_ends
    an_invitation_can_be_revoked
    the_table_shows_no_code
}

fn an_invitation_is_good_for_so_many(kind: Kind) {
    let gate = Gate::new(kind);
    let guards: Vec<_> = (0..4).map(|_| gate.guard()).collect();
    let code = guards[0].invite(3, gate.after(60)).unwrap();
    let used = AtomicU32::new(0);
    thread::scope(|scope| {
        for guard in &guards {
            scope.spawn(|| {
                for _ in 0..2 {
                    let good = guard.use_invitation(&code).unwrap();
                    used.fetch_add(u32::from(good), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(used.into_inner(), 3);
    let guard = &guards[1];
    guard.give_back(&code).unwrap();
    assert_eq!(guard.invitations().unwrap()[0].used, 2);
    assert!(guard.use_invitation(&code).unwrap());
    assert!(!guard.use_invitation(&code).unwrap());
    let unknown = InvitationCode::read("2222-2222-2222-2222").unwrap();
    assert!(!guard.use_invitation(&unknown).unwrap());
    for _ in 0..5 {
        guard.give_back(&code).unwrap();
    }
    assert_eq!(guard.invitations().unwrap()[0].used, 0);
}

fn an_invitation_ends(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let code = guard.invite(1, gate.after(60)).unwrap();
    gate.pass(61);
    assert!(!guard.use_invitation(&code).unwrap());
    assert_eq!(guard.invitations().unwrap(), []);
    guard.sweep().unwrap();
    let left = gate
        .ground()
        .number("SELECT COUNT(*) FROM weaved_invitations");
    assert_eq!(left, 0);
}

fn an_invitation_can_be_revoked(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let codes: Vec<_> = (0..3)
        .map(|_| guard.invite(1, gate.after(60)).unwrap())
        .collect();
    assert_eq!(guard.revoke(&codes[0].to_string()).unwrap(), 1);
    let beginning = &guard.invitations().unwrap()[0].beginning.to_uppercase();
    assert_eq!(guard.revoke(beginning).unwrap(), 1);
    assert_eq!(guard.revoke("nonsense!").unwrap(), 0);
    assert_eq!(guard.invitations().unwrap().len(), 1);
    let used = codes.iter().filter(|c| guard.use_invitation(c).unwrap());
    assert_eq!(used.count(), 1);
}

fn the_table_shows_no_code(kind: Kind) {
    let gate = Gate::new(kind);
    let code = gate.guard().invite(1, gate.after(60)).unwrap();
    let rest: String = code
        .to_string()
        .chars()
        .filter(|c| *c != '-')
        .skip(4)
        .collect();
    let found = gate.ground().number(&format!(
        "SELECT COUNT(*) FROM weaved_invitations \
         WHERE code LIKE '%{rest}%' OR beginning LIKE '%{rest}%'"
    ));
    assert_eq!(found, 0);
}
