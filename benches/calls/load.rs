//! Threads that ask one server for a while, each on a connection of its own.

use std::io;
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::fastcgi;
use crate::http;
use crate::process;
use crate::process::Process;
use crate::request::Request;
use crate::request::Template;
use crate::site::Account;
use crate::site::Site;
use crate::site::Target;

/// How to ask.
pub(crate) struct Load<'a> {
    pub(crate) site: &'a Site,
    pub(crate) target: &'a Target<'a>,
}

/// What one round came to.
pub(crate) struct Round {
    /// How long each request took, shortest first.
    pub(crate) times: Vec<Duration>,
    /// How long the round took.
    pub(crate) elapsed: Duration,
    /// The CPU time of the responder.
    pub(crate) cpu: Option<Duration>,
    /// The CPU time of the web server before it.
    pub(crate) web_cpu: Option<Duration>,
    /// The CPU time of the database server behind it.
    pub(crate) database_cpu: Option<Duration>,
    /// The CPU time of whoever asked.
    pub(crate) load_cpu: Option<Duration>,
}

impl Round {
    /// One of which nothing but times is known.
    pub(crate) fn of(mut times: Vec<Duration>, elapsed: Duration) -> Self {
        times.sort_unstable();
        Self {
            times,
            elapsed,
            cpu: None,
            web_cpu: None,
            database_cpu: None,
            load_cpu: None,
        }
    }
}

/// What one thread did.
struct Done {
    times: Vec<Duration>,
    end: Instant,
}

impl Load<'_> {
    /// Asks for so long.
    pub(crate) fn run(&self, duration: Duration) -> io::Result<Round> {
        let ready = Barrier::new(self.target.via.connections + 1);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.target.via.connections)
                .map(|connection| {
                    let ready = &ready;
                    scope.spawn(move || self.ask(duration, connection, ready))
                })
                .collect();
            ready.wait();
            self.measured(|begin| {
                let mut all = Done {
                    times: Vec::new(),
                    end: begin,
                };
                for thread in threads {
                    let done = thread
                        .join()
                        .unwrap_or_else(|_| Err(io::Error::other("panic")))?;
                    all.times.extend(done.times);
                    all.end = all.end.max(done.end);
                }
                Ok(all)
            })
        })
    }

    /// Makes all requests of the workload once, as the nth account.
    pub(crate) fn lap(&self, nth: usize) -> io::Result<Round> {
        let account = Account(nth);
        let mut client = Client::new(self.target, true);
        let mut login = Request::get("info/collections").by(account).http();
        client.ask(login.numbered(0))?;
        let requests = self.site.workload.requests().into_iter();
        let mut script: Vec<Template> = requests.map(|one| one.by(account).http()).collect();
        self.measured(|begin| {
            let mut times = Vec::new();
            let mut end = begin;
            for (number, template) in (0..).zip(&mut script) {
                client.ask(template.numbered(number))?;
                let now = Instant::now();
                times.push(now - end);
                end = now;
            }
            Ok(Done { times, end })
        })
    }

    fn measured(&self, work: impl FnOnce(Instant) -> io::Result<Done>) -> io::Result<Round> {
        let cpu = Cpu::now(self.target);
        let begin = Instant::now();
        let done = work(begin)?;
        let used = Cpu::now(self.target);
        Ok(Round {
            cpu: since(cpu.responder, used.responder),
            web_cpu: since(cpu.web, used.web),
            database_cpu: since(cpu.database, used.database),
            load_cpu: since(cpu.load, used.load),
            ..Round::of(done.times, done.end - begin)
        })
    }

    /// One thread: a first request that does not count, then as many as fit.
    fn ask(&self, duration: Duration, connection: usize, ready: &Barrier) -> io::Result<Done> {
        let mut client = Client::new(self.target, false);
        let mut script = self.site.script(self.target.via, connection);
        let mut place = 0;
        let mut next = || {
            let nth = self.site.asked.fetch_add(1, Ordering::Relaxed);
            let count = script.len();
            if let Some(template) = script.get_mut(place % count) {
                let request = template.numbered(self.site.workload.number(nth));
                let came = client.ask(request)?;
                if came < self.site.shortest {
                    let text = format!("{came} bytes came instead of {}", self.site.shortest);
                    return Err(io::Error::other(text));
                }
            }
            place += 1;
            Ok(())
        };
        let first = next();
        // Everybody waits for everybody, also who has failed.
        ready.wait();
        first?;
        let begin = Instant::now();
        let mut now = begin;
        let mut times = Vec::new();
        while now - begin < duration {
            next()?;
            let then = Instant::now();
            times.push(then - now);
            now = then;
        }
        Ok(Done { times, end: now })
    }
}

/// The CPU times of a target's processes so far.
struct Cpu {
    responder: Option<Duration>,
    web: Option<Duration>,
    database: Option<Duration>,
    load: Option<Duration>,
}

impl Cpu {
    fn now(target: &Target<'_>) -> Self {
        Self {
            responder: target.responder.cpu(),
            web: target.web.and_then(Process::cpu),
            database: target.database.and_then(process::cpu),
            load: process::own_cpu(),
        }
    }
}

pub(crate) fn since(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    let (before, after) = before.zip(after)?;
    Some(after.saturating_sub(before))
}

/// A connection's maker, of either kind.
enum Client {
    FastCgi(fastcgi::Client),
    Http(http::Client),
}

impl Client {
    fn new(target: &Target<'_>, may_miss: bool) -> Self {
        match target.web {
            None => Self::FastCgi(fastcgi::Client::new(target.address)),
            Some(_) => Self::Http(http::Client::new(target.address, may_miss)),
        }
    }

    fn ask(&mut self, request: &[u8]) -> io::Result<usize> {
        match self {
            Self::FastCgi(client) => client.ask(request),
            Self::Http(client) => client.ask(request),
        }
    }
}
