//! One worker process, as the crew counts it.

use std::time::Duration;
use std::time::Instant;

/// A worker process, from its start to its end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) phase: Phase,
    pub(super) stale: Stale,
    /// Whether it has asked to be replaced, which it does once.
    pub(super) is_leaving: bool,
    /// How long it may take to end: as its own configuration says.
    pub(super) leave: Duration,
    /// When it last gave a sign of life.
    pub(super) heard: Instant,
    pub(super) started: Instant,
    /// What it said about its failure.
    pub(super) failure: Option<(u8, String)>,
}

/// Where in its life a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Booting,
    Ending { until: Instant, told: Told },
    Serving { since: Instant },
}

/// How a worker was told to end, from polite to final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    End,
    Quit,
    Killed,
}

/// Why a worker is to be replaced, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stale {
    No,
    /// It wants to be replaced.
    Leaving,
    /// It has an older configuration.
    Reload,
}

impl Member {
    /// A process that has just been started, and may take `leave` to end.
    pub(super) fn new(leave: Duration, now: Instant) -> Self {
        Self {
            phase: Phase::Booting,
            stale: Stale::No,
            is_leaving: false,
            leave,
            heard: now,
            started: now,
            failure: None,
        }
    }

    pub(super) fn serves(&self) -> bool {
        matches!(self.phase, Phase::Serving { .. })
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. })
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.stale == Stale::No && !self.is_ending()
    }
}
