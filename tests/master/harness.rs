//! Servers with several workers, load on them, and locks that make requests slow.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;

use crate::suite::Home;
use crate::suite::HttpResponse;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::Weaved;

/// Longer than anything takes, also on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Lines that begin with the process that wrote them; with `debug`, one a request.
pub(crate) const WITH_PROCESS: &str = "\
[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = INFO
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic

[formatter_generic]
format = %(process)d: %(message)s
";

/// A FastCGI site whose server has so many workers.
pub(crate) fn site(workers: usize) -> Site {
    site_with(workers, |options| options)
}

/// The same with other options.
pub(crate) fn site_with(workers: usize, set: impl FnOnce(Options) -> Options) -> Site {
    let site = Site::in_home(Home::new(), Way::FastCgi, |mut options| {
        options.ini = WITH_PROCESS;
        let options = options.server("processes", &workers.to_string());
        set(options.server("debug", "true"))
    });
    serve(site.weaved(), workers);
    site
}

/// Waits until so many workers have said that they serve, since the start.
#[track_caller]
pub(crate) fn serve(weaved: &Weaved, workers: usize) {
    weaved.log().wait_for_count("serves: serving=", workers);
}

/// Waits for something that no line of the log tells.
#[track_caller]
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LONG, "{what}: not within {LONG:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until none of these processes is left.
///
/// The kernel closes what a process had open a moment before it calls it ended, so that whoever
/// has seen the former can still find the process.
#[track_caller]
pub(crate) fn wait_for_end_of(processes: &[u32]) {
    eventually("the end of processes", || {
        !processes.iter().any(|&process| lives(process))
    });
}

/// The process that wrote the line of a request to this path.
#[track_caller]
pub(crate) fn answered_by(weaved: &Weaved, path: &str) -> u32 {
    let line = weaved.log().wait_for(|line| {
        let (process, rest) = line.split_once(": ")?;
        rest.contains(path).then(|| process.parse().unwrap())
    });
    line.unwrap()
}

/// How many clients there are, each with one request at a time.
const CLIENTS: usize = 6;

/// Lets clients ask while `work` runs and until they have asked `least` times; says how often
/// they were answered. Not one of them may get anything but a 200.
#[track_caller]
pub(crate) fn under_load(user: &User<'_>, least: usize, work: impl FnOnce(&AtomicUsize)) -> usize {
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (answered, over, failures) = (&answered, &over, &failures);
            scope.spawn(move || {
                let transport = user.site.weaved().direct();
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let path = format!("storage/load/c{client}");
                    let request = if number % 16 == 0 {
                        let body = format!(r#"{{"payload":"{number}"}}"#);
                        user.storage("PUT", &path).body(body).request
                    } else {
                        user.storage("GET", "info/collections").request
                    };
                    match transport.exchange(&request) {
                        Ok(HttpResponse { status: 200, .. }) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(other) => failures.lock().unwrap().push(other.text()),
                        Err(error) => failures.lock().unwrap().push(error.to_string()),
                    }
                }
            });
        }
        work(&answered);
        eventually("enough requests", || {
            answered.load(Ordering::Relaxed) >= least || !failures.lock().unwrap().is_empty()
        });
        over.store(true, Ordering::Relaxed);
    });
    let failures = failures.into_inner().unwrap();
    let log = user.site.log().tail();
    assert!(failures.is_empty(), "{failures:?}\n{log}");
    answered.into_inner()
}

/// Holds SQLite's write lock: writes wait until this is dropped.
pub(crate) struct Lock(Connection);

impl Lock {
    pub(crate) fn of(home: &Home) -> Self {
        let database = Connection::open(home.database()).unwrap();
        database.busy_timeout(LONG).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(database)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

/// Whether a process is there, and no zombie.
pub(crate) fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}
