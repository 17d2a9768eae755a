//! Guessing is slow, and the rightful user gets in.

use std::net::IpAddr;

use weaved::guard::Deed;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Gate;

on_every_database! {
    failures_are_counted_for_all_processes
    the_rightful_user_gets_in_from_elsewhere
    a_mail_goes_out_once_in_ten_minutes
}

fn client(number: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, number]))
}

fn failures_are_counted_for_all_processes(kind: Kind) {
    let gate = Gate::new(kind);
    let (one, other) = (gate.guard(), gate.guard());
    for _ in 0..5 {
        for guard in [&one, &other] {
            assert!(guard.may(Deed::Login, Some("joe"), client(1)).unwrap());
            guard.note(Deed::Login, Some("joe"), client(1)).unwrap();
        }
    }
    for guard in [&one, &other] {
        assert!(!guard.may(Deed::Login, Some("joe"), client(1)).unwrap());
        assert!(!guard.may(Deed::Login, Some("JOE"), client(1)).unwrap());
        assert!(guard.may(Deed::Login, Some("joe"), client(2)).unwrap());
        assert!(guard.may(Deed::Login, Some("ann"), client(1)).unwrap());
        assert!(guard.may(Deed::Login, Some("joe"), None).unwrap());
    }
    // Who tries one name after the other is stopped as well.
    for number in 0..40 {
        let name = format!("u{number}");
        other.note(Deed::Login, Some(&name), client(1)).unwrap();
    }
    assert!(!one.may(Deed::Login, Some("ann"), client(1)).unwrap());
    assert!(!one.may(Deed::Proof, None, client(1)).unwrap());
    gate.pass(601);
    assert!(one.may(Deed::Login, Some("joe"), client(1)).unwrap());
    assert!(one.may(Deed::Login, Some("ann"), client(1)).unwrap());
    gate.pass(3600);
    one.sweep().unwrap();
    assert_eq!(
        gate.ground().number("SELECT COUNT(*) FROM weaved_attempts"),
        0
    );
}

fn the_rightful_user_gets_in_from_elsewhere(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    // Two mistakes, then the right one.
    guard.note(Deed::Login, Some("joe"), client(1)).unwrap();
    guard.note(Deed::Login, Some("joe"), client(1)).unwrap();
    guard.welcome("joe", client(1)).unwrap();
    for number in 0..100 {
        let from = client(100 + number % 100);
        guard.note(Deed::Login, Some("joe"), from).unwrap();
    }
    let may = |from| guard.may(Deed::Login, Some("joe"), from).unwrap();
    assert!(!may(client(2)), "nobody new");
    assert!(!may(None), "nor somebody unknown");
    assert!(may(client(1)), "but the user's own");
    for _ in 0..9 {
        guard.note(Deed::Login, Some("joe"), client(1)).unwrap();
    }
    assert!(may(client(1)), "the two mistakes were forgotten");
    guard.note(Deed::Login, Some("joe"), client(1)).unwrap();
    assert!(!may(client(1)));
    gate.pass(29 * 24 * 60 * 60);
    guard.welcome("joe", client(1)).unwrap();
    gate.pass(2 * 24 * 60 * 60);
    for _ in 0..100 {
        guard.note(Deed::Login, Some("joe"), None).unwrap();
    }
    assert!(may(client(1)), "whoever comes again stays known");
}

fn a_mail_goes_out_once_in_ten_minutes(kind: Kind) {
    let gate = Gate::new(kind);
    let guard = gate.guard();
    let may = |name, from| guard.may(Deed::Mail, Some(name), from).unwrap();
    assert!(may("joe", client(1)));
    guard.note(Deed::Mail, Some("joe"), client(1)).unwrap();
    assert!(!may("joe", client(2)));
    assert!(may("ann", client(1)));
    for number in 0..19 {
        let name = format!("u{number}");
        guard.note(Deed::Mail, Some(&name), client(1)).unwrap();
    }
    assert!(!may("ann", client(1)), "that is enough of them");
    assert!(may("ann", client(2)));
    gate.pass(601);
    assert!(may("joe", client(2)));
}
