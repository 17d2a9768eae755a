//! A write that was answered is there, whatever happens to the program after it.
//!
//! Writers load a server through FastCGI; in the middle of it the process is killed, and another
//! one opens what is left. design.md, "Durable means durable".

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;

    use serde_json::Value;
    use serde_json::json;

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
        let home = Home::new();
        let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
        let site = Site::in_home(home.clone(), Way::FastCgi, |options| options);
        // Two writers share an account.
        let accounts: Vec<(String, String)> = (0..WRITERS / 2)
            .map(|_| site.user())
            .map(|user| (user.email, user.password))
            .collect();
        drop(site);
        for round in 0..ROUNDS {
            let site = Site::in_home(home.clone(), Way::FastCgi, |options| options);
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
            is_sound(&home);
        }
        let site = Site::in_home(home, Way::FastCgi, |options| options);
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

    /// SQLite finds nothing wrong with the file.
    fn is_sound(home: &Home) {
        let database = rusqlite::Connection::open(home.database()).unwrap();
        let verdict: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
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
