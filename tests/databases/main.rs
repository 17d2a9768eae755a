//! The private database servers of the tests: that each starts, takes SQL, hangs, dies, comes back
//! and leaves nothing behind, also when the tests run as root. Nothing here is about weaved.

#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::io::BufRead;
    use std::io::BufReader;
    use std::process::Command;
    use std::process::Stdio;
    use std::time::Duration;

    use rustix::process::Pid;
    use weaved::config::DatabaseUri;

    use crate::suite::Backend;
    use crate::suite::DatabaseServer;
    use crate::suite::Durability;
    use crate::suite::ServedDatabase;
    use crate::suite::children;
    use crate::suite::ended_within;
    use crate::suite::on_every_server;

    const PATIENCE: Duration = Duration::from_secs(30);

    on_every_server! {
        databases_are_empty_and_apart
        rows_and_characters_come_back_as_they_were
        a_mistake_in_a_statement_is_a_panic
        a_held_lock_is_given_back
        the_uris_have_all_parts_in_their_place
        the_certificate_can_be_verified
        data_survives_stops_and_kills
        a_frozen_server_stands_still_and_goes_on
        it_does_not_run_as_root
        it_ends_with_the_test_process
    }

    fn databases_are_empty_and_apart(backend: Backend) {
        let server = DatabaseServer::shared(backend);
        let (first, second) = (server.database("apart"), server.database("apart"));
        for database in [&first, &second] {
            database.run_sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1);");
        }
        first.run_sql("INSERT INTO t VALUES (2)");
        assert_eq!(count(&first), "2\n");
        assert_eq!(count(&second), "1\n");
    }

    fn count(database: &ServedDatabase) -> String {
        database.run_sql("SELECT COUNT(*) FROM t")
    }

    fn rows_and_characters_come_back_as_they_were(backend: Backend) {
        let database = DatabaseServer::shared(backend).database("characters");
        let charset = match backend {
            Backend::MariaDb => "CHARACTER SET utf8mb4",
            Backend::PostgreSql => "",
        };
        database.run_sql(&format!("CREATE TABLE t (a INT, b VARCHAR(99) {charset})"));
        // More than a pipe holds, in both directions.
        let row = "(1, 'ä 😀'), (2, NULL)".to_owned();
        let rows = vec![row; 20_000].join(", ");
        database.run_sql(&format!("INSERT INTO t VALUES {rows}"));
        let all = database.run_sql("SELECT a, b FROM t ORDER BY a DESC");
        assert_eq!(all.lines().count(), 40_000);
        assert!(all.starts_with("2\tNULL\n"), "{all:.20}");
        assert!(all.ends_with("1\tä 😀\n"));
    }

    fn a_mistake_in_a_statement_is_a_panic(backend: Backend) {
        let database = DatabaseServer::shared(backend).database("mistake");
        let wrong =
            std::panic::catch_unwind(|| database.run_sql("SELECT * FROM nothing; SELECT 1"));
        let said = wrong.unwrap_err();
        assert!(said.downcast::<String>().unwrap().contains("nothing"));
    }

    fn a_held_lock_is_given_back(backend: Backend) {
        let database = DatabaseServer::shared(backend).database("held");
        let engine = match backend {
            Backend::MariaDb => "ENGINE=InnoDB",
            Backend::PostgreSql => "",
        };
        database.run_sql(&format!(
            "CREATE TABLE t (a INT) {engine}; INSERT INTO t VALUES (1)"
        ));
        let hold = database.hold("BEGIN; UPDATE t SET a = 2");
        assert_eq!(database.run_sql("SELECT a FROM t"), "1\n");
        let free = "SELECT a FROM t FOR UPDATE SKIP LOCKED";
        assert_eq!(database.run_sql(free), "");
        drop(hold);
        assert_eq!(database.run_sql(free), "1\n");
    }

    fn the_uris_have_all_parts_in_their_place(backend: Backend) {
        let database = DatabaseServer::shared(backend).database("uri");
        for text in [database.uri(), database.socket_uri(), database.tls_uri()] {
            let uri = match text.parse().unwrap() {
                DatabaseUri::MySql(uri) if backend == Backend::MariaDb => uri.server,
                DatabaseUri::PostgreSql(uri) if backend == Backend::PostgreSql => uri.server,
                other => panic!("{other}"),
            };
            assert_eq!(uri.user.as_deref(), Some("sync"), "{text}");
            assert_eq!(uri.password.unwrap().expose(), database.password());
            assert_eq!(uri.database, database.name(), "{text}");
        }
    }

    fn the_certificate_can_be_verified(backend: Backend) {
        let server = DatabaseServer::shared(backend);
        let protocol = match backend {
            Backend::MariaDb => "mysql",
            Backend::PostgreSql => "postgres",
        };
        let connect = format!("127.0.0.1:{}", server.port());
        for name in [
            ["-verify_ip", "127.0.0.1"],
            ["-verify_hostname", "localhost"],
        ] {
            let output = Command::new("openssl")
                .args(["s_client", "-verify_return_error", "-starttls", protocol])
                .args(["-connect", &connect, "-CAfile"])
                .arg(server.authority())
                .args(name)
                .stdin(Stdio::null())
                .output()
                .expect("these tests need openssl: apt-get install openssl, or `make test`");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("Verify return code: 0 (ok)"), "{output:?}");
        }
    }

    fn data_survives_stops_and_kills(backend: Backend) {
        for durability in [Durability::Fast, Durability::Real] {
            let server = DatabaseServer::start(backend, durability);
            let database = server.database("survivor");
            let port = server.port();
            database.run_sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)");
            server.restart();
            assert_eq!(count(&database), "1\n");
            database.run_sql("INSERT INTO t VALUES (2)");
            server.kill();
            server.start_again();
            assert_eq!(count(&database), "2\n");
            assert_eq!(server.port(), port);
        }
    }

    fn a_frozen_server_stands_still_and_goes_on(backend: Backend) {
        let server = DatabaseServer::start(backend, Durability::Fast);
        let database = server.database("frozen");
        server.freeze();
        let process = server.process();
        for process in children(process).into_iter().chain([process]) {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
            assert!(stat.contains(") T "), "{stat}");
        }
        server.thaw();
        assert_eq!(database.run_sql("SELECT 1"), "1\n");
    }

    fn it_does_not_run_as_root(backend: Backend) {
        let process = DatabaseServer::shared(backend).process();
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        for line in status.lines() {
            if let Some(ids) = line.strip_prefix("Uid:").or(line.strip_prefix("Gid:")) {
                assert!(ids.split_whitespace().all(|id| id != "0"), "{line}");
            }
            if let Some(groups) = line.strip_prefix("Groups:") {
                assert!(groups.split_whitespace().all(|id| id != "0"), "{line}");
            }
        }
    }

    fn it_ends_with_the_test_process(backend: Backend) {
        let name = match backend {
            Backend::MariaDb => "tests::holds_a_mariadb",
            Backend::PostgreSql => "tests::holds_a_postgresql",
        };
        let mut test = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--ignored", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(test.stdout.take().unwrap()).lines();
        let held = lines.map(Result::unwrap).find_map(|line| {
            let (_, rest) = line.split_once("holds ")?;
            let (process, authority) = rest.split_once(' ')?;
            Some((process.parse().unwrap(), authority.to_owned()))
        });
        let (process, authority) = held.unwrap();
        let process = Pid::from_raw(process).unwrap();
        test.kill().unwrap();
        test.wait().unwrap();
        assert!(ended_within(PATIENCE, process), "{process:?} still runs");
        // The folder goes last.
        let until = std::time::Instant::now() + PATIENCE;
        while fs::exists(&authority).unwrap() {
            assert!(std::time::Instant::now() < until, "{authority} is left");
            std::thread::yield_now();
        }
    }

    #[test]
    #[ignore = "the part of it_ends_with_the_test_process that is killed"]
    fn holds_a_mariadb() {
        hold_a_server(Backend::MariaDb);
    }

    #[test]
    #[ignore = "the part of it_ends_with_the_test_process that is killed"]
    fn holds_a_postgresql() {
        hold_a_server(Backend::PostgreSql);
    }

    fn hold_a_server(backend: Backend) {
        let server = DatabaseServer::shared(backend);
        let authority = server.authority();
        println!("holds {} {}", server.process(), authority.display());
        // Until it is killed.
        let _ = std::io::stdin().lines().next();
    }
}
