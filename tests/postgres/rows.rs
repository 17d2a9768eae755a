//! Rows are streamed, and whoever has seen enough of them loses nothing.

use std::ops::ControlFlow;

use weaved::db::DbError;
use weaved::db::PoolOptions;

use crate::support::batch;
use crate::support::int;
use crate::support::open_with;
use crate::support::server;

/// One connection, so that each call finds it as the one before has left it.
fn alone() -> weaved::db::Database {
    let options = PoolOptions {
        size: 1,
        ..PoolOptions::default()
    };
    open_with(&server().database("rows").socket_uri(), &options).unwrap()
}

const SERVER_PROCESS: &str = "SELECT pg_backend_pid()";

#[test]
fn many_rows_come_in_order() {
    let database = alone();
    let mut next = 1;
    database
        .read::<_, DbError>(|session| {
            let sql = "SELECT n, repeat('x', 400) FROM generate_series(1, :n) AS n";
            session.query(sql, &[(":n", 50_000.into())], |row| {
                assert_eq!(row.int(0), Some(next));
                assert_eq!(row.text(1).map(str::len), Some(400));
                next += 1;
                Ok(ControlFlow::Continue(()))
            })
        })
        .unwrap();
    assert_eq!(next, 50_001);
}

#[test]
fn breaking_off_leaves_the_transaction_as_it_was() {
    let database = alone();
    batch(&database, "CREATE TABLE t (a bigint)");
    // More than is read for nothing at the end, and more than the buffers of a socket hold.
    for rows in [1, 2, 100, 30_000] {
        let sql = "SELECT n, repeat('x', 400) FROM generate_series(1, :n) AS n";
        database
            .write::<_, DbError>(|session| {
                let mut seen = 0;
                session.query(sql, &[(":n", rows.into())], |_| {
                    seen += 1;
                    Ok::<_, DbError>(ControlFlow::Break(()))
                })?;
                assert_eq!(seen, 1);
                session.execute("INSERT INTO t VALUES (:a)", &[(":a", rows.into())])?;
                let first = session.query_one(sql, &[(":n", rows.into())], |row| row.int(0))?;
                assert_eq!(first, Some(Some(1)));
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(
        int(&database, "SELECT SUM(a) FROM t", &[]).unwrap(),
        Some(30_103)
    );
}

#[test]
fn a_connection_survives_a_little_that_nobody_wanted() {
    let database = alone();
    let process = || int(&database, SERVER_PROCESS, &[]).unwrap();
    let break_off = |rows: i64| {
        let sql = "SELECT n, repeat('x', 400) FROM generate_series(1, :n) AS n";
        let one = |session: &mut weaved::db::Session<'_>| {
            session.query_one(sql, &[(":n", rows.into())], |row| row.int(0))
        };
        let row = database.read::<_, DbError>(one);
        assert_eq!(row.unwrap(), Some(Some(1)));
    };
    let first = process();
    break_off(1000);
    assert_eq!(process(), first);
    break_off(1_000_000);
    assert_ne!(process(), first);
}

#[test]
fn a_visitor_may_ask_another_database() {
    let (one, other) = (alone(), alone());
    let sum = one.read::<_, DbError>(|session| {
        let mut sum = 0;
        session.query("SELECT generate_series(1, 3)", &[], |row| {
            let params = [(":n", row.int(0).into())];
            sum += int(&other, "SELECT 2 * :n::bigint", &params)?.unwrap();
            Ok::<_, DbError>(ControlFlow::Continue(()))
        })?;
        Ok(sum)
    });
    assert_eq!(sum.unwrap(), 12);
}

#[test]
fn an_error_of_a_visitor_is_the_answer() {
    let database = alone();
    let answer = database.read::<(), DbError>(|session| {
        session.query("SELECT generate_series(1, 3)", &[], |_| {
            Err(DbError::Unstorable("anything"))
        })
    });
    assert!(matches!(answer, Err(DbError::Unstorable("anything"))));
    assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
}

#[test]
fn an_error_among_rows_is_told() {
    let database = alone();
    let mut seen = 0;
    let answer = database.read::<(), DbError>(|session| {
        let sql = "SELECT 1 / (5000 - n) FROM generate_series(1, 6000) AS n";
        session.query(sql, &[], |_| {
            seen += 1;
            Ok(ControlFlow::Continue(()))
        })
    });
    assert!(matches!(answer, Err(DbError::Driver(_))), "{answer:?}");
    assert_eq!(seen, 4999);
    assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
}
