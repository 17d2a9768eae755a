//! The wish to stop, shared by all who must hear of it.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::time::Instant;

const RUNNING: u8 = 0;
const STOPPING: u8 = 1;
const AT_ONCE: u8 = 2;

/// A handle with which anybody can stop a server; clones are the same handle.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    level: AtomicU8,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Stop {
    /// Asks for an end: accept nobody any more, finish the running requests, return.
    pub fn stop(&self) {
        self.raise(STOPPING);
    }

    /// Asks for an end without waiting for running requests.
    pub fn stop_at_once(&self) {
        self.raise(AT_ONCE);
    }

    /// Whether an end has been asked for, of either kind.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.level.load(Ordering::Acquire) != RUNNING
    }

    /// Whether the end is not to wait for running requests.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        self.shared.level.load(Ordering::Acquire) == AT_ONCE
    }

    /// Waits until `done` or `until`, whichever comes first; without `until`, for `done` alone.
    ///
    /// `done` is asked at each [`ring`](Self::ring) and each change of the handle.
    pub(super) fn wait(&self, until: Option<Instant>, mut done: impl FnMut() -> bool) {
        let lock = &self.shared.lock;
        let mut held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !done() {
            held = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => {
                    let woken = self.shared.changed.wait(held);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
                Some(left) if left.is_zero() => return,
                Some(left) => {
                    let woken = self.shared.changed.wait_timeout(held, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Lets everybody in [`wait`](Self::wait) look again.
    pub(super) fn ring(&self) {
        // Taken and given back, so that nobody is between asking and falling asleep.
        drop(
            self.shared
                .lock
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.shared.changed.notify_all();
    }

    fn raise(&self, level: u8) {
        self.shared.level.fetch_max(level, Ordering::AcqRel);
        self.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_heard_by_every_clone_and_never_taken_back() {
        let stop = Stop::default();
        let heard = stop.clone();
        assert!(!heard.is_stopping());
        stop.stop();
        assert!(heard.is_stopping() && !heard.is_at_once());
        stop.stop_at_once();
        stop.stop();
        assert!(heard.is_stopping() && heard.is_at_once());
    }

    #[test]
    fn whoever_waits_is_woken() {
        let stop = Stop::default();
        let waiting = stop.clone();
        let waiter = std::thread::spawn(move || waiting.wait(None, || waiting.is_stopping()));
        stop.stop();
        waiter.join().unwrap();
    }
}
