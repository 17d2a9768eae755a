//! What transactions see of each other, and what becomes of them when something fails.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::causes::chain;
use weaved::db::Database;
use weaved::db::DbError;
use weaved::db::PoolOptions;
use weaved::db::Session;

use crate::support::batch;
use crate::support::execute;
use crate::support::int;
use crate::support::open;
use crate::support::open_with;
use crate::support::server;
use crate::support::waiting;
use crate::support::with_table;

const COUNT: &str = "SELECT COUNT(*) FROM t";
const INSERT: &str = "INSERT INTO t VALUES (1)";

#[test]
fn what_is_committed_stays_and_what_failed_leaves_nothing() {
    let database = with_table("a bigint");
    assert_eq!(execute(&database, INSERT, &[]).unwrap(), 1);
    let failed = database.write::<(), DbError>(|session| {
        session.execute(INSERT, &[])?;
        Err(DbError::Unstorable("anything"))
    });
    assert!(failed.is_err());
    assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(1));
    assert_eq!(execute(&database, "UPDATE t SET a = a", &[]).unwrap(), 1);
    assert_eq!(
        execute(&database, "DELETE FROM t WHERE a = 2", &[]).unwrap(),
        0
    );
}

#[test]
fn a_panic_leaves_nothing() {
    let database = with_table("a bigint");
    let work = |session: &mut Session<'_>| -> Result<(), DbError> {
        session.execute(INSERT, &[])?;
        panic!("on purpose")
    };
    let panicked = thread::scope(|scope| scope.spawn(|| database.write(work)).join().is_err());
    assert!(panicked);
    assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(0));
}

#[test]
fn a_transaction_in_which_a_statement_failed_is_never_committed() {
    let database = with_table("a bigint PRIMARY KEY");
    let written = database.write::<(), DbError>(|session| {
        session.execute(INSERT, &[])?;
        let again = session.execute(INSERT, &[]);
        assert!(matches!(again, Err(DbError::Constraint(_))), "{again:?}");
        Ok(())
    });
    assert!(matches!(written, Err(DbError::Driver(_))), "{written:?}");
    assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(0));
}

/// PostgreSQL has then given the transaction up, and would answer COMMIT with ROLLBACK.
#[test]
fn an_error_behind_the_last_row_that_was_wanted_counts() {
    const WRONG: &str = "SELECT 1 / (3 - n) FROM generate_series(1, 4) AS n";
    let database = with_table("a bigint");
    for goes_on in [false, true] {
        let written = database.write::<_, DbError>(|session| {
            session.execute(INSERT, &[])?;
            let first = session.query_one(WRONG, &[], |row| row.int(0))?;
            assert_eq!(first, Some(Some(0)));
            if goes_on {
                session.execute(INSERT, &[])?;
            }
            Ok(())
        });
        let text = chain(&written.unwrap_err());
        assert!(text.contains("division by zero"), "{text}");
        assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(0));
    }
}

#[test]
fn a_read_sees_one_state_and_changes_nothing() {
    let database = with_table("a bigint");
    let counts = database.read::<_, DbError>(|session| {
        let first = session.query_one(COUNT, &[], |row| row.int(0))?;
        execute(&database, INSERT, &[])?;
        Ok((first, session.query_one(COUNT, &[], |row| row.int(0))?))
    });
    assert_eq!(counts.unwrap(), (Some(Some(0)), Some(Some(0))));
    assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(1));
    let written = database.read(|session| session.execute(INSERT, &[]));
    assert!(written.is_err());
    assert_eq!(int(&database, COUNT, &[]).unwrap(), Some(1));
}

#[test]
fn a_writer_sees_what_was_committed_before_it_got_the_lock() {
    let database = with_table("a bigint");
    execute(&database, "INSERT INTO t VALUES (0)", &[]).unwrap();
    let add = |session: &mut Session<'_>| -> Result<(), DbError> {
        let sql = "SELECT a FROM t FOR UPDATE";
        let a = session.query_one(sql, &[], |row| row.int(0))?.flatten();
        let params = [(":a", a.map(|a| a + 1).into())];
        session.execute("UPDATE t SET a = :a", &params)?;
        Ok(())
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| database.write(add).unwrap()));
        }
    });
    assert_eq!(int(&database, "SELECT a FROM t", &[]).unwrap(), Some(200));
}

