//! The threads of a server: as many workers as asked for, one housekeeper, and their end.
//!
//! [`Server::run`] holds the listening socket; workers borrow it for one `accept` at a time. At
//! a stop it lets go: the socket's file is removed at once, the socket is closed within a tick,
//! and running requests have [`Options::drain`] to finish. Threads that do not are left behind,
//! for the process to end with them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::gateway::Connection;

use super::Handler;
use super::Listener;
use super::Options;
use super::Pulse;
use super::Stop;
use super::panics;
use super::sparing::Sparing;
use super::wire;
use super::worker;

/// How long a worker pauses when it cannot accept.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Makes the gateway's side of a new connection.
pub type Connections = Arc<dyn Fn() -> Box<dyn Connection> + Send + Sync>;

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listening socket could not be prepared.
    #[error("cannot use the listening socket")]
    Listener(#[source] io::Error),
    /// Not a single thread could be started.
    #[error("cannot start threads")]
    Thread(#[source] io::Error),
}

/// A server: where it listens, what it speaks, who answers, and how.
pub struct Server {
    /// Where connections come from.
    pub listener: Listener,
    /// What is spoken on them.
    pub connections: Connections,
    /// Who answers the requests.
    pub handler: Arc<dyn Handler>,
    /// Everything else.
    pub options: Options,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.listener)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Serves until `stop`, then lets running requests finish, within the time that
    /// [`Options::drain`] gives them.
    ///
    /// # Errors
    ///
    /// [`ServeError`], before the first connection is accepted and never later.
    pub fn run(self, stop: &Stop) -> Result<(), ServeError> {
        self.run_watched(stop, &Pulse::default(), || {})
    }

    /// Serves as [`run`](Self::run) does; `pulse` shows how it is, and `ready` is called when
    /// connections are accepted.
    ///
    /// # Errors
    ///
    /// As for `run`.
    pub fn run_watched(
        self,
        stop: &Stop,
        pulse: &Pulse,
        ready: impl FnOnce(),
    ) -> Result<(), ServeError> {
        let listener = Arc::new(self.listener);
        let options = self.options.bounded();
        listener
            .set_patience(options.tick)
            .map_err(ServeError::Listener)?;
        let shared = Arc::new(Shared {
            accept_failures: Sparing::default(),
            accepted: AtomicU64::new(0),
            alive: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            connections: self.connections,
            handler: self.handler,
            listener: Arc::downgrade(&listener),
            options,
            over: AtomicBool::new(false),
            pulse: pulse.clone(),
            refusals: Sparing::default(),
            running: AtomicUsize::new(0),
            slow: Sparing::default(),
            stop: stop.clone(),
            waiting: AtomicUsize::new(0),
            yielded: AtomicU64::new(u64::MAX),
        });
        start(&shared)?;
        ready();
        stop.wait(None, || stop.is_stopping());
        listener.unlink();
        drop(listener);
        shared.drain();
        Ok(())
    }
}

/// What all threads of a server share.
pub(super) struct Shared {
    /// The line about accepts that fail.
    pub(super) accept_failures: Sparing,
    /// Connections accepted since the start.
    pub(super) accepted: AtomicU64,
    /// Threads that have not ended.
    alive: AtomicUsize,
    /// Requests begun since the start.
    pub(super) begun: AtomicU64,
    pub(super) connections: Connections,
    pub(super) handler: Arc<dyn Handler>,
    /// Gone once the server stops.
    pub(super) listener: Weak<Listener>,
    pub(super) options: Options,
    /// Whether the time for running requests is over.
    over: AtomicBool,
    /// What the threads are at.
    pub(super) pulse: Pulse,
    /// The line about peers that may not connect.
    pub(super) refusals: Sparing,
    /// Requests that are being answered.
    pub(super) running: AtomicUsize,
    /// The line about slow peers that gave way.
    slow: Sparing,
    pub(super) stop: Stop,
    /// Workers in `accept`.
    pub(super) waiting: AtomicUsize,
    /// What `accepted` was when a slow peer gave way last.
    yielded: AtomicU64,
}

