//! What is Apache's own: its process manager and its kept connections.
//!
//! The tables and a client's life run over each of Apache's modules in `tests/conformance.rs` and
//! `tests/life.rs`.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    use rusqlite::Connection;
    use rustix::process::Pid;
    use rustix::process::Signal;

    use crate::suite::Behind;
    use crate::suite::Gateway;
    use crate::suite::Options;
    use crate::suite::PREFIX;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::Time;
    use crate::suite::Way;
    use crate::suite::Weaved;
    use crate::suite::apache;
    use crate::suite::lives_a_little;
    use crate::suite::shipped;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn the_complete_server_at_a_prefix() {
        let weaved = Weaved::start(Options::new(Gateway::Fcgi, PREFIX));
        let front = apache::complete(weaved.endpoint(), PREFIX);
        lives_a_little(&front.client(), &front.url());
    }

    #[test]
    fn the_complete_server_at_the_root() {
        let weaved = Weaved::start(Options::new(Gateway::Fcgi, ""));
        let front = apache::complete(weaved.endpoint(), "");
        lives_a_little(&front.client(), &front.url());
    }

    /// The files of the example, in which nothing but the folders was changed.
    #[test]
    fn the_example_on_one_machine() {
        let home = tempfile::tempdir().unwrap();
        let here = home.path().display().to_string();
        for name in ["development.ini", "sync.conf"] {
            let example = shipped("examples/apache-mod_fcgid").join(name);
            let text = fs::read_to_string(example).unwrap();
            let text = text.replace("/var/lib/weaved", &here);
            fs::write(home.path().join(name), text).unwrap();
        }
        let ini = home.path().join("development.ini");
        let name = "apache/conf-available/weaved-fcgid.conf";
        let front = apache::with_snippet(name, &Behind::Started(&ini), PREFIX);
        lives_a_little(&front.client(), "https://www.yourserver.net/yourpath/");
    }

    /// mod_fcgid starts a process for each request that finds no idle one: many processes write
    /// to one SQLite file, and have made it at the same moment.
    #[test]
    fn many_processes_write_to_one_file() {
        let site = Site::private(Way::ApacheFcgid, Setup::Plain);
        let user = site.user();
        let times = Mutex::new(Vec::<Time>::new());
        write_in(12, |writer| {
            for n in 0..20 {
                let path = format!("storage/c/{writer}-{n}");
                let time = user.put(&path, r#"{"payload":"x"}"#).written();
                times.lock().unwrap().push(time);
            }
        });
        let mut times = times.into_inner().unwrap();
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 240, "as many times as writes");
        assert_eq!(user.get("storage/c").ids().len(), 240);
        let started = site.log().text().matches(" serving on ").count();
        assert!(started > 1, "{started} process");
    }

    /// TERM, and KILL for who stays: nobody has to be killed, and what was acknowledged is there.
    #[test]
    fn a_stop_is_clean_also_under_load() {
        let site = Site::private(Way::ApacheFcgid, Setup::Plain);
        let user = site.user();
        let (acknowledged, begun) = (Mutex::new(BTreeSet::new()), AtomicUsize::new(0));
        thread::scope(|scope| {
            for writer in 0..4 {
                let (site, user) = (&site, &user);
                let (acknowledged, begun) = (&acknowledged, &begun);
                scope.spawn(move || {
                    for n in 0.. {
                        let id = format!("{writer}-{n}");
                        let call = user.storage("PUT", &format!("storage/c/{id}"));
                        let call = call.body(r#"{"payload":"x"}"#);
                        begun.fetch_add(1, Ordering::Relaxed);
                        match site.transport().exchange(&call.request) {
                            Ok(response) if response.status == 200 => {
                                acknowledged.lock().unwrap().insert(id);
                            }
                            // The server is going, or gone.
                            _ => break,
                        }
                    }
                });
            }
            await_count(&begun, 200);
            site.front().signal(Signal::TERM);
        });
        site.log().wait_for_end();
        let log = site.log().text();
        assert!(!log.contains("graceful kill fail"), "{log}");
        let ends = "exit(shutting down), terminated by calling exit(), return code: 0";
        let started = log.matches(" serving on ").count();
        assert_eq!(log.matches(ends).count(), started, "{log}");
        let acknowledged = acknowledged.into_inner().unwrap();
        assert!(acknowledged.len() > 100, "{}", acknowledged.len());
        let database = Connection::open(site.home().database()).unwrap();
        let mut select = database.prepare("SELECT id FROM wbo").unwrap();
        let ids = select.query_map([], |row| row.get(0)).unwrap();
        let stored: BTreeSet<String> = ids.map(Result::unwrap).collect();
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn a_killed_process_costs_one_request_at_most() {
        let site = Site::private(Way::ApacheFcgid, Setup::Plain);
        let user = site.user();
        user.put("storage/c/i", r#"{"payload":"x"}"#).written();
        for process in processes(&site) {
            rustix::process::kill_process(process, Signal::KILL).unwrap();
        }
        let until = Instant::now() + PATIENCE;
        while !processes(&site).is_empty() {
            assert!(Instant::now() < until, "they do not end");
            thread::yield_now();
        }
        let call = user.storage("GET", "storage/c/i");
        // Apache's own 500, if it met the socket of a process that was about to vanish.
        let failed = (0..50).take_while(|_| site.transport().send(&call.request).status != 200);
        assert!(failed.count() <= 1);
        call.send().ok();
    }

    /// More clients than threads. As many connections as the shipped file keeps never fill the
    /// threads, so that none has to be closed under a request.
    #[test]
    fn kept_connections_serve_a_crowd() {
        for way in [
            Way::ApacheProxyFastCgiReuse,
            Way::ApacheProxyFastCgiReuseRoot,
        ] {
            let site = Site::private(way, Setup::Plain);
            let user = site.user();
            user.put("storage/c/i", r#"{"payload":"x"}"#).written();
            write_in(48, |_| {
                for _ in 0..40 {
                    user.get("storage/c/i").ok();
                }
            });
        }
    }

    fn write_in(threads: usize, work: impl Fn(usize) + Sync) {
        thread::scope(|scope| {
            for number in 0..threads {
                let work = &work;
                scope.spawn(move || work(number));
            }
        });
    }

    #[track_caller]
    fn await_count(count: &AtomicUsize, enough: usize) {
        let until = Instant::now() + PATIENCE;
        while count.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < until, "nobody is served any more");
            thread::yield_now();
        }
    }

    /// The processes that Apache has started for this site.
    fn processes(site: &Site) -> Vec<Pid> {
        let ini = site.home().path().join("development.ini");
        let ini = ini.into_os_string().into_encoded_bytes();
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let folder = entry.ok()?.path();
            let command = fs::read(folder.join("cmdline")).ok()?;
            let serves = command.split(|byte| *byte == 0).any(|word| word == ini);
            let process = folder.file_name()?.to_str()?.parse().ok()?;
            Pid::from_raw(process).filter(|_| serves)
        });
        processes.collect()
    }
}
