//! Processes of weaved that a web server or spawn-fcgi starts: as many as asked for, one that is
//! killed is missed by nobody, and none stays behind.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    use rustix::process::Pid;
    use rustix::process::Signal;
    use rustix::process::kill_process;
    use serde_json::json;

    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::Way;
    use crate::suite::ended_within;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn lighttpd_starts_two_and_ends_them() {
        are_started_and_ended(Way::LighttpdBinPath, 2);
    }

    #[test]
    fn spawn_fcgi_starts_three_and_the_script_ends_them() {
        are_started_and_ended(Way::LighttpdSpawnFcgi, 3);
    }

    fn are_started_and_ended(way: Way, processes: usize) {
        let site = Site::private(way, Setup::Plain);
        write_and_read(&site, "c");
        let home = site.home().clone();
        let started = processes_in(home.path());
        assert_eq!(started.len(), processes, "{started:?}");
        drop(site);
        for pid in started {
            assert!(ended_within(PATIENCE, pid), "{pid:?} stayed behind");
        }
    }

    #[test]
    fn lighttpd_replaces_one_that_is_killed() {
        let site = Site::private(Way::LighttpdBinPath, Setup::Plain);
        loses_one_and_serves(&site);
        // lighttpd looks after its children once a second.
        let until = Instant::now() + PATIENCE;
        while processes_in(site.home().path()).len() < 2 {
            assert!(Instant::now() < until, "nobody came in its place");
            thread::sleep(Duration::from_millis(20));
        }
        write_and_read(&site, "later");
    }

    #[test]
    fn the_others_of_spawn_fcgi_serve_on_when_one_is_killed() {
        let site = Site::private(Way::LighttpdSpawnFcgi, Setup::Plain);
        loses_one_and_serves(&site);
    }

    fn loses_one_and_serves(site: &Site) {
        write_and_read(site, "before");
        let victim = *processes_in(site.home().path()).first().unwrap();
        kill_process(victim, Signal::KILL).unwrap();
        assert!(ended_within(PATIENCE, victim));
        for n in 0..20 {
            write_and_read(site, &format!("after{n}"));
        }
    }

    /// All write to one SQLite file; nobody is told to come again.
    #[test]
    fn several_processes_take_writers_in_turn() {
        for way in [Way::LighttpdBinPath, Way::LighttpdSpawnFcgi] {
            let site = Site::private(way, Setup::Plain);
            let user = site.user();
            thread::scope(|scope| {
                for writer in 0..8 {
                    let user = &user;
                    scope.spawn(move || {
                        for n in 0..20 {
                            let path = format!("storage/c/{writer}-{n}");
                            user.put(&path, r#"{"payload":"x"}"#).written();
                        }
                    });
                }
            });
            let counts = user.get("info/collection_counts");
            counts.answers(json!({"c": 160}));
        }
    }

    fn write_and_read(site: &Site, id: &str) {
        let user = site.user();
        user.put(&format!("storage/c/{id}"), r#"{"payload":"x"}"#)
            .written();
        user.get("storage/c").lists(&[id]);
    }

    /// The processes whose command line names something in `folder`, without shells, which are
    /// wardens.
    fn processes_in(folder: &Path) -> Vec<Pid> {
        let folder = folder.to_string_lossy();
        let mut found = BTreeSet::new();
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(pid) = name.parse().ok() else {
                continue;
            };
            // Gone again: not one of those we wait for.
            let line = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
            let words: Vec<&str> = line.split('\0').collect();
            let serves = words.get(1) == Some(&"serve");
            if serves && words.iter().any(|word| word.starts_with(&*folder)) {
                found.insert(pid);
            }
        }
        found.into_iter().filter_map(Pid::from_raw).collect()
    }
}
