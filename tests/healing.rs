//! A database server that stops, hangs, refuses or gives way: clients come again later at most,
//! and weaved need not be started anew.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Condvar;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    use serde_json::json;

    use crate::suite::Backend;
    use crate::suite::DatabaseServer;
    use crate::suite::Durability;
    use crate::suite::Home;
    use crate::suite::ServedDatabase;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;
    use crate::suite::on_every_server;

    /// Clients that ask without a pause.
    const CLIENTS: usize = 4;

    /// `storage.pool_timeout`, in seconds.
    const POOL_TIMEOUT: &str = "2";

    /// No request may take longer while the database is away: the time-out of the pool, that of
    /// an answer or of an attempt to connect, each of them once for the account and once for the
    /// records, and what a busy machine adds.
    const LONGEST: Duration = Duration::from_secs(20);

    /// Longer than anything takes that is waited for.
    const PATIENCE: Duration = Duration::from_secs(60);

    on_every_server! {
        a_restart_under_load
        a_server_that_hangs
        a_server_that_takes_no_writes
        connections_that_are_cut
        fewer_connections_than_threads
        a_deadlock_is_invisible
    }

    /// A database server of one's own, and two processes of weaved before it.
    struct Stage {
        server: Arc<DatabaseServer>,
        database: ServedDatabase,
        site: Site,
        workers: Vec<u32>,
    }

    impl Stage {
        fn on(backend: Backend) -> Self {
            let server = DatabaseServer::start(backend, Durability::Fast);
            Self::before(server, POOL_TIMEOUT)
        }

        fn before(server: Arc<DatabaseServer>, pool_timeout: &str) -> Self {
            let database = server.database("healing");
            let home = Home::served(database.clone());
            let site = Site::in_home(home, Way::FastCgi, |options| {
                crate::suite::Options {
                    threads: CLIENTS,
                    ..options
                }
                .server("processes", "2")
                .set("storage.pool_timeout", pool_timeout)
            });
            let workers = site.weaved().all_workers(2);
            Self {
                server,
                database,
                site,
                workers,
            }
        }

        /// Everything is as it was, without a new process.
        #[track_caller]
        fn is_well(&self, user: &User<'_>) {
            for _ in 0..4 * CLIENTS {
                user.put("storage/c/well", r#"{"payload":"x"}"#).written();
                user.get("storage/c/well").ok();
            }
            assert_eq!(self.site.weaved().all_workers(2), self.workers);
        }
    }

    /// What clients met that never paused.
    #[derive(Debug, Default)]
    struct Load {
        counts: Mutex<Counts>,
        changed: Condvar,
        stop: AtomicBool,
    }

    #[derive(Clone, Copy, Debug, Default)]
    struct Counts {
        /// Requests that were answered with 200.
        done: usize,
        /// Requests that were answered with 503.
        put_off: usize,
        /// The longest time that an answer took.
        longest: Duration,
    }

    impl Load {
        /// Runs `work` while clients write and read; they end after it.
        #[track_caller]
        fn during(user: &User<'_>, work: impl FnOnce(&Self)) -> Self {
            let load = Self::default();
            for number in 0..CLIENTS {
                let path = format!("storage/c/{number}");
                user.put(&path, r#"{"payload":"x"}"#).written();
            }
            thread::scope(|scope| {
                let _stop = Stop(&load.stop);
                for number in 0..CLIENTS {
                    let load = &load;
                    scope.spawn(move || load.keep_asking(number, user));
                }
                load.await_done(CLIENTS);
                work(&load);
            });
            load
        }

        fn keep_asking(&self, number: usize, user: &User<'_>) {
            let path = format!("storage/c/{number}");
            while !self.stop.load(Ordering::SeqCst) {
                for call in [
                    user.storage("PUT", &path).body(r#"{"payload":"x"}"#),
                    user.storage("GET", &path),
                ] {
                    let began = Instant::now();
                    let reply = call.send();
                    let mut counts = self.counts.lock().unwrap();
                    counts.longest = counts.longest.max(began.elapsed());
                    // With a Retry-After, as all replies of this kind.
                    if reply.status() == 503 {
                        counts.put_off += 1;
                    } else {
                        reply.ok();
                        counts.done += 1;
                    }
                    self.changed.notify_all();
                }
            }
        }

        /// Waits for so many more good answers.
        #[track_caller]
        fn await_done(&self, more: usize) {
            self.await_more(more, |counts| counts.done);
        }

        /// Waits for so many more requests that were put off.
        #[track_caller]
        fn await_put_off(&self, more: usize) {
            self.await_more(more, |counts| counts.put_off);
        }

        #[track_caller]
        fn await_more(&self, more: usize, count: fn(&Counts) -> usize) {
            let counts = self.counts.lock().unwrap();
            let wanted = count(&counts) + more;
            let waiting = |counts: &mut Counts| count(counts) < wanted;
            let waited = self.changed.wait_timeout_while(counts, PATIENCE, waiting);
            let (counts, ended) = waited.unwrap();
            assert!(!ended.timed_out(), "not {wanted}: {counts:?}");
        }

        #[track_caller]
        fn was_bounded(&self) {
            let counts = self.counts.lock().unwrap();
            assert!(counts.longest < LONGEST, "{counts:?}");
        }
    }

    #[track_caller]
    fn await_that(mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < until, "waited too long");
            thread::yield_now();
        }
    }

    /// Ends the clients, also when something else has failed.
    struct Stop<'a>(&'a AtomicBool);

    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn a_restart_under_load(backend: Backend) {
        let stage = Stage::on(backend);
        let user = stage.site.user();
        let load = Load::during(&user, |load| {
            stage.server.stop();
            load.await_put_off(2 * CLIENTS);
            stage.server.start_again();
            load.await_done(10 * CLIENTS);
        });
        load.was_bounded();
        stage.is_well(&user);
    }

    fn a_server_that_hangs(backend: Backend) {
        let stage = Stage::on(backend);
        let user = stage.site.user();
        let load = Load::during(&user, |load| {
            stage.server.freeze();
            load.await_put_off(2 * CLIENTS);
            stage.server.thaw();
            load.await_done(10 * CLIENTS);
        });
        load.was_bounded();
        stage.is_well(&user);
    }

    fn a_server_that_takes_no_writes(backend: Backend) {
        let stage = Stage::on(backend);
        let user = stage.site.user();
        user.put("storage/c/i", r#"{"payload":"before"}"#).written();
        stage.server.demote();
        for _ in 0..4 * CLIENTS {
            user.put("storage/c/i", r#"{"payload":"after"}"#).is(503);
            user.get("storage/c/i").ok();
        }
        stage.server.promote();
        stage.is_well(&user);
    }

    /// A firewall or an administrator has cut them; nobody notices.
    fn connections_that_are_cut(backend: Backend) {
        let cut = match backend {
            Backend::MariaDb => "KILL USER sync",
            Backend::PostgreSql => {
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE usename = 'sync'"
            }
        };
        let stage = Stage::on(backend);
        let user = stage.site.user();
        // As many connections as there can be.
        Load::during(&user, |load| load.await_done(20 * CLIENTS));
        for _ in 0..3 {
            stage.server.run_sql(cut);
            stage.is_well(&user);
        }
    }

    fn fewer_connections_than_threads(backend: Backend) {
        let limit = |count: i32| match backend {
            Backend::MariaDb => format!("ALTER USER sync WITH MAX_USER_CONNECTIONS {count}"),
            Backend::PostgreSql => format!("ALTER ROLE sync CONNECTION LIMIT {count}"),
        };
        let stage = Stage::on(backend);
        let user = stage.site.user();
        stage.server.run_sql(&limit(3));
        let load = Load::during(&user, |load| load.await_done(20 * CLIENTS));
        load.was_bounded();
        // No limit at all: 0 for the one, -1 for the other.
        stage.server.run_sql(&limit(match backend {
            Backend::MariaDb => 0,
            Backend::PostgreSql => -1,
        }));
        stage.is_well(&user);
    }

    /// Somebody else locks a record and then the user, who writes the other way round; and it is
    /// weaved that has to give way.
    fn a_deadlock_is_invisible(backend: Backend) {
        // Who has changed more is spared by MariaDB, who looks last by PostgreSQL.
        let (begin, waiting, deadlocks) = match backend {
            Backend::MariaDb => (
                "BEGIN; INSERT INTO ballast SELECT seq FROM seq_1_to_1000",
                "SELECT COUNT(*) FROM information_schema.innodb_trx
                     WHERE trx_state = 'LOCK WAIT'",
                "SELECT variable_value FROM information_schema.global_status
                     WHERE variable_name = 'Innodb_deadlocks'",
            ),
            Backend::PostgreSql => (
                "SET deadlock_timeout = '1min'; BEGIN",
                "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
                "SELECT sum(deadlocks) FROM pg_stat_database",
            ),
        };
        let server = DatabaseServer::start(backend, Durability::Fast);
        if backend == Backend::PostgreSql {
            // weaved looks once, and the other one has to be there by then.
            server.run_sql(
                "GRANT SET ON PARAMETER deadlock_timeout TO sync;
                 ALTER ROLE sync SET deadlock_timeout = '15s'",
            );
        }
        // Nobody gives up for want of time, however busy the machine is.
        let stage = Stage::before(Arc::clone(&server), "60");
        stage.database.run_sql("CREATE TABLE ballast (a INT)");
        let user = stage.site.user();
        user.put("storage/c/i", r#"{"payload":"before"}"#).written();
        let mut other = stage.database.hold(&format!(
            "{begin}; SELECT id FROM wbo WHERE id = 'i' FOR UPDATE"
        ));
        thread::scope(|scope| {
            let write = scope.spawn(|| user.put("storage/c/i", r#"{"payload":"after"}"#));
            await_that(|| server.run_sql(waiting) == "1\n");
            other.go_on("SELECT userid FROM weaved_users FOR UPDATE");
            // It was not the other one who gave way.
            await_that(|| server.run_sql(deadlocks) == "1\n");
            drop(other);
            write.join().unwrap().written();
        });
        let record = user.get("storage/c/i").ok().json();
        assert_eq!(record["payload"], json!("after"));
    }
}
