//! Workers that were lost or could not start, and how long their successors wait.

use std::time::Duration;
use std::time::Instant;

/// After so long a time without a setback, all earlier ones are forgotten.
const CALM: Duration = Duration::from_secs(60);

/// The longest pause before another worker is started.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Setbacks in a row.
#[derive(Debug, Default)]
pub(super) struct Setbacks {
    count: u32,
    /// How many of them were failed starts with nobody serving, since a worker was ready last.
    failed_starts: u32,
    last: Option<Instant>,
    /// No start before this.
    not_before: Option<Instant>,
}

impl Setbacks {
    /// One more.
    pub(super) fn note(&mut self, now: Instant) {
        self.last = Some(now);
        self.count = self.count.saturating_add(1);
    }

    /// One more, a start that failed; says how many of these there are in a row in which
    /// `nobody` served.
    pub(super) fn note_failed_start(&mut self, nobody: bool, now: Instant) -> u32 {
        self.note(now);
        self.failed_starts = self.failed_starts.saturating_add(u32::from(nobody));
        self.failed_starts
    }

    /// A worker could start.
    pub(super) fn note_start(&mut self) {
        self.failed_starts = 0;
    }

    /// Lets nothing start for a while: none after the first `free` setbacks, then 1 s, 2 s, 4 s,
    /// and so on. Says for how long.
    pub(super) fn rest(&mut self, free: u32, now: Instant) -> Duration {
        let pause = pause(self.count.saturating_sub(free));
        if !pause.is_zero() {
            self.not_before = Some(now + pause);
        }
        pause
    }

    /// Somebody wants a start now.
    pub(super) fn hurry(&mut self) {
        self.not_before = None;
    }

    /// Forgets them when they are long ago; `steady`: whether a worker has served since then.
    pub(super) fn forget(&mut self, now: Instant, steady: impl FnOnce(Duration) -> bool) {
        let calm = |last: Instant| now.saturating_duration_since(last) >= CALM;
        if self.last.is_some_and(calm) && steady(CALM) {
            *self = Self::default();
        }
    }

    /// Until when nothing may start, if that is not over.
    pub(super) fn resting(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|&at| at > now)
    }
}

fn pause(setbacks: u32) -> Duration {
    match setbacks.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => {
            let seconds = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
            Duration::from_secs(seconds).min(LONGEST_PAUSE)
        }
    }
}