#[test]
fn a_deadlock_is_done_again_unseen() {
    let database = with_table("a bigint PRIMARY KEY, n bigint");
    batch(&database, "INSERT INTO t VALUES (1, 0), (2, 0)");
    let barrier = Barrier::new(2);
    let add_to = |first: i64, second: i64| {
        let mut attempts = 0;
        let add = |session: &mut Session<'_>| {
            attempts += 1;
            let sql = "UPDATE t SET n = n + 1 WHERE a = :a";
            session.execute(sql, &[(":a", first.into())])?;
            // Only the first time; whoever has to do it again is alone then.
            if attempts == 1 {
                barrier.wait();
            }
            session.execute(sql, &[(":a", second.into())])
        };
        database.write::<_, DbError>(add).unwrap();
        attempts
    };
    let attempts = thread::scope(|scope| {
        let one = scope.spawn(|| add_to(1, 2));
        let other = scope.spawn(|| add_to(2, 1));
        one.join().unwrap() + other.join().unwrap()
    });
    assert_eq!(attempts, 3);
    assert_eq!(
        int(&database, "SELECT SUM(n) FROM t", &[]).unwrap(),
        Some(4)
    );
}

#[test]
fn a_lock_is_waited_for_as_long_as_is_said() {
    let place = server().database("lock");
    let database = open_with(&place.uri(), &waiting(1)).unwrap();
    batch(
        &database,
        "CREATE TABLE t (a bigint); INSERT INTO t VALUES (0)",
    );
    let other = open(&place.uri());
    other
        .write::<_, DbError>(|session| {
            session.execute("UPDATE t SET a = 1", &[])?;
            let began = Instant::now();
            let waited = execute(&database, "UPDATE t SET a = 2", &[]);
            assert!(matches!(waited, Err(DbError::Conflict(_))), "{waited:?}");
            let seconds = began.elapsed().as_secs_f64();
            assert!((0.9..5.0).contains(&seconds), "{seconds}");
            Ok(())
        })
        .unwrap();
    assert_eq!(int(&database, "SELECT a FROM t", &[]).unwrap(), Some(1));
}

#[test]
fn there_are_no_more_connections_than_was_said() {
    let options = PoolOptions {
        size: 2,
        ..waiting(1)
    };
    let database = open_with(&server().database("pool").uri(), &options).unwrap();
    let held = [database.snapshot().unwrap(), database.snapshot().unwrap()];
    let busy = database.snapshot().map(drop);
    assert!(matches!(busy, Err(DbError::Busy(_))), "{busy:?}");
    drop(held);
    assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
}

#[test]
fn connections_are_made_anew_when_they_are_old() {
    let options = PoolOptions {
        size: 1,
        recycle: Some(Duration::from_nanos(1)),
        ..PoolOptions::default()
    };
    let database = open_with(&server().database("old").uri(), &options).unwrap();
    let process = || int(&database, "SELECT pg_backend_pid()", &[]).unwrap();
    assert_ne!(process(), process());
}

/// A change of a table makes statements useless that were prepared before it.
#[test]
fn a_changed_table_goes_unnoticed() {
    let options = PoolOptions {
        size: 1,
        ..PoolOptions::default()
    };
    let place = server().database("changed");
    let database = open_with(&place.uri(), &options).unwrap();
    batch(
        &database,
        "CREATE TABLE t (a integer); INSERT INTO t VALUES (7)",
    );
    let read = || int(&database, "SELECT a FROM t", &[]);
    let write = || execute(&database, "UPDATE t SET a = a + :n", &[(":n", 1.into())]);
    assert_eq!(read().unwrap(), Some(7));
    assert_eq!(write().unwrap(), 1);
    let changes = [
        "ALTER TABLE t ALTER a TYPE bigint",
        "ALTER TABLE t ALTER a TYPE numeric",
    ];
    for change in changes {
        place.run_sql(change);
        assert!(read().unwrap().is_some());
        assert_eq!(write().unwrap(), 1);
    }
    // What a pool between us and the server does.
    let forgotten = database.write::<_, DbError>(|session| session.execute_batch("DEALLOCATE ALL"));
    forgotten.unwrap();
    assert_eq!(write().unwrap(), 1);
    assert_eq!(read().unwrap(), Some(11));
}

