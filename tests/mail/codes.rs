//! Codes end, are used once, and are a user's own, on every database.

use std::sync::Arc;
use std::time::Duration;

use weaved::accounts::ResetCode;
use weaved::accounts::ResetCodes;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::Timestamp;
use weaved::sync::UserId;

use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

on_every_database! {
    a_code_ends_and_is_used_once
}

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_centis((1_700_000_000 + seconds) * 100)
}

fn a_code_ends_and_is_used_once(kind: Kind) {
    let ground = Ground::fresh(kind);
    let uri = ground.uri().parse().unwrap();
    let database = Arc::new(Database::open(&uri, &PoolOptions::default()).unwrap());
    let open = || ResetCodes::open(Arc::clone(&database), Duration::from_secs(3600)).unwrap();
    let (codes, other) = (open(), open());
    let code = codes.make(ALICE, at(0)).unwrap();
    assert!(other.knows(ALICE, &code, at(3599)).unwrap());
    for (user, at) in [(BOB, at(1)), (ALICE, at(3600))] {
        assert!(!other.knows(user, &code, at).unwrap());
        assert!(!other.take(user, &code, at).unwrap());
    }
    let wrong = ResetCode::parse("AAAA-BBBB-CCCC-DDDD").unwrap();
    assert!(!other.take(ALICE, &wrong, at(1)).unwrap());
    assert!(other.take(ALICE, &code, at(1)).unwrap());
    assert!(!codes.take(ALICE, &code, at(1)).unwrap());
    codes.give_back(ALICE, &code, at(1)).unwrap();
    assert!(codes.take(ALICE, &code, at(2)).unwrap());
    // Those that have ended are swept away by new ones.
    codes.make(ALICE, at(10)).unwrap();
    codes.make(BOB, at(4000)).unwrap();
    assert_eq!(ground.number("SELECT COUNT(*) FROM weaved_codes"), 1);
    codes.withdraw(BOB).unwrap();
    assert_eq!(ground.number("SELECT COUNT(*) FROM weaved_codes"), 0);
}
