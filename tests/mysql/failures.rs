//! Servers that die, hang, come back, or refuse us.

use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::causes::chain;
use weaved::db::Database;
use weaved::db::DbError;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::Durability;
use crate::suite::ServedDatabase;
use crate::support::fresh;
use crate::support::get;
use crate::support::number;
use crate::support::open;
use crate::support::opened;
use crate::support::put;
use crate::support::with_table;

fn own() -> ServedDatabase {
    with_table(&DatabaseServer::start(Backend::MariaDb, Durability::Fast))
}

#[track_caller]
fn kill(served: &ServedDatabase, connection: i64) {
    served.server().run_sql(&format!("KILL {connection}"));
}

#[test]
fn connections_that_were_killed_are_passed_over() {
    let served = fresh();
    let database = open(&served.uri());
    put(&database, "a", 1).unwrap();
    for _ in 0..3 {
        let id = number(&database, "SELECT CONNECTION_ID()").unwrap();
        kill(&served, id);
        assert_eq!(get(&database, "a").unwrap(), Some(1));
    }
}

#[test]
fn a_write_whose_connection_is_killed_is_done_again_as_a_whole() {
    let served = fresh();
    let database = open(&served.uri());
    let mut attempts = 0;
    let written = database.write(|session| {
        attempts += 1;
        session.execute("INSERT INTO t (id) VALUES ('a')", &[])?;
        let id = session.query_one("SELECT CONNECTION_ID()", &[], |row| row.int(0))?;
        if attempts == 1 {
            kill(&served, id.flatten().unwrap());
        }
        session.execute("INSERT INTO t (id) VALUES ('b')", &[])
    });
    assert_eq!((written.unwrap(), attempts), (1, 2));
    assert_eq!(number(&database, "SELECT COUNT(*) FROM t"), Some(2));
}

/// A number that was only read for ourselves does not count as seen, a row that was lent does.
#[test]
fn a_read_is_done_again_until_somebody_has_seen_a_row() {
    let served = fresh();
    let database = open(&served.uri());
    put(&database, "a", 1).unwrap();
    put(&database, "b", 2).unwrap();
    for (lends, expected) in [(false, 2), (true, 1)] {
        let mut attempts = 0;
        let result = database.read_and_keep(|session| {
            attempts += 1;
            let id = session.query_ints("SELECT CONNECTION_ID()", &[])?;
            if lends {
                session.query_one("SELECT n FROM t WHERE id = 'a'", &[], |_| ())?;
            }
            if attempts == 1 {
                kill(&served, id.and_then(|[id]| id).unwrap());
            }
            session.query_ints("SELECT n FROM t WHERE id = 'a'", &[])
        });
        assert_eq!(attempts, expected, "{lends}");
        if lends {
            let error = result.map(|(value, _)| value).unwrap_err();
            assert!(matches!(error, DbError::Lost(_)), "{error:?}");
        } else {
            let (value, mut snapshot) = result.unwrap();
            assert_eq!(value, Some([Some(1)]));
            // What is kept is the transaction that answered.
            put(&database, "b", 3).unwrap();
            let sql = "SELECT n FROM t WHERE id = 'b'";
            let seen = snapshot.session().query_ints(sql, &[]).unwrap();
            assert_eq!(seen, Some([Some(2)]));
        }
    }
}

#[test]
fn a_server_that_starts_again_is_found_again() {
    let served = own();
    let database = open(&served.uri());
    put(&database, "a", 1).unwrap();
    served.server().restart();
    assert_eq!(get(&database, "a").unwrap(), Some(1));
    served.server().stop();
    let start = Instant::now();
    let error = get(&database, "a").unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    let text = chain(&error);
    let expected = format!(
        "cannot open the database {}: 127.0.0.1:{}: ",
        database.name(),
        served.server().port()
    );
    assert!(text.starts_with(&expected), "{text}");
    assert!(
        text.ends_with("is the server running, and does it listen there?"),
        "{text}"
    );
    served.server().start_again();
    put(&database, "a", 2).unwrap();
    assert_eq!(get(&database, "a").unwrap(), Some(2));
}

/// Writers that go on while a server is killed and comes back: what was answered is there, and
/// nobody waits for longer than the time-out and an answer.
#[test]
fn nothing_that_was_answered_is_lost_with_the_server() {
    let served = own();
    let database = open(&served.uri());
    let done = AtomicBool::new(false);
    let write = |name: usize| {
        let (mut written, mut lost) = (Vec::new(), 0);
        for n in 0.. {
            if done.load(Ordering::SeqCst) {
                break;
            }
            let (id, start) = (format!("{name}-{n}"), Instant::now());
            match put(&database, &id, 1) {
                Ok(_) => written.push(id),
                Err(DbError::Lost(_)) => lost += 1,
                // The server took longer to start than anybody waits.
                Err(error) => assert!(start.elapsed() > Duration::from_secs(1), "{error:?}"),
            }
            assert!(start.elapsed() < Duration::from_secs(9));
        }
        (written, lost)
    };
    let (written, lost) = thread::scope(|scope| {
        let writers = [0, 1, 2, 3].map(|name| scope.spawn(move || write(name)));
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(300));
            served.server().kill();
            served.server().start_again();
        }
        thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::SeqCst);
        let results = writers.map(|writer| writer.join().unwrap());
        let lost: usize = results.iter().map(|(_, lost)| lost).sum();
        let written = results.into_iter().flat_map(|(written, _)| written);
        (written.collect::<Vec<_>>(), lost)
    });
    assert!(written.len() > 20, "{}", written.len());
    // A commit that was under way, at most one for each writer and each end.
    assert!(lost <= 8, "{lost}");
    for id in written {
        assert_eq!(get(&database, &id).unwrap(), Some(1), "{id}");
    }
}

