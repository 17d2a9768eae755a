//! How fast a peer is, as far as somebody waits for it.
//!
//! Time counts while a thread waits for the peer, in steps of 64 KiB: who takes a step begins
//! anew. In go bytes and times, out comes how long the current step has taken; what is too long
//! is for others to say.

use std::time::Duration;
use std::time::Instant;

/// The bytes of a step. Not fewer: the system tells of an answer's progress in such pieces.
const STEP: usize = 64 << 10;

/// One peer's pace in what it does now: a head, a body, an answer.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when it does that.
    since: Instant,
    moved: usize,
    waited: Duration,
}

impl Pace {
    /// Begins at `since`.
    pub(super) fn new(since: Instant) -> Self {
        Self {
            since,
            moved: 0,
            waited: Duration::ZERO,
        }
    }

    /// Begins anew, unless it is about the same as before.
    pub(super) fn begin(&mut self, since: Instant) {
        if since != self.since {
            *self = Self::new(since);
        }
    }

    /// Counts bytes of a body or an answer; a head is one step, however it comes.
    pub(super) fn moved(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count);
        if self.moved >= STEP {
            *self = Self::new(self.since);
        }
    }

    /// Counts time for which the peer was waited for.
    pub(super) fn waited(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }

    /// How long the current step has taken.
    pub(super) fn step(&self) -> Duration {
        self.waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_step_of_bytes_begins_the_time_anew() {
        let since = Instant::now();
        let mut pace = Pace::new(since);
        pace.waited(SECOND);
        pace.moved(STEP - 1);
        pace.waited(SECOND);
        assert_eq!(pace.step(), SECOND * 2);
        pace.moved(1);
        assert_eq!(pace.step(), Duration::ZERO);
        pace.waited(SECOND);
        assert_eq!(pace.step(), SECOND);
    }

    #[test]
    fn so_does_whatever_comes_next() {
        let since = Instant::now();
        let mut pace = Pace::new(since);
        pace.waited(SECOND);
        pace.begin(since);
        assert_eq!(pace.step(), SECOND);
        pace.begin(since + SECOND);
        assert_eq!(pace.step(), Duration::ZERO);
    }
}
