//! Whether a process is well: how long its requests run, and how many it has served.
//!
//! Only the handler's own work counts. A client that sends or reads slowly is no illness, and
//! has time-outs of its own.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// The state of health of a server; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: Instant,
    served: AtomicU64,
    /// One for each thread that calls the handler.
    calls: Mutex<Vec<Arc<Call>>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            served: AtomicU64::new(0),
            calls: Mutex::default(),
        }
    }
}

/// When a thread's call began, in milliseconds since the epoch plus one; 0: none runs.
#[derive(Debug, Default)]
struct Call(AtomicU64);

/// A thread's own place.
#[derive(Debug)]
pub(super) struct Place {
    call: Arc<Call>,
    shared: Arc<Shared>,
}

/// A call that runs until this is dropped.
pub(super) struct Running<'a>(&'a Call);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}

impl Pulse {
    /// How many requests have been begun.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// How long the oldest call that still runs has been running.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        let now = self.shared.now();
        let calls = self.shared.calls.lock();
        let calls = calls.unwrap_or_else(PoisonError::into_inner);
        let begun = calls.iter().map(|call| call.0.load(Ordering::Acquire));
        let oldest = begun.filter(|&begun| begun > 0).min()?;
        Some(Duration::from_millis(now.saturating_sub(oldest)))
    }

    /// A place for one more thread.
    pub(super) fn place(&self) -> Place {
        let call = Arc::<Call>::default();
        let calls = self.shared.calls.lock();
        let mut calls = calls.unwrap_or_else(PoisonError::into_inner);
        calls.push(Arc::clone(&call));
        Place {
            call,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn now(&self) -> u64 {
        let elapsed = self.epoch.elapsed().as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Place {
    /// Notes that the thread answers a request, until the answer is there.
    pub(super) fn serve(&self) -> Running<'_> {
        self.shared.served.fetch_add(1, Ordering::Relaxed);
        self.work()
    }

    /// Notes that the thread works on something else.
    pub(super) fn work(&self) -> Running<'_> {
        self.call.0.store(self.shared.now(), Ordering::Release);
        Running(&self.call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_call_that_runs_counts() {
        let pulse = Pulse::default();
        let (first, second) = (pulse.place(), pulse.place());
        assert_eq!(pulse.longest(), None);
        let older = first.serve();
        let begun = Instant::now();
        let newer = second.serve();
        std::thread::yield_now();
        assert!(pulse.longest() >= Some(Duration::ZERO));
        drop(older);
        // The clock is in whole milliseconds.
        assert!(pulse.longest() <= Some(begun.elapsed() + Duration::from_millis(1)));
        drop(newer);
        assert_eq!((pulse.longest(), pulse.served()), (None, 2));
        let _other = first.work();
        assert_eq!(pulse.served(), 2);
    }
}
