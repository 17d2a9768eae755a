//! A server that goes, hangs or comes back: nobody has to start weaved again, and nobody waits
//! without end.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::causes::chain;
use weaved::db::DbError;
use weaved::db::Session;

use crate::support::PATIENCE;
use crate::support::batch;
use crate::support::execute;
use crate::support::int;
use crate::support::open;
use crate::support::open_with;
use crate::support::own_server;
use crate::support::server;
use crate::support::waiting;

const ADD: &str = "UPDATE t SET a = a + 1";
const READ: &str = "SELECT a FROM t";
const TABLE: &str = "CREATE TABLE t (a bigint); INSERT INTO t VALUES (0)";

/// A statement that ends all connections to the database in which it runs, but its own.
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn connections_that_died_in_the_pool_are_passed_over() {
    let place = server().database("killed");
    let database = open(&place.uri());
    batch(&database, TABLE);
    for _ in 0..3 {
        // All of them idle now.
        drop([0; 8].map(|_| database.snapshot().unwrap()));
        place.run_sql(TERMINATE);
        assert_eq!(execute(&database, ADD, &[]).unwrap(), 1);
        place.run_sql(TERMINATE);
        assert!(int(&database, READ, &[]).unwrap().is_some());
    }
    assert_eq!(int(&database, READ, &[]).unwrap(), Some(3));
}

#[test]
fn a_write_whose_connection_dies_is_done_again_as_a_whole() {
    let place = server().database("killed");
    let database = open(&place.uri());
    batch(&database, TABLE);
    let mut attempts = 0;
    database
        .write::<_, DbError>(|session| {
            attempts += 1;
            session.execute(ADD, &[])?;
            if attempts == 1 {
                place.run_sql(TERMINATE);
            }
            session.execute(ADD, &[])
        })
        .unwrap();
    assert_eq!(attempts, 2);
    assert_eq!(int(&database, READ, &[]).unwrap(), Some(2));
}

#[test]
fn a_read_whose_connection_dies_is_told_why() {
    let place = server().database("killed");
    let database = open(&place.uri());
    let lost = database.read(|session| {
        place.run_sql(TERMINATE);
        session.query_one("SELECT 1", &[], |_| ())
    });
    let error = lost.unwrap_err();
    assert!(matches!(error, DbError::Lost(_)), "{error:?}");
    let text = chain(&error);
    assert!(
        text.contains("terminating connection due to administrator command"),
        "{text}"
    );
}

#[test]
fn a_commit_that_nobody_confirmed_is_not_done_again() {
    let place = server().database("killed");
    let database = open(&place.uri());
    batch(&database, TABLE);
    let mut attempts = 0;
    let committed = database.write::<_, DbError>(|session| {
        attempts += 1;
        session.execute(ADD, &[])?;
        place.run_sql(TERMINATE);
        Ok(())
    });
    assert!(matches!(committed, Err(DbError::Lost(_))), "{committed:?}");
    assert_eq!(attempts, 1);
    assert_eq!(int(&database, READ, &[]).unwrap(), Some(0));
}

#[test]
fn a_server_that_was_away_is_found_again() {
    let server = own_server();
    let database = open_with(&server.database("away").uri(), &waiting(1)).unwrap();
    batch(&database, TABLE);
    server.stop();
    for _ in 0..2 {
        let began = Instant::now();
        let away = execute(&database, ADD, &[]);
        let text = chain(&away.unwrap_err());
        assert!(
            text.contains("cannot open the database postgresql://sync:***@"),
            "{text}"
        );
        assert!(text.contains("is the server running"), "{text}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }
    server.start_again();
    let until = Instant::now() + PATIENCE;
    while execute(&database, ADD, &[]).is_err() {
        assert!(Instant::now() < until);
    }
    assert_eq!(int(&database, READ, &[]).unwrap(), Some(1));
}

#[test]
fn a_short_absence_is_only_a_wait() {
    let server = own_server();
    let database = open_with(&server.database("restart").socket_uri(), &waiting(60)).unwrap();
    batch(&database, TABLE);
    server.stop();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| execute(&database, ADD, &[])))
            .collect();
        server.start_again();
        for call in calls {
            assert_eq!(call.join().unwrap().unwrap(), 1);
        }
    });
    assert_eq!(int(&database, READ, &[]).unwrap(), Some(8));
}

/// Its sockets stay open, and take what is sent.
#[test]
fn a_server_that_hangs_is_not_waited_for_without_end() {
    let server = own_server();
    let database = open_with(&server.database("hangs").socket_uri(), &waiting(1)).unwrap();
    batch(&database, TABLE);
    let bounded = |what: &mut dyn FnMut() -> DbError| {
        let began = Instant::now();
        let error = what();
        let text = chain(&error);
        assert!(
            matches!(
                error,
                DbError::Lost(_) | DbError::Open { .. } | DbError::Busy(_)
            ),
            "{text}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{text}: {:?}",
            began.elapsed()
        );
    };
    let mut first = true;
    let mut freezes = |session: &mut Session<'_>| {
        if std::mem::take(&mut first) {
            server.freeze();
        }
        session.execute(ADD, &[])
    };
    // In a transaction, then with a connection from the pool, then without any.
    bounded(&mut || database.write(&mut freezes).unwrap_err());
    bounded(&mut || execute(&database, ADD, &[]).unwrap_err());
    bounded(&mut || int(&database, READ, &[]).unwrap_err());
    server.thaw();
    let until = Instant::now() + PATIENCE;
    while int(&database, READ, &[]).is_err() {
        assert!(Instant::now() < until);
    }
    assert_eq!(execute(&database, ADD, &[]).unwrap(), 1);
}

#[test]
fn only_who_says_so_may_take_long() {
    let database = open_with(&server().database("long").uri(), &waiting(1)).unwrap();
    // Longer than a server may be silent.
    let sleep = "SELECT 1 FROM pg_sleep(7)";
    thread::scope(|scope| {
        let hurried = scope.spawn(|| int(&database, sleep, &[]));
        let patient = scope.spawn(|| int(&database.patient(), sleep, &[]));
        let hurried = hurried.join().unwrap();
        assert!(matches!(hurried, Err(DbError::Lost(_))), "{hurried:?}");
        assert_eq!(patient.join().unwrap().unwrap(), Some(1));
    });
}
