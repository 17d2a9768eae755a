//! Accounts that come from elsewhere, and the day of their last use.

use std::sync::Arc;
use std::time::Instant;

use weaved::accounts::Accounts;
use weaved::accounts::Day;
use weaved::accounts::LastUse;
use weaved::accounts::Login;
use weaved::accounts::Password;
use weaved::accounts::SqlAccounts;
use weaved::accounts::SqlSettings;
use weaved::accounts::State;
use weaved::accounts::UserName;
use weaved::accounts::hash::StoredHash;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::Timestamp;
use weaved::sync::UserId;
use weaved::transfer::Outcome;
use weaved::transfer::Passenger;
use weaved::transfer::arrive;
use weaved::transfer::let_in;

use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

on_every_database! {
    an_account_arrives_with_its_password
    the_last_use_is_the_latest_of_all_processes
    who_is_here_stays_as_he_is
}

/// `password1` as FSyncMS kept it.
const MD5: &str = "7c6a180b36896a0a8c02787eeafb0e4c";

fn database(ground: &Ground) -> Arc<Database> {
    let uri = ground.uri().parse().unwrap();
    Arc::new(Database::open(&uri, &PoolOptions::default()).unwrap())
}

fn accounts(ground: &Ground) -> SqlAccounts {
    SqlAccounts::open(database(ground), SqlSettings::default()).unwrap()
}

fn passenger(name: &str) -> Passenger {
    Passenger {
        name: UserName::new(name).unwrap(),
        email: Some("joe@example.com".to_owned()),
        hash: StoredHash::parse(MD5),
        state: State::Active,
        node: None,
    }
}

#[track_caller]
fn logs_in(accounts: &SqlAccounts, name: &str) -> bool {
    let (name, password) = (
        UserName::new(name).unwrap(),
        Password::new("password1".to_owned()),
    );
    let login = accounts.authenticate(&name, &password, Instant::now());
    matches!(login.unwrap(), Login::Accepted(_))
}

fn an_account_arrives_with_its_password(kind: Kind) {
    let ground = Ground::fresh(kind);
    let accounts = accounts(&ground);
    let arrival = arrive(&passenger("joe"), &accounts, UserId(41)).unwrap();
    assert_eq!(arrival.user, Some(UserId(42)));
    assert_eq!(arrival.moved.account, Outcome::Made);
    assert!(arrival.moved.notes.is_empty());
    // Not before his records are here; and whoever comes again after a cut is told.
    assert!(!logs_in(&accounts, "joe"));
    let again = arrive(&passenger("joe"), &accounts, UserId(41)).unwrap();
    assert!(again.moved.notes[0].contains("weaved user enable joe"));
    let_in(&again, &accounts).unwrap();
    assert!(!logs_in(&accounts, "joe"));
    let_in(&arrival, &accounts).unwrap();
    assert!(logs_in(&accounts, "joe"));
    let odd = Passenger {
        email: Some("nonsense".to_owned()),
        hash: None,
        state: State::Disabled,
        node: None,
        ..passenger("ann")
    };
    let arrival = arrive(&odd, &accounts, UserId(0)).unwrap();
    assert_eq!(arrival.moved.notes.len(), 2);
    let_in(&arrival, &accounts).unwrap();
    let ann = accounts.find(&odd.name).unwrap().unwrap();
    assert_eq!((ann.state, ann.email), (State::Disabled, None));
    assert!(!logs_in(&accounts, "ann"));
    // Somebody else's, and one that has no place where columns have a width.
    let long = "x".repeat(33);
    for name in ["JOE", &long] {
        if kind == Kind::Sqlite && name == long {
            continue;
        }
        let arrival = arrive(&passenger(name), &accounts, UserId(0)).unwrap();
        assert_eq!(
            (arrival.user, arrival.moved.account),
            (None, Outcome::Refused)
        );
    }
}

fn who_is_here_stays_as_he_is(kind: Kind) {
    let ground = Ground::fresh(kind);
    let accounts = accounts(&ground);
    let first = arrive(&passenger("joe"), &accounts, UserId(0)).unwrap();
    let_in(&first, &accounts).unwrap();
    let again = arrive(&passenger("joe"), &accounts, UserId(0)).unwrap();
    assert_eq!(
        (again.user, again.moved.account),
        (first.user, Outcome::Known)
    );
    assert!(again.moved.notes.is_empty());
    // The login has renewed the hash.
    assert!(logs_in(&accounts, "joe"));
    let other = Passenger {
        hash: StoredHash::parse(&MD5.replace('7', "8")),
        state: State::Disabled,
        node: None,
        ..passenger("joe")
    };
    let again = arrive(&other, &accounts, UserId(0)).unwrap();
    assert_eq!(
        again.moved.notes,
        ["its password stays the one that it has here"]
    );
    assert!(logs_in(&accounts, "joe"));
    let joe = accounts.find(&other.name).unwrap().unwrap();
    assert_eq!(joe.state, State::Active);
    // A new name, and the old records: the id stays.
    let (ann, jim) = (UserName::new("ann").unwrap(), UserName::new("JOE").unwrap());
    arrive(&passenger("ann"), &accounts, UserId(0)).unwrap();
    assert!(accounts.rename(joe.id, &ann).is_err());
    accounts.rename(joe.id, &jim).unwrap();
    assert_eq!(accounts.find(&jim).unwrap().unwrap().id, joe.id);
    let jim = UserName::new("jim").unwrap();
    accounts.rename(joe.id, &jim).unwrap();
    assert!(logs_in(&accounts, "jim") && !logs_in(&accounts, "joe"));
    assert!(accounts.rename(UserId(99), &other.name).is_err());
    assert!(accounts.stored_hash(UserId(99)).is_err());
}

fn the_last_use_is_the_latest_of_all_processes(kind: Kind) {
    let ground = Ground::fresh(kind);
    let at = |day: i64| Timestamp::from_centis(day * 24 * 60 * 60 * 100 + 5);
    let [one, two] = [20_000, 20_001].map(|day| LastUse::open(database(&ground), at(day)).unwrap());
    assert_eq!(two.since().unwrap(), Some(Day(20_000)));
    let (joe, ann) = (UserId(1), UserId(2));
    one.note(joe, at(20_000));
    assert!(one.all().unwrap().is_empty(), "nothing waits for a request");
    one.write_down().unwrap();
    two.note(joe, at(20_002));
    two.note(ann, at(20_001));
    two.write_down().unwrap();
    // Somebody whose clock is behind.
    one.note(joe, at(20_001));
    one.write_down().unwrap();
    let all: Vec<_> = two.all().unwrap().into_iter().collect();
    assert_eq!(all, [(joe, Day(20_002)), (ann, Day(20_001))]);
    // Once a day, whatever happens to the row.
    two.forget(ann).unwrap();
    two.note(ann, at(20_001));
    two.write_down().unwrap();
    assert_eq!(two.all().unwrap().len(), 1);
}
