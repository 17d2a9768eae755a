//! Why a server does not let us in, told so that a person knows what to do.

use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::thread;

use weaved::causes::chain;
use weaved::db::PoolOptions;

use crate::suite::Certificate;
use crate::support::int;
use crate::support::open;
use crate::support::open_with;
use crate::support::server;

/// Why a database cannot be opened. The password is never in it.
#[track_caller]
fn refused(uri: &str) -> String {
    let error = open_with(uri, &PoolOptions::default()).map(drop);
    let error = error.unwrap_err();
    let text = chain(&error);
    let database = server().database("password");
    for shown in [&text, &format!("{error:?}")] {
        assert!(!shown.contains(database.password()), "{shown}");
    }
    text
}

#[track_caller]
fn check(uri: &str, expected: &[&str]) {
    let text = refused(uri);
    for part in expected {
        assert!(text.contains(part), "{text}\nlacks: {part}");
    }
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_login_that_is_wrong() {
    let database = server().database("login");
    let port = server().port();
    check(
        &format!(
            "postgresql://sync:wrong@127.0.0.1:{port}/{}",
            database.name()
        ),
        &[
            &format!("cannot open the database postgresql://sync:***@127.0.0.1:{port}/"),
            &format!("127.0.0.1:{port}: "),
            "password authentication failed for user \"sync\"",
            "ALTER ROLE \"sync\" PASSWORD '...'",
        ],
    );
    check(
        &format!("postgresql://sync@127.0.0.1:{port}/{}", database.name()),
        &["password missing", "postgresql://USER:PASSWORD@"],
    );
}

#[test]
fn a_database_that_is_missing() {
    check(
        &server().database("x").uri().replace("/x_", "/missing_"),
        &[
            "does not exist",
            "CREATE DATABASE \"missing_",
            "OWNER \"sync\" ENCODING 'UTF8'",
        ],
    );
}

#[test]
fn a_database_that_cannot_hold_every_text() {
    server().run_sql(
        "CREATE DATABASE latin OWNER sync ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    let uri = server().database("encoding").uri();
    let (uri, _) = uri.rsplit_once('/').unwrap();
    check(
        &format!("{uri}/latin"),
        &[
            "encoding LATIN1",
            "CREATE DATABASE \"latin\" OWNER \"sync\" ENCODING 'UTF8'",
        ],
    );
}

#[test]
fn a_user_who_may_not_come_here() {
    let database = server().database("private");
    let name = database.name();
    server().run_sql(&format!(
        "ALTER DATABASE {name} OWNER TO postgres; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"
    ));
    check(
        &database.uri(),
        &[
            "permission denied",
            &format!("GRANT CONNECT ON DATABASE \"{name}\" TO \"sync\""),
        ],
    );
}

#[test]
fn a_server_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    check(
        "postgresql://sync@127.0.0.1:1/d",
        &["127.0.0.1:1: ", "refused", "is the server running"],
    );
    check(
        &format!("postgresql://sync@/d?host={folder}"),
        &[
            &format!("{folder}/.s.PGSQL.5432: "),
            "is the server running",
        ],
    );
    check(
        "postgresql://sync@127.0.0.1:1,127.0.0.1:2/d",
        &["127.0.0.1:1: ", "; 127.0.0.1:2: "],
    );
    check(
        "postgresql://sync@nowhere.invalid/d",
        &["nowhere.invalid:5432: "],
    );
}

#[test]
fn a_server_that_is_none_of_postgresql() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        // As MySQL greets.
        for stream in listener.incoming().flatten() {
            drop((&stream).write_all(b"Z\0\0\0\x0a10.11.19-MariaDB"));
            drop((&stream).read(&mut [0; 1024]));
        }
    });
    check(
        &format!("postgresql://sync@127.0.0.1:{port}/d"),
        &["is it PostgreSQL that listens there?"],
    );
}

#[test]
fn a_server_that_answers_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    check(
        &format!("postgresql://sync@127.0.0.1:{port}/d?connect_timeout=1"),
        &[&format!("127.0.0.1:{port}: no answer within 1 s")],
    );
}

#[test]
fn several_hosts_are_tried_in_order() {
    let database = server().database("hosts");
    let (head, tail) = database.uri().split_once("127.0.0.1").map(both).unwrap();
    for hosts in ["127.0.0.1:1,127.0.0.1", "[::1]:1,127.0.0.1"] {
        let database = open(&format!("{head}{hosts}{tail}"));
        assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
    }
}

