//! Devices that follow an account miss no record, and none writes over what it has not seen.
//!
//! Writers write, readers ask for what is newer than the last answer told them. Desktop browsers
//! go on from the newest record that they saw, Android from the `X-Weave-Timestamp` of their last
//! download alone: design.md, "X-Weave-Timestamp is a promise".

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;

    use serde_json::Value;
    use serde_json::json;

    use crate::suite::Home;
    use crate::suite::Kind;
    use crate::suite::Options;
    use crate::suite::Site;
    use crate::suite::Time;
    use crate::suite::User;
    use crate::suite::Way;

    const WRITERS: usize = 4;
    const READERS: usize = 4;
    const WRITES: usize = 120;
    /// By each writer.
    const STEPS: usize = 40;

    /// What a reader takes as its next `newer`.
    #[derive(Clone, Copy, Debug)]
    enum Habit {
        /// `X-Weave-Timestamp` of the answer.
        Header,
        /// The greatest `modified` in the answer.
        Newest,
    }

    #[test]
    fn nobody_misses_a_record_of_one_server() {
        let site = Site::in_home(Home::new(), Way::FastCgi, |options| options);
        let user = site.user();
        follow(&[&user, &user]);
    }

    /// Two processes share the file, as they do under a process manager.
    #[test]
    fn nobody_misses_a_record_of_two_servers() {
        two_doors(&Home::new(), |options| options, follow);
    }

    #[test]
    fn nobody_misses_a_record_on_mariadb() {
        two_doors(&Home::on(Kind::MARIADB), three_processes, follow);
    }

    #[test]
    fn nobody_misses_a_record_on_postgresql() {
        two_doors(&Home::on(Kind::POSTGRESQL), three_processes, follow);
    }

    #[test]
    fn no_stale_write_is_accepted_by_two_servers() {
        two_doors(&Home::new(), |options| options, count_up);
    }

    #[test]
    fn no_stale_write_is_accepted_on_mariadb() {
        two_doors(&Home::on(Kind::MARIADB), three_processes, count_up);
    }

    #[test]
    fn no_stale_write_is_accepted_on_postgresql() {
        two_doors(&Home::on(Kind::POSTGRESQL), three_processes, count_up);
    }

    /// Each of two machines.
    fn three_processes(options: Options) -> Options {
        let threads = 4;
        Options { threads, ..options }.server("processes", "3")
    }

    /// An account by way of two servers that share its database.
    fn two_doors(home: &Home, set: fn(Options) -> Options, work: fn(&[&User<'_>; 2])) {
        let first = Site::in_home(home.clone(), Way::FastCgi, set);
        let second = Site::in_home(home.elsewhere(), Way::FastCgi, set);
        let user = first.user();
        let same = User::named(&second, &user.email, &user.password);
        work(&[&user, &same]);
    }

    /// Devices that each read a number and write the next one, if nothing came between. Were one
    /// stale write accepted, the number would come out too small.
    fn count_up(doors: &[&User<'_>; 2]) {
        doors[0]
            .put("storage/c/number", r#"{"payload":"0"}"#)
            .written();
        thread::scope(|scope| {
            for number in 0..WRITERS {
                let door = doors[number % 2];
                scope.spawn(move || {
                    let mut left = STEPS;
                    while left > 0 {
                        left -= usize::from(steps_up(door));
                    }
                });
            }
        });
        let record = doors[1].get("storage/c/number").ok().json();
        assert_eq!(record["payload"], (WRITERS * STEPS).to_string());
    }

    /// Whether nothing came between.
    fn steps_up(user: &User<'_>) -> bool {
        let record = user.get("storage/c/number").ok().json();
        let next = record["payload"]
            .as_str()
            .unwrap()
            .parse::<usize>()
            .unwrap()
            + 1;
        let since = Time::from_json(&record["modified"]).unwrap();
        let body = json!({"payload": next.to_string()}).to_string();
        let call = user.storage("PUT", "storage/c/number");
        let reply = call
            .header("X-If-Unmodified-Since", since)
            .body(body)
            .send();
        if reply.status() == 412 {
            return false;
        }
        reply.ok();
        true
    }

    /// Half of the writers and readers use one of two doors to the same account.
    fn follow(doors: &[&User<'_>; 2]) {
        let writing = AtomicUsize::new(WRITERS);
        thread::scope(|scope| {
            for number in 0..WRITERS {
                let (door, writing) = (doors[number % 2], &writing);
                scope.spawn(move || {
                    // Also when it fails, so that readers end.
                    let _done = Done(writing);
                    write(number, door);
                });
            }
            for number in 0..READERS {
                let (door, writing) = (doors[number % 2], &writing);
                let habit = if number < READERS / 2 {
                    Habit::Header
                } else {
                    Habit::Newest
                };
                scope.spawn(move || read(door, habit, writing));
            }
        });
    }

    struct Done<'a>(&'a AtomicUsize);

    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// New records, and every fifth time another version of an old one.
    fn write(writer: usize, user: &User<'_>) {
        let mut last = Time(0);
        for number in 0..WRITES {
            let id = |number: usize| format!("{writer}-{number}");
            let time = if number.is_multiple_of(3) {
                let body = json!([
                    {"id": id(number), "payload": "0"},
                    {"id": id(number - number / 5), "payload": number.to_string()},
                ]);
                user.post("storage/c", body.to_string()).ok().time()
            } else {
                user.put(&format!("storage/c/{}", id(number)), r#"{"payload":"0"}"#)
                    .written()
            };
            assert!(time > last, "{time} after {last}");
            last = time;
        }
    }

    fn read(user: &User<'_>, habit: Habit, writing: &AtomicUsize) {
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut newer = Time(0);
        loop {
            // Asked before the download: what was written before is in it.
            let last_round = writing.load(Ordering::SeqCst) == 0;
            let reply = user.get(&format!("storage/c?full=1&newer={newer}"));
            let records = reply.ok().json();
            let mut newest = newer;
            for record in records.as_array().unwrap() {
                let time = Time::from_json(&record["modified"]).unwrap();
                assert!(time > newer, "{record} is not newer than {newer}");
                newest = newest.max(time);
                seen.insert(record["id"].as_str().unwrap().to_owned(), record.clone());
            }
            newer = match habit {
                Habit::Header => reply.time(),
                Habit::Newest => newest,
            };
            if last_round {
                break;
            }
        }
        let all = user.get("storage/c?full=1").ok().json();
        let all: BTreeMap<String, Value> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|record| (record["id"].as_str().unwrap().to_owned(), record.clone()))
            .collect();
        assert_eq!(all.len(), WRITERS * WRITES);
        let missed: Vec<&Value> = all
            .iter()
            .filter(|(id, record)| seen.get(*id) != Some(record))
            .map(|(_, r)| r)
            .collect();
        assert!(missed.is_empty(), "{habit:?} missed {missed:#?}");
    }
}