/// What has been seen cannot be unseen: then the transaction as a whole is done again, or fails.
#[test]
fn a_table_that_changes_within_a_transaction_makes_it_give_way() {
    let options = PoolOptions {
        size: 1,
        ..PoolOptions::default()
    };
    let place = server().database("changing");
    let database = open_with(&place.uri(), &options).unwrap();
    batch(
        &database,
        "CREATE TABLE t (a integer); INSERT INTO t VALUES (7)",
    );
    let work = |session: &mut Session<'_>| -> Result<Option<i64>, DbError> {
        session.query_one("SELECT 1", &[], |_| ())?;
        let row = session.query_one("SELECT a FROM t", &[], |row| row.int(0))?;
        Ok(row.flatten())
    };
    assert_eq!(database.read(work).unwrap(), Some(7));
    place.run_sql("ALTER TABLE t ALTER a TYPE bigint");
    let failed = database.read(work);
    assert!(matches!(failed, Err(DbError::Conflict(_))), "{failed:?}");
    assert_eq!(database.read(work).unwrap(), Some(7));
    place.run_sql("ALTER TABLE t ALTER a TYPE numeric");
    assert_eq!(database.write(work).unwrap(), Some(7));
}

#[test]
fn an_error_of_the_server_tells_its_code_and_no_values() {
    let database = with_table("name text UNIQUE");
    let params = [(":name", "hunter2".into())];
    let sql = "INSERT INTO t VALUES (:name)";
    execute(&database, sql, &params).unwrap();
    let error = execute(&database, sql, &params).unwrap_err();
    let text = chain(&error);
    assert!(text.contains("SQLSTATE 23505"), "{text}");
    assert!(
        !format!("{text} {error:?}").contains("hunter2"),
        "{error:?}"
    );
    let error = execute(&database, "SELECT nothing", &[]).unwrap_err();
    assert!(chain(&error).contains("42703"), "{error:?}");
}

/// Whoever looks is told who asks.
#[test]
fn sessions_are_set_up_as_they_should_be() {
    let place = server().database("session");
    let uri = format!("{}?options=-csearch_path%3Dpg_temp", place.uri());
    let database = open(&uri);
    let show = |database: &Database, name: &str| {
        let sql = format!("SELECT current_setting('{name}')");
        crate::support::text(database, &sql, &[]).unwrap().unwrap()
    };
    for (name, value) in [
        ("application_name", "weaved"),
        ("client_encoding", "UTF8"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("lock_timeout", "10s"),
        ("search_path", "pg_temp"),
        ("statement_timeout", "0"),
        ("tcp_keepalives_idle", "30"),
        // With 15 s, a reader who rested for 25 s had lost his connection.
        ("tcp_user_timeout", "0"),
    ] {
        assert_eq!(show(&database, name), value, "{name}");
    }
    let named = open(&format!("{}?application_name=other", place.uri()));
    assert_eq!(show(&named, "application_name"), "other");
}

/// Nobody waits for an idle connection to be closed by us: there is none before it is needed.
#[test]
fn no_connection_is_kept_that_nobody_asked_for() {
    let place = server().database("idle");
    let database = open(&place.uri());
    let count = || {
        let sql = format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{}'",
            place.name()
        );
        server().run_sql(&sql).trim().parse::<u32>().unwrap()
    };
    let until = Instant::now() + crate::support::PATIENCE;
    while count() > 0 {
        assert!(Instant::now() < until);
        thread::yield_now();
    }
    assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
    assert_eq!(count(), 1);
}

#[test]
fn writers_of_one_row_all_get_their_turn() {
    let database = with_table("a bigint");
    execute(&database, "INSERT INTO t VALUES (0)", &[]).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..16 {
            let sender = sender.clone();
            let database = &database;
            scope.spawn(move || {
                let sql = "UPDATE t SET a = a + 1";
                sender.send(execute(database, sql, &[])).unwrap();
            });
        }
    });
    drop(sender);
    assert!(receiver.iter().all(|result| matches!(result, Ok(1))));
    assert_eq!(int(&database, "SELECT a FROM t", &[]).unwrap(), Some(16));
}
