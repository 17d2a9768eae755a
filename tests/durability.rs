//! A write that was answered is there, whatever happens to the program after it.
//!
//! Writers load a server through FastCGI; in the middle of it the process is killed, and another
//! one opens what is left; or the database server is killed, and started again under the same
//! process. design.md, "Durable means durable".

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    use serde_json::Value;
    use serde_json::json;

    use crate::suite::Backend;
    use crate::suite::DatabaseServer;
    use crate::suite::Durability;
    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::HttpRequest;
    use crate::suite::Options;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::Time;
    use crate::suite::User;
    use crate::suite::Way;
    use crate::suite::Weaved;

    const ROUNDS: usize = 5;
    const WRITERS: usize = 8;
    /// Each writer overwrites so many records, over and over.
    const RECORDS: usize = 10;
    /// So many answered writes, then the end.
    const WRITES: usize = 300;

    /// Longer than a database takes to come back, and what was put off is done.
    const PATIENCE: Duration = Duration::from_secs(120);

    /// What one writer knows of one of its records.
    #[derive(Clone, Copy, Debug, Default)]
    struct Known {
        /// The number in the last write that was answered.
        answered: usize,
        /// The number in the last write that was sent.
        sent: usize,
    }

    #[derive(Debug, Default)]
    struct Writer {
        records: [Known; RECORDS],
        writes: usize,
        last: Option<Time>,
    }

    impl Writer {
        /// Writes until the server is gone.
        fn work(
            &mut self,
            number: usize,
            user: &User<'_>,
            server: &Weaved,
            answered: &AtomicUsize,
        ) {
            let transport = server.direct();
            loop {
                self.writes += 1;
                let slot = self.writes % RECORDS;
                self.records[slot].sent = self.writes;
                let request = request(number, slot, self.writes, user);
                let Ok(response) = transport.exchange(&request) else {
                    return;
                };
                // A refusal that came whole is a fault of the server, not of the kill.
                assert_eq!(response.status, 200, "{}", response.text());
                self.records[slot].answered = self.writes;
                self.last = response
                    .header("X-Weave-Timestamp")
                    .and_then(|time| time.parse().ok());
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One record by PUT, or the same by POST.
    fn request(writer: usize, slot: usize, number: usize, user: &User<'_>) -> HttpRequest {
        let id = format!("w{writer}-{slot}");
        let record = json!({"id": id, "payload": number.to_string(), "sortindex": number});
        if number.is_multiple_of(2) {
            let path = format!("storage/c/{id}");
            user.storage("PUT", &path).body(record.to_string()).request
        } else {
            let body = Value::from_iter([record]).to_string();
            user.storage("POST", "storage/c").body(body).request
        }
    }

    #[test]
    fn answered_writes_survive_a_kill() {
        survive_a_kill(&Home::new(), |options| options);
    }

    #[test]
    fn answered_writes_survive_a_kill_on_mariadb() {
        survive_a_kill(&Home::on(Backend::MariaDb), two_processes);
    }

    #[test]
    fn answered_writes_survive_a_kill_on_postgresql() {
        survive_a_kill(&Home::on(Backend::PostgreSql), two_processes);
    }

    fn two_processes(options: Options) -> Options {
        let threads = WRITERS / 2;
        Options { threads, ..options }.server("processes", "2")
    }

    fn survive_a_kill(home: &Home, set: fn(Options) -> Options) {
        let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
        let site = Site::in_home(home.clone(), Way::FastCgi, set);
        // Two writers share an account.
        let accounts: Vec<(String, String)> = (0..WRITERS / 2)
            .map(|_| site.user())
            .map(|user| (user.email, user.password))
            .collect();
        drop(site);
        for round in 0..ROUNDS {
            let site = Site::in_home(home.clone(), Way::FastCgi, set);
            let users: Vec<User<'_>> = accounts
                .iter()
                .map(|(email, password)| User::named(&site, email, password))
                .collect();
            has_kept_everything(&users, &writers, round);
            let answered = AtomicUsize::new(0);
            thread::scope(|scope| {
                for (number, writer) in writers.iter_mut().enumerate() {
                    let (user, answered) = (&users[number / 2], &answered);
                    let server = site.weaved();
                    scope.spawn(move || writer.work(number, user, server, answered));
                }
                while answered.load(Ordering::Relaxed) < WRITES {
                    thread::yield_now();
                }
                site.weaved().kill();
            });
            is_sound(home);
        }
        let site = Site::in_home(home.clone(), Way::FastCgi, set);
        let users: Vec<User<'_>> = accounts
            .iter()
            .map(|(email, password)| User::named(&site, email, password))
            .collect();
        has_kept_everything(&users, &writers, ROUNDS);
    }

    fn has_kept_everything(users: &[User<'_>], writers: &[Writer], round: usize) {
        for (user, pair) in users.iter().zip(writers.chunks(2)) {
            let reply = user.get("storage/c?full=1");
            let records = reply.ok().json();
            let stored = |id: &str| {
                let record = records
                    .as_array()?
                    .iter()
                    .find(|record| record["id"] == id)?;
                record["payload"].as_str()?.parse::<usize>().ok()
            };
            for writer in pair {
                let number = writers
                    .iter()
                    .position(|other| std::ptr::eq(other, writer))
                    .unwrap();
                for (slot, known) in writer.records.iter().enumerate() {
                    let id = format!("w{number}-{slot}");
                    let found = stored(&id).unwrap_or(0);
                    // What was sent and not answered may be there or not.
                    let allowed = known.answered..=known.sent;
                    assert!(
                        allowed.contains(&found),
                        "round {round}: {id} is {found}, not {known:?}"
                    );
                }
            }
            let last = pair.iter().filter_map(|writer| writer.last).max();
            let next = user.put("storage/probe/p", r#"{"payload":"x"}"#).written();
            assert!(
                Some(next) > last,
                "round {round}: {next} is not after {last:?}"
            );
        }
    }

    /// The database finds nothing wrong with itself, if it can look.
    fn is_sound(home: &Home) {
        let (look, verdict) = match home.backend() {
            None => ("PRAGMA integrity_check", "ok"),
            Some(Backend::MariaDb) => ("CHECK TABLE wbo EXTENDED", "OK"),
            Some(Backend::PostgreSql) => return,
        };
        let found = home.run_sql(look);
        assert!(found.trim().ends_with(verdict), "{found}");
    }

    #[test]
    fn answered_writes_survive_the_end_of_mariadb() {
        survive_the_end_of(Backend::MariaDb);
    }

    #[test]
    fn answered_writes_survive_the_end_of_postgresql() {
        survive_the_end_of(Backend::PostgreSql);
    }

    /// The database is killed under load and comes back, twice, under the same processes of
    /// weaved. Each write is a POST of two new records, of which never only one is stored; new,
    /// because a later write would hide what was lost.
    fn survive_the_end_of(backend: Backend) {
        const LOADS: usize = 2;

        let server = DatabaseServer::start(backend, Durability::Real);
        let home = Home::served(server.database("killed"));
        let site = Site::in_home(home.clone(), Way::FastCgi, |options| {
            two_processes(options).set("storage.pool_timeout", "3")
        });
        let workers = site.weaved().all_workers(2);
        let users: Vec<User<'_>> = (0..WRITERS / 2).map(|_| site.user()).collect();
        let mut kept: Vec<Vec<String>> = vec![Vec::new(); WRITERS];
        let (answered, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for (number, kept) in kept.iter_mut().enumerate() {
                let (user, answered, stop) = (&users[number / 2], &answered, &stop);
                scope.spawn(move || write_pairs(number, kept, user, answered, stop));
            }
            let _stop = Stop(&stop);
            for load in 1..=LOADS {
                await_writes(&answered, load * WRITES);
                server.kill();
                server.start_again();
                is_sound(&home);
            }
            await_writes(&answered, (LOADS + 1) * WRITES);
        });
        assert_eq!(site.weaved().all_workers(2), workers, "nobody started anew");
        for (user, kept) in users.iter().zip(kept.chunks(2)) {
            let stored: BTreeSet<String> = user.get("storage/c").ids().into_iter().collect();
            for id in kept.iter().flatten() {
                assert!(stored.contains(&format!("{id}-one")), "{id} is lost");
            }
            for id in &stored {
                let other = match id.strip_suffix("-one") {
                    Some(id) => format!("{id}-other"),
                    None => id.replace("-other", "-one"),
                };
                assert!(stored.contains(&other), "{id} without {other}");
            }
            let counts = user.get("info/collection_counts");
            counts.answers(json!({"c": stored.len()}));
        }
    }

    /// Ends the writers, also when something else has failed.
    struct Stop<'a>(&'a AtomicBool);

    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[track_caller]
    fn await_writes(answered: &AtomicUsize, wanted: usize) {
        let until = Instant::now() + PATIENCE;
        while answered.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < until, "{answered:?} of {wanted} writes");
            thread::yield_now();
        }
    }

    /// Stores two records at a time until it shall stop, and keeps in mind what was answered; the
    /// database may be away meanwhile.
    fn write_pairs(
        writer: usize,
        kept: &mut Vec<String>,
        user: &User<'_>,
        answered: &AtomicUsize,
        stop: &AtomicBool,
    ) {
        let mut number = 0;
        while !stop.load(Ordering::SeqCst) {
            number += 1;
            let id = format!("w{writer}-{number}");
            let pair = json!([
                {"id": format!("{id}-one"), "payload": "x"},
                {"id": format!("{id}-other"), "payload": "x"},
            ]);
            let reply = user.post("storage/c", pair.to_string());
            // With a Retry-After, as all replies of this kind.
            if reply.status() != 503 {
                reply.ok();
                kept.push(id);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// TERM while writers write: requests that were begun are answered, and the end is clean.
    #[test]
    fn a_stop_loses_nothing() {
        let site = Site::private(Way::FastCgi, Setup::Plain);
        let user = site.user();
        let mut writer = Writer::default();
        let answered = AtomicUsize::new(0);
        let status = thread::scope(|scope| {
            let (writer, user, answered) = (&mut writer, &user, &answered);
            let server = site.weaved();
            scope.spawn(move || writer.work(0, user, server, answered));
            while answered.load(Ordering::Relaxed) < 20 {
                thread::yield_now();
            }
            server.stop()
        });
        assert!(status.success(), "{status}");
        let options = Options::new(Gateway::Fcgi, "/yourpath");
        let server = Weaved::start_in(site.home().clone(), options);
        let request = user.storage("GET", "storage/c?full=1").request;
        let response = server.direct().send(&request);
        let records: Value = serde_json::from_slice(&response.body).unwrap();
        for (slot, known) in writer.records.iter().enumerate() {
            let id = format!("w0-{slot}");
            let mut all = records.as_array().unwrap().iter();
            let found = all
                .find(|record| record["id"] == *id)
                .map(|record| &record["payload"]);
            let found: usize = found
                .and_then(Value::as_str)
                .map_or(0, |text| text.parse().unwrap());
            assert!(
                (known.answered..=known.sent).contains(&found),
                "{id}: {found}, {known:?}"
            );
        }
    }
}
