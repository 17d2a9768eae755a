//! What is read, how it is shown again, what is refused.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: DatabaseUri, shown: &str) {
    let uri: DatabaseUri = text.parse().unwrap();
    assert_eq!(uri, expected);
    assert_eq!(uri.to_string(), shown);
    // What is shown is a URI again, of the same kind.
    let again: DatabaseUri = shown.parse().unwrap();
    assert_eq!(again.to_string(), shown);
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = text.parse::<DatabaseUri>().unwrap_err().to_string();
    assert!(error.contains(expected), "{text}: {error}");
}

#[track_caller]
fn remarks(text: &str) -> Vec<String> {
    let (_, remarks) = DatabaseUri::read(text).unwrap();
    let line = |remark: Remark| format!("{:?}: {}", remark.severity, remark.text);
    remarks.into_iter().map(line).collect()
}

#[track_caller]
fn mysql(text: &str) -> MySqlUri {
    match text.parse() {
        Ok(DatabaseUri::MySql(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn postgresql(text: &str) -> PostgreSqlUri {
    match text.parse() {
        Ok(DatabaseUri::PostgreSql(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

fn file(path: &str) -> DatabaseUri {
    DatabaseUri::SqliteFile(path.into())
}

fn host(name: &str, port: impl Into<Option<u16>>) -> ServerHost {
    ServerHost {
        name: Some(name.to_owned()),
        port: port.into(),
    }
}

#[test]
fn sqlite_counts_slashes_as_sqlalchemy_does() {
    for (text, expected, shown) in [
        ("sqlite:////a/b.db", file("/a/b.db"), "sqlite:////a/b.db"),
        ("sqlite:///a/b.db", file("a/b.db"), "sqlite:///a/b.db"),
        (
            "sqlite+pysqlite:///b%41.db",
            file("b%41.db"),
            "sqlite:///b%41.db",
        ),
        (
            "sqlite:////b.db?timeout=5",
            file("/b.db"),
            "sqlite:////b.db",
        ),
        ("sqlite://", DatabaseUri::SqliteMemory, "sqlite://"),
        ("sqlite:///", DatabaseUri::SqliteMemory, "sqlite://"),
        ("sqlite:///:memory:", DatabaseUri::SqliteMemory, "sqlite://"),
    ] {
        check(text, expected, shown);
    }
    refused("sqlite://tmp/b.db", "four slashes");
}

#[test]
fn servers_keep_their_parts_and_hide_their_password() {
    let server = ServerUri {
        hosts: vec![host("localhost", None)],
        user: Some("sync".to_owned()),
        password: Some(Secret::new("s@c:1/")),
        database: "sync".to_owned(),
        ..ServerUri::default()
    };
    let uri = MySqlUri {
        server: server.clone(),
        ..MySqlUri::default()
    };
    check(
        "pymysql://sync:s@c:1%2F@localhost/sync",
        DatabaseUri::MySql(uri),
        "mysql://sync:***@localhost/sync",
    );
    let uri = PostgreSqlUri {
        server: ServerUri {
            hosts: vec![host("::1", 5433)],
            ..server.clone()
        },
        ..PostgreSqlUri::default()
    };
    check(
        "postgresql+psycopg2://sync:s%40c%3a1%2f@[::1]:5433/sync",
        DatabaseUri::PostgreSql(uri),
        "postgresql://sync:***@[::1]:5433/sync",
    );
    let uri = MySqlUri {
        server: ServerUri {
            hosts: vec![ServerHost::default()],
            ..server
        },
        ..MySqlUri::default()
    };
    check(
        "mysql:///sync?user=sync&passwd=s%40c:1/",
        DatabaseUri::MySql(uri),
        "mysql://sync:***@/sync",
    );
}

#[test]
fn several_hosts_are_tried_in_their_order() {
    let three = [host("a", 1), host("b", None), host("::2", 3)];
    for text in [
        "postgresql://a:1,b,[::2]:3/d",
        "postgresql:///d?host=a:1&host=b&host=[::2]:3",
        "postgresql:///d?host=a:1,b,[::2]:3",
    ] {
        let uri = postgresql(text);
        assert_eq!(uri.server.hosts, three, "{text}");
        assert_eq!(uri.target, TargetSession::ReadWrite, "{text}");
    }
    let uri = postgresql("postgresql:///d?host=a,::2&port=1,2&target_session_attrs=any");
    assert_eq!(uri.server.hosts, [host("a", 1), host("::2", 2)]);
    assert_eq!(uri.target, TargetSession::Any);
    let uri = postgresql("postgres://x/d?host=a,b&port=7");
    assert_eq!(uri.server.hosts, [host("a", 7), host("b", 7)]);
    let uri = mysql("mysql://a,b:3307/d");
    assert_eq!(uri.server.hosts, [host("a", None), host("b", 3307)]);
    assert_eq!(postgresql("postgres://a/d").target, TargetSession::Any);
}

#[test]
fn a_socket_counts_before_the_host() {
    for (text, path, port, shown) in [
        (
            "mysql://u@localhost/d?unix_socket=/run/mysqld/mysqld.sock",
            "/run/mysqld/mysqld.sock",
            None,
            "mysql://u@/d?unix_socket=/run/mysqld/mysqld.sock",
        ),
        (
            "postgresql:///d?host=/var/run/postgresql&port=5433",
            "/var/run/postgresql",
            Some(5433),
            "postgresql://:5433/d?host=/var/run/postgresql",
        ),
        (
            "postgresql://%2Fvar%2Frun%2Fpostgresql:5433/d",
            "/var/run/postgresql",
            Some(5433),
            "postgresql://:5433/d?host=/var/run/postgresql",
        ),
        (
            "postgresql+pg8000:///d?unix_sock=/tmp/.s.PGSQL.5432",
            "/tmp/.s.PGSQL.5432",
            None,
            "postgresql:///d?host=/tmp/.s.PGSQL.5432",
        ),
    ] {
        let uri: DatabaseUri = text.parse().unwrap();
        assert_eq!(uri.to_string(), shown);
        let (DatabaseUri::MySql(MySqlUri { server, .. })
        | DatabaseUri::PostgreSql(PostgreSqlUri { server, .. })) = uri
        else {
            panic!("{text}");
        };
        assert_eq!(server.socket, Some(PathBuf::from(path)));
        assert_eq!(server.hosts, [ServerHost { name: None, port }]);
        assert_eq!(shown.parse::<DatabaseUri>().unwrap().to_string(), shown);
    }
}

#[test]
fn options_are_values() {
    let uri = mysql(
        "mysql://h/d?charset=UTF8&connect_timeout=3&read_timeout=4&write_timeout=5\
         &init_command=SET+%40x%3D'1'",
    );
    assert_eq!(uri.server.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(uri.read_timeout, Some(Duration::from_secs(4)));
    assert_eq!(uri.write_timeout, Some(Duration::from_secs(5)));
    assert_eq!(uri.init_command, Some(Secret::new("SET @x='1'")));
    assert_eq!(
        uri.to_string(),
        "mysql://h/d?connect_timeout=3&read_timeout=4&write_timeout=5&init_command=***"
    );
    let uri = postgresql("postgres://h/d?application_name=sync&options=-csearch_path%3Dsync");
    assert_eq!(uri.application_name.as_deref(), Some("sync"));
    assert_eq!(uri.settings, Some(Secret::new("-csearch_path=sync")));
    assert_eq!(
        uri.to_string(),
        "postgresql://h/d?application_name=sync&options=***"
    );
}

#[test]
fn tls_is_off_unless_asked_for_and_then_verified() {
    let on = |verify, ca: Option<&str>, client: Option<(&str, &str)>| Tls::On {
        verify,
        ca: ca.map(PathBuf::from),
        client: client.map(|(chain, key)| ClientCertificate {
            chain: chain.into(),
            key: key.into(),
        }),
    };
    for (text, expected) in [
        ("mysql://h/d", Tls::Off),
        ("mysql://h/d?ssl=false", Tls::Off),
        ("mysql://h/d?ssl_disabled=true&ssl_ca=/c", Tls::Off),
        ("mysql://h/d?ssl=true", on(Verify::Name, None, None)),
        (
            "mysql://h/d?ssl_mode=REQUIRED",
            on(Verify::Name, None, None),
        ),
        ("mysql://h/d?ssl_ca=/c", on(Verify::Name, Some("/c"), None)),
        (
            "mysql://h/d?ssl_verify_cert=true",
            on(Verify::Name, None, None),
        ),
        (
            "mysql://h/d?ssl_mode=VERIFY_CA&ssl_ca=/c",
            on(Verify::Chain, Some("/c"), None),
        ),
        (
            "mysql://h/d?ssl_ca=/c&ssl_cert=/a&ssl_key=/b&ssl_check_hostname=false",
            on(Verify::Chain, Some("/c"), Some(("/a", "/b"))),
        ),
        (
            "mysql://h/d?ssl=true&ssl_verify_cert=false",
            on(Verify::Nothing, None, None),
        ),
        ("postgres://h/d?sslmode=disable", Tls::Off),
        (
            "postgres://h/d?sslmode=require",
            on(Verify::Name, None, None),
        ),
        (
            "postgres://h/d?sslmode=verify-full&sslrootcert=system",
            on(Verify::Name, None, None),
        ),
        (
            "postgres://h/d?sslmode=verify-ca&sslrootcert=/c",
            on(Verify::Chain, Some("/c"), None),
        ),
        (
            "postgres://h/d?sslmode=require&sslcert=/a&sslkey=/b&ssl_verify_cert=false",
            on(Verify::Nothing, None, Some(("/a", "/b"))),
        ),
        ("postgres:///d?host=/run&sslmode=require", Tls::Off),
    ] {
        let uri: DatabaseUri = text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"));
        let shown = uri.to_string();
        let again: DatabaseUri = shown.parse().unwrap_or_else(|bad| panic!("{shown}: {bad}"));
        assert_eq!(uri, again, "{shown}");
        let (DatabaseUri::MySql(MySqlUri { server, .. })
        | DatabaseUri::PostgreSql(PostgreSqlUri { server, .. })) = uri
        else {
            panic!("{text}");
        };
        assert_eq!(server.tls, expected, "{text}");
    }
}

#[test]
fn what_is_odd_is_told() {
    let clear = |on, off| {
        format!(
            "Warning: the way to the database server is not encrypted: add {on}, or {off} if \
             nobody else is on that network"
        )
    };
    for (text, expected) in [
        ("mysql://localhost/d", vec![]),
        ("mysql://127.0.0.2,[::1]:1/d", vec![]),
        ("mysql://db.example/d?ssl=true", vec![]),
        ("mysql://db.example/d?ssl=false", vec![]),
        ("mysql:///d?unix_socket=/s", vec![]),
        ("mysql://db.example/d", vec![clear("ssl=true", "ssl=false")]),
        (
            "postgres://localhost,10.0.0.1/d",
            vec![clear("sslmode=verify-full", "sslmode=disable")],
        ),
        (
            "mysql:///d?use_unicode=0&charset=latin1",
            vec![
                "Notice: the URI's option use_unicode has no effect".to_owned(),
                "Notice: the URI's option charset has no effect: utf8mb4 is always used".to_owned(),
            ],
        ),
        (
            "postgres:///d?client_encoding=latin1",
            vec![
                "Notice: the URI's option client_encoding has no effect: utf8 is always used"
                    .to_owned(),
            ],
        ),
        (
            "mysql:///d?unix_socket=/s&ssl=1",
            vec!["Notice: the URI asks for TLS, which has no effect on a Unix socket".to_owned()],
        ),
        (
            "postgres://h/d?sslmode=require&ssl_verify_cert=no",
            vec![
                "Warning: the URI has the option ssl_verify_cert=false: whoever gets in between \
                 can read and change everything. Name the authority's file instead"
                    .to_owned(),
            ],
        ),
        (
            "sqlite:////d?timeout=5",
            vec!["Notice: what follows the question mark of the URI has no effect".to_owned()],
        ),
    ] {
        assert_eq!(remarks(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_database_is_refused_with_its_reason() {
    for (text, expected) in [
        ("oracle://a/b", "of the kind oracle"),
        ("mssql+x://a/b", "of the kind mssql"),
        ("hunter2://a/b", "is not a database URI"),
        ("/var/lib/x.db", "is not a database URI"),
        ("", "is not a database URI"),
        ("mysql://u:p@h", "no database name"),
        ("mysql://u:p@h/", "no database name"),
        ("mysql://u:p@h:x/d", "port that is no number"),
        ("mysql://u:p@h:0/d", "port that is no number"),
        ("mysql://u:p@[::1/d", "is not a database URI"),
        ("mysql://u:p@[::1]1/d", "is not a database URI"),
        ("mysql://u:p@h ost/d", "characters in its host"),
        ("mysql://u%0A:p@h/d", "characters in its user"),
        (
            "mysql://h/?db=a%0A",
            "option db, which has a control character",
        ),
        ("mysql://u:a/b@h/d", "write %2F for a slash in the password"),
        (
            "mysql://h/d?sslmode=1",
            "option, number 1 after its question mark: did you mean ssl_mode?",
        ),
        ("postgres://h/d?sslmod=1", "did you mean sslmode?"),
        (
            "postgres://h/d?port=1&hunter2=1",
            "number 2 after its question mark: remove it",
        ),
        ("mysql://h/d?charset", "option charset, which has no value"),
        (
            "mysql://h/d?connect_timeout=0",
            "option connect_timeout, which is no whole number",
        ),
        ("mysql://h/d?connect_timeout=1.5", "from 1 to 3600"),
        (
            "mysql://h/d?read_default_file=/x",
            "write what that file says into this URI",
        ),
        ("mysql://h/d?ssl=perhaps", "option ssl, which is none of"),
        (
            "mysql://h/d?ssl_mode=PREFERRED",
            "write verify-full to have TLS",
        ),
        (
            "mysql://h/d?ssl_cert=/a",
            "option ssl_cert, which needs ssl_key too",
        ),
        ("mysql://h/d?ssl_verify_cert=false", "add ssl=true"),
        (
            "mysql://h/d?ssl_mode=verify_ca",
            "option ssl_ca, which must name",
        ),
        ("mysql://h/d?unix_socket=x", "no absolute path"),
        (
            "postgres://h/d?sslmode=prefer",
            "write verify-full to have TLS",
        ),
        (
            "postgres://h/d?sslmode=verify-ca",
            "option sslrootcert, which must name",
        ),
        (
            "postgres://h/d?sslmode=verify-ca&sslrootcert=system",
            "option sslrootcert",
        ),
        (
            "postgres://h/d?sslkey=/a",
            "option sslkey, which needs sslcert too",
        ),
        (
            "postgres://h/d?target_session_attrs=standby",
            "write read-write",
        ),
        ("postgres://h/d?host=a,/run", "a socket among several hosts"),
        ("postgres://h/d?host=a,b,c&port=1,2", "not as many ports"),
        (
            "postgres://h/d?port=70000",
            "option port, which is no number",
        ),
        (
            "postgres://h/d?host=a:x",
            "option host, which has a port that is no number",
        ),
    ] {
        refused(text, expected);
    }
}

#[test]
fn the_readme_has_uris_that_are_read_without_a_remark() {
    let readme = include_str!("../../../README.md");
    let lines = readme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("sqluri = "));
    let uris: Vec<&str> = lines.filter(|line| line.contains("://")).collect();
    assert_eq!(uris.len(), 8);
    for uri in uris {
        // On the loopback, by a socket, with TLS: nothing to tell.
        assert_eq!(remarks(uri), Vec::<String>::new(), "{uri}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(sqlite|mysql|postgres)?(://)?\\PC{0,40}") {
        let _ = text.parse::<DatabaseUri>();
    }

    /// `Ω` is in every password and nowhere else.
    #[test]
    fn a_password_is_never_printed(
        driver in "(mysql|postgresql|oracle|sqlite|x)",
        user in "[a-z]{0,3}",
        password in "[ -~]{0,8}Ω[ -~]{0,8}",
        place in "[a-z:,0-9\\[\\]]{0,6}",
        path in "/?[a-z]{0,3}(\\?[a-z=&]{0,12})?",
        option in "([?&](password|passwd|passwrd|options|init_command|port|ssl|sslmode)=)?",
    ) {
        let login = format!("{driver}://{user}:{password}@{place}{path}");
        let query: String = password.chars().filter(|c| !"@#".contains(*c)).collect();
        let query = format!("{driver}://{user}@{place}{path}{option}{query}");
        let texts = if option.is_empty() { vec![login] } else { vec![login, query] };
        for text in texts {
            let printed = match DatabaseUri::read(&text) {
                Ok((uri, remarks)) => format!("{uri} {uri:?} {remarks:?}"),
                Err(bad) => format!("{bad} {bad:?}"),
            };
            prop_assert!(!printed.contains('Ω'), "{text}: {printed}");
        }
    }

    #[test]
    fn what_is_shown_is_read_the_same_way(
        user in "[a-z]{1,3}",
        hosts in prop::collection::vec("([a-z]{1,4}|\\[::[1-9]\\])(:[1-9][0-9]{0,3})?", 1..4),
        option in "(\\?(connect_timeout=[1-9]|sslmode=require|application_name=[a-z]{1,3}))?",
    ) {
        let text = format!("postgresql://{user}@{}/d{option}", hosts.join(","));
        let uri: DatabaseUri = text.parse().unwrap();
        let again: DatabaseUri = uri.to_string().parse().unwrap();
        prop_assert_eq!(uri, again);
    }
}