impl Shared {
    /// If somebody queues and no thread is there to accept: how many connections were accepted.
    pub(super) fn crowd(&self) -> Option<u64> {
        let listener = self.listener.upgrade()?;
        let queue = self.waiting.load(Ordering::Acquire) == 0
            && wire::readable(listener.socket(), Duration::ZERO).unwrap_or(false);
        queue.then(|| self.accepted.load(Ordering::Acquire))
    }

    /// Whether anybody queues, if only for the moment in which a thread accepts: behind that one
    /// there may be many.
    pub(super) fn is_queued(&self) -> bool {
        self.listener.upgrade().is_some_and(|listener| {
            wire::readable(listener.socket(), Duration::ZERO).unwrap_or(false)
        })
    }

    /// Takes the turn of giving way; one slow peer has it for each connection that is accepted.
    pub(super) fn gives_way(&self, accepted: u64) -> bool {
        self.yielded.swap(accepted, Ordering::AcqRel) != accepted
    }

    /// Tells of a slow peer that gave way; `what` it was slow in.
    pub(super) fn tell_of_slow(&self, what: &str) {
        if let Some(left_out) = self.slow.due(Instant::now()) {
            log::warn!(
                "all threads were busy, and a slow peer gave way to one that queued; slow in: \
                 {what} left_out={left_out}"
            );
        }
    }

    /// Whether nobody is to be accepted any more.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_stopping()
    }

    /// Whether nobody is to be waited for any more.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire) || self.stop.is_at_once()
    }

    /// Waits for the threads' end, as long as the options and the stop allow.
    fn drain(&self) {
        let gone = || self.alive.load(Ordering::Acquire) == 0;
        let until = Instant::now() + self.options.drain;
        self.stop
            .wait(Some(until), || gone() || self.stop.is_at_once());
        self.over.store(true, Ordering::Release);
        // Those that wait for a peer notice it within a tick.
        let until = Instant::now() + self.options.tick * 2;
        self.stop
            .wait(Some(until), || gone() || self.stop.is_at_once());
        let left = self.alive.load(Ordering::Acquire);
        if left > 0 {
            log::warn!("gave up waiting for busy threads: threads={left}");
        }
    }
}

/// Counts a thread as alive, however it ends.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::AcqRel);
        self.0.stop.ring();
    }
}

/// Starts the threads; fewer workers than asked for are better than none.
fn start(shared: &Arc<Shared>) -> Result<(), ServeError> {
    for number in 1..=shared.options.threads {
        if let Err(error) = spawn(shared, format!("weaved-{number}"), worker::work) {
            if number == 1 {
                return Err(ServeError::Thread(error));
            }
            log::warn!(
                "cannot start as many threads as configured: threads={} {error}",
                number - 1
            );
            break;
        }
    }
    if let Err(error) = spawn(shared, "weaved-quiet".to_owned(), keep_house) {
        log::warn!("cannot start the housekeeping thread: {error}");
    }
    Ok(())
}

fn spawn(shared: &Arc<Shared>, name: String, work: fn(&Shared)) -> io::Result<()> {
    shared.alive.fetch_add(1, Ordering::AcqRel);
    // Made here, so that a thread that cannot start is not counted either.
    let alive = Alive(Arc::clone(shared));
    thread::Builder::new()
        .name(name)
        .spawn(move || work(&alive.0))?;
    Ok(())
}

/// How long the quiet work waits for a quiet moment before it is done all the same.
const NEVER_QUIET: Duration = Duration::from_secs(60 * 60);

/// Calls the handler's quiet work whenever no request ran for a while, or not at all for long,
/// and what it has to do at the end.
fn keep_house(shared: &Shared) {
    let place = shared.pulse.place();
    let mut seen = 0;
    let mut called = Instant::now();
    loop {
        let until = Instant::now() + shared.options.quiet;
        shared.stop.wait(Some(until), || shared.is_stopping());
        if shared.is_stopping() {
            panics::contain("the work at the end", || shared.handler.ending());
            return;
        }
        let begun = shared.begun.load(Ordering::Acquire);
        let quiet = shared.running.load(Ordering::Acquire) == 0 && begun == seen;
        if quiet || called.elapsed() >= NEVER_QUIET {
            called = Instant::now();
            let _working = place.work();
            panics::contain("the quiet work", || shared.handler.quiet());
        }
        seen = begun;
    }
}
