//! No record is looked up by reading its whole collection, also where PostgreSQL has not counted
//! anything yet.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;
use weaved::sync::Query;
use weaved::sync::Record;

use super::support::ALICE;
use super::support::Stage;
use super::support::get;
use super::support::name;
use super::support::post;
use crate::suite::Ground;
use crate::suite::Kind;

/// What the server counts of our index and of the primary key since the database was made.
fn counted(ground: &Ground, column: &str, index: &str) -> i64 {
    let query = format!("SELECT {column} FROM pg_stat_user_indexes WHERE indexrelname = '{index}'");
    ground.number(&query)
}

#[test]
fn postgresql_takes_the_primary_key_for_single_records() {
    const RECORDS: usize = 1000;
    let stage = Stage::new(Kind::POSTGRESQL);
    let storage = stage.storage.as_ref();
    for batch in 0..RECORDS / 100 {
        let record = |at: usize| json!({"id": format!("{batch}-{at}"), "payload": "x"});
        let records: Vec<_> = (0..100).map(record).collect();
        post(storage, "c", &json!(records).to_string());
    }
    for at in 0..100 {
        assert!(get(storage, "c", &format!("3-{at}")).is_some());
    }
    let query = Query::parse("limit=7&sort=newest").unwrap();
    let mut records = storage.records(ALICE, &name("c"), query).unwrap();
    assert_eq!(records.count().unwrap(), 7);
    let mut lent = 0;
    let mut lend = |_: &Record<'_>| {
        lent += 1;
        ControlFlow::Continue(())
    };
    records.each(0, &mut lend).unwrap();
    assert_eq!(lent, 7);
    drop(records);
    let ground = stage.close();
    // A connection tells what it did when it ends, at the latest.
    let until = Instant::now() + Duration::from_secs(30);
    while counted(&ground, "idx_scan", "wbo_pkey") < 1100 {
        assert!(Instant::now() < until, "the primary key is not used");
        thread::yield_now();
    }
    assert!(counted(&ground, "idx_scan", "weaved_wbo_modified") > 0);
    let entries = counted(&ground, "idx_tup_read", "weaved_wbo_modified");
    assert!(entries < 1000, "{entries} entries of the index were read");
}

#[test]
fn sqlite_finds_collections_by_name() {
    let ground = Stage::new(Kind::Sqlite).close();
    let file = rusqlite::Connection::open(ground.file()).unwrap();
    let plan: String = file
        .query_row(
            "EXPLAIN QUERY PLAN
            SELECT MIN(collectionid) FROM collections WHERE userid = 1 AND name = 'a'",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(
        plan.contains("COVERING INDEX weaved_collections_name"),
        "{plan}"
    );
}