fn both((head, tail): (&str, &str)) -> (String, String) {
    (head.to_owned(), tail.to_owned())
}

#[test]
fn a_server_that_takes_no_writes_is_passed_over() {
    let database = server().database("standby");
    let name = database.name();
    server().run_sql(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    open(&database.uri());
    check(
        &format!("{}?target_session_attrs=read-write", database.uri()),
        &["takes no writes"],
    );
}

#[test]
fn every_way_leads_to_the_server() {
    let database = server().database("ways");
    let socket = database.socket_uri();
    for uri in [&database.uri(), &socket, &database.tls_uri()] {
        let database = open(uri);
        assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1), "{uri}");
    }
    // The socket itself instead of its folder.
    let port = server().port();
    let (login, folder) = socket.split_once(&format!(":{port}")).unwrap();
    let uri = format!("{login}{folder}/.s.PGSQL.{port}");
    assert_eq!(int(&open(&uri), "SELECT 1", &[]).unwrap(), Some(1), "{uri}");
}

#[test]
fn tls_is_what_was_asked_for() {
    let database = server().database("tls");
    let uri = database.uri();
    let authority = server().authority().display().to_string();
    let version = "SELECT CASE WHEN ssl THEN 1 ELSE 0 END FROM pg_stat_ssl \
                   WHERE pid = pg_backend_pid()";
    for (options, encrypted) in [
        (String::new(), 0),
        ("?sslmode=disable".to_owned(), 0),
        (format!("?sslmode=verify-full&sslrootcert={authority}"), 1),
        (format!("?sslmode=require&sslrootcert={authority}"), 1),
        ("?sslmode=require&ssl_verify_cert=false".to_owned(), 1),
    ] {
        let database = open(&format!("{uri}{options}"));
        let read = int(&database, version, &[]).unwrap();
        assert_eq!(read, Some(encrypted), "{options}");
    }
}

/// A pooler that gives each transaction another session would mix up prepared statements.
#[test]
fn a_pooler_that_keeps_our_settings_to_itself() {
    let database = server().database("pooler");
    // Of the same length, so that the packet stays whole.
    let port = relay(|sent| {
        let text = b"iso_8601";
        let at = sent.windows(text.len()).position(|window| window == text);
        sent[at.unwrap()..][..text.len()].copy_from_slice(b"postgres");
    });
    check(
        &database.uri().replace(
            &format!("127.0.0.1:{}", server().port()),
            &format!("127.0.0.2:{port}"),
        ),
        &["our settings do not reach the server", "PgBouncer"],
    );
}

/// The certificate is for 127.0.0.1 and localhost.
#[test]
fn a_name_that_is_not_in_the_certificate() {
    let database = server().database("name");
    let port = relay(|_| ());
    let uri = database.tls_uri();
    let uri = uri.replace(
        &format!("127.0.0.1:{}", server().port()),
        &format!("127.0.0.2:{port}"),
    );
    check(&uri, &["certificate", "127.0.0.2"]);
    for lenient in ["ssl_verify_identity=false", "ssl_verify_cert=false"] {
        let database = open(&format!("{uri}&{lenient}"));
        assert_eq!(int(&database, "SELECT 1", &[]).unwrap(), Some(1));
    }
}

/// Another address, at which clients are brought to the server; what each sends first is changed
/// on the way. Returns the port on 127.0.0.2.
fn relay(change: impl Fn(&mut [u8]) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut server = TcpStream::connect(("127.0.0.1", server().port())).unwrap();
            let mut first = [0; 2048];
            let count = client.read(&mut first).unwrap();
            change(&mut first[..count]);
            server.write_all(&first[..count]).unwrap();
            pass_on(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass_on(server, client);
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
fn a_server_for_which_somebody_else_vouches() {
    let other = Certificate::new();
    let uri = server().database("other").uri();
    for options in [
        format!("sslmode=verify-full&sslrootcert={}", other.path()),
        format!("sslmode=verify-ca&sslrootcert={}", other.path()),
        "sslmode=require".to_owned(),
    ] {
        check(&format!("{uri}?{options}"), &["certificate", "sslrootcert"]);
    }
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let uri = server().database("files").uri();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").unwrap();
    check(
        &format!("{uri}?sslrootcert={}", missing.display()),
        &["cannot read certificates", "missing.pem"],
    );
    check(
        &format!("{uri}?sslrootcert={}", empty.display()),
        &["no usable certificate", "empty.pem"],
    );
}
