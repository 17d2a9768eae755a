//! Snapshots, locks, and writes that are done again.

use std::sync::Barrier;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::db::Database;
use weaved::db::DbError;

use crate::support::fresh;
use crate::support::get;
use crate::support::number;
use crate::support::open;
use crate::support::put;

const LOCK: &str = "SELECT n FROM t WHERE id = :id FOR UPDATE";

#[test]
fn a_read_sees_one_state_from_its_beginning() {
    let database = open(&fresh().uri());
    put(&database, "a", 1).unwrap();
    let mut snapshot = database.snapshot().unwrap();
    put(&database, "a", 2).unwrap();
    let sql = "SELECT n FROM t";
    let seen = snapshot.session().query_one(sql, &[], |row| row.int(0));
    assert_eq!(seen.unwrap().flatten(), Some(1));
    drop(snapshot);
    assert_eq!(get(&database, "a").unwrap(), Some(2));
}

#[test]
fn a_read_changes_nothing() {
    let database = open(&fresh().uri());
    let change = "INSERT INTO t (id) VALUES ('a')";
    let changed = database.read(|session| session.execute(change, &[]));
    changed.unwrap_err();
    assert_eq!(number(&database, "SELECT COUNT(*) FROM t"), Some(0));
}

#[test]
fn a_write_sees_what_was_committed_before_its_lock() {
    let database = open(&fresh().uri());
    put(&database, "a", 0).unwrap();
    put(&database, "b", 0).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    add(&database).unwrap();
                }
            });
        }
    });
    assert_eq!(get(&database, "b").unwrap(), Some(100));
}

/// Adds one to b, under the lock of a.
fn add(database: &Database) -> Result<usize, DbError> {
    database.write(|session| {
        session.query_one(LOCK, &[(":id", "a".into())], |_| ())?;
        let n = session.query_one("SELECT n FROM t WHERE id = 'b'", &[], |row| row.int(0))?;
        let n = n.flatten().unwrap() + 1;
        session.execute("UPDATE t SET n = :n WHERE id = 'b'", &[(":n", n.into())])
    })
}

#[test]
fn a_deadlock_is_not_seen() {
    let database = open(&fresh().uri());
    for id in ["a", "b"] {
        put(&database, id, 0).unwrap();
    }
    let (both_have_one, attempts) = (Barrier::new(2), AtomicU32::new(0));
    let run = |first: &str, second: &str| {
        let mut meets = true;
        database.write(|session| {
            attempts.fetch_add(1, Ordering::SeqCst);
            session.query_one(LOCK, &[(":id", first.into())], |_| ())?;
            if meets {
                meets = false;
                both_have_one.wait();
            }
            let add = "UPDATE t SET n = n + 1 WHERE id = :id";
            session.execute(add, &[(":id", second.into())])
        })
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| run("b", "a"));
        assert_eq!(run("a", "b").unwrap(), 1);
        assert_eq!(other.join().unwrap().unwrap(), 1);
    });
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    assert_eq!(number(&database, "SELECT SUM(n) FROM t"), Some(2));
}

#[test]
fn a_lock_is_waited_for_within_bounds() {
    let database = open(&fresh().uri());
    put(&database, "a", 0).unwrap();
    database
        .write(|session| {
            session.query_one(LOCK, &[(":id", "a".into())], |_| ())?;
            let start = Instant::now();
            let error = put(&database, "a", 1).unwrap_err();
            assert!(matches!(error, DbError::Conflict(_)), "{error:?}");
            // The pool's time-out is 2 s.
            let waited = start.elapsed();
            assert!(waited >= Duration::from_millis(1900), "{waited:?}");
            assert!(waited < Duration::from_secs(6), "{waited:?}");
            Ok::<_, DbError>(())
        })
        .unwrap();
    put(&database, "a", 2).unwrap();
}

#[test]
fn what_was_given_up_is_not_committed_in_part() {
    let served = fresh();
    let database = open(&served.uri());
    put(&database, "a", 0).unwrap();
    let held = served.hold("BEGIN; SELECT n FROM t WHERE id = 'a' FOR UPDATE;");
    let mut attempts = 0;
    let written = database.write(|session| {
        attempts += 1;
        if attempts == 1 {
            session.execute("INSERT INTO t (id) VALUES ('lost')", &[])?;
            // The server undoes this statement alone.
            let waited = session.execute("UPDATE t SET n = 1 WHERE id = 'a'", &[]);
            assert!(matches!(waited, Err(DbError::Conflict(_))), "{waited:?}");
            // A caller who does not care gets no part of what it asked for.
            let again = session.execute("INSERT INTO t (id) VALUES ('alone')", &[]);
            assert!(matches!(again, Err(DbError::Conflict(_))), "{again:?}");
        }
        Ok::<_, DbError>(())
    });
    drop(held);
    assert!(matches!(written, Err(DbError::Conflict(_))), "{written:?}");
    assert_eq!(number(&database, "SELECT COUNT(*) FROM t"), Some(1));
}

#[test]
fn who_is_unhurried_may_take_longer_than_the_time_out() {
    let served = fresh();
    let uri = format!("{}?read_timeout=1", served.uri());
    let database = open(&uri);
    let slow = "SELECT SLEEP(2)";
    let read = |unhurried: bool| {
        database.read(|session| {
            if unhurried {
                session.unhurried();
            }
            session.query_one(slow, &[], |row| row.int(0))
        })
    };
    assert!(matches!(read(false), Err(DbError::Lost(_))));
    assert_eq!(read(true).unwrap(), Some(Some(0)));
    let written = database.write(|session| {
        session.unhurried();
        session.execute_batch("DO SLEEP(2); INSERT INTO t (id) VALUES ('a')")
    });
    written.unwrap();
    assert_eq!(number(&database, "SELECT COUNT(*) FROM t"), Some(1));
}