#[test]
fn a_server_that_hangs_costs_a_time_out_and_no_more() {
    let served = own();
    let database = open(&served.uri());
    put(&database, "a", 1).unwrap();
    // Three connections that lie idle then.
    drop([(); 3].map(|()| database.snapshot().unwrap()));
    served.server().freeze();
    // On a connection that there is, and for a new one.
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let start = Instant::now();
                let error = get(&database, "a").unwrap_err();
                let expected = matches!(
                    error,
                    DbError::Lost(_) | DbError::Open { .. } | DbError::Busy(_)
                );
                assert!(expected, "{error:?}");
                // The pool's time-out is 2 s, and answers may take 5 s more.
                assert!(start.elapsed() < Duration::from_secs(9));
            });
        }
    });
    // What was found out once is not found out again: nobody waits for an answer any more.
    let start = Instant::now();
    let error = get(&database, "a").unwrap_err();
    assert!(!matches!(error, DbError::Lost(_)), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(6));
    served.server().thaw();
    let start = Instant::now();
    while get(&database, "a").is_err() {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    put(&database, "a", 2).unwrap();
}

#[test]
fn a_listener_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    let uri = format!("mysql://sync:secret@{address}/d?read_timeout=1");
    let text = opened(&uri).err().unwrap();
    assert!(start.elapsed() < Duration::from_secs(8));
    assert_eq!(
        text,
        format!(
            "cannot open the database mysql://sync:***@{address}/d?read_timeout=1: {address}: the \
             server takes the connection and says nothing"
        )
    );
}

#[test]
fn a_refusal_says_what_to_do() {
    let served = fresh();
    let (uri, name, port) = (served.uri(), served.name(), served.server().port());
    let (_, login) = uri.split_once("://").unwrap();
    let (login, _) = login.rsplit_once('@').unwrap();
    let place = format!("127.0.0.1:{port}");
    let check = |uri: &str, expected: &str| {
        let text = opened(uri)
            .err()
            .unwrap_or_else(|| panic!("{uri} was opened"));
        assert!(
            text.starts_with("cannot open the database mysql://"),
            "{text}"
        );
        assert!(
            text.ends_with(expected),
            "{text}\ndoes not end with\n{expected}"
        );
        for secret in [served.password(), "wr0ng"] {
            assert!(!text.contains(secret), "{text}");
        }
    };
    check(
        &format!("mysql://sync:wr0ng@{place}/{name}"),
        &format!(
            "{place}: Access denied for user 'sync'@'127.0.0.1' (using password: YES) (error 1045); \
             set the password with ALTER USER 'sync'@'127.0.0.1' IDENTIFIED BY '...', or make the \
             user with CREATE USER 'sync'@'127.0.0.1' IDENTIFIED BY '...'"
        ),
    );
    check(
        &format!("mysql://{login}@{place}/other"),
        &format!(
            "{place}: Access denied for user 'sync'@'%' to database 'other' (error 1044); let it in \
             with GRANT ALL ON `other`.* TO 'sync'@'%', if there is such a database"
        ),
    );
    check(
        &format!("mysql://{login}@{place}/{name}?init_command=SELEC+'wr0ng'"),
        "the server refuses init_command of the URI (error 1064)",
    );
    check(
        &format!("mysql://{login}@localhost/{name}?unix_socket=/nowhere/x.sock"),
        "/nowhere/x.sock: No such file or directory (os error 2); is the server running, and does \
         it listen there?",
    );
    served.server().run_sql(
        "CREATE DATABASE IF NOT EXISTS gone; GRANT ALL ON gone.* TO sync@'%'; DROP DATABASE gone",
    );
    check(
        &format!("mysql://{login}@{place}/gone"),
        &format!(
            "{place}: Unknown database 'gone' (error 1049); make it with CREATE DATABASE `gone` \
             CHARACTER SET utf8mb4"
        ),
    );
}

#[test]
fn a_pool_that_is_in_use_is_busy() {
    let served = fresh();
    let database: Database = open(&served.uri());
    let held: Vec<_> = (0..4).map(|_| database.snapshot().unwrap()).collect();
    let start = Instant::now();
    let error = get(&database, "a").unwrap_err();
    assert!(matches!(error, DbError::Busy(_)), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(held);
    get(&database, "a").unwrap();
}
