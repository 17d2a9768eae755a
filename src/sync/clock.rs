//! Where the time comes from.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use super::Timestamp;

/// A source of the time, so that tests can set it.
pub trait Clock: Send + Sync {
    /// The time now, cut to the centisecond. Never goes back within one process.
    fn now(&self) -> Timestamp;
}

/// The system's clock; it stands still while that is set back.
///
/// The promise of `X-Weave-Timestamp` (design: "X-Weave-Timestamp is a promise") is made from
/// this clock, so a step back of the system's must not be seen.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(since_epoch.as_millis() / 10).unwrap_or(i64::MAX);
        let latest = self.latest.fetch_max(now, Ordering::SeqCst);
        Timestamp::from_centis(now.max(latest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let clock = SystemClock::default();
        let first = clock.now();
        clock.latest.store(first.centis() + 500, Ordering::SeqCst);
        assert_eq!(clock.now().centis(), first.centis() + 500);
    }
}
