//! Which connections lead to a server that is believed to be of use.
//!
//! A server that hangs is found out by one connection that waits for its time-out, and one that
//! has become a replica by a write that it refuses. All other connections to it were made before
//! that: they are given up, not waited for, and nothing old is read from them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// How often a server was found to be of no use.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust(Arc<AtomicU64>);

/// What was known of a server at some time.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    trust: Trust,
    losses: u64,
}

impl Trust {
    /// The server answered right now.
    pub(super) fn now(&self) -> Trusted {
        Trusted {
            trust: self.clone(),
            losses: self.0.load(Ordering::Relaxed),
        }
    }
}

impl Trusted {
    /// Whether the server was not found to be of no use since.
    pub(super) fn holds(&self) -> bool {
        self.trust.0.load(Ordering::Relaxed) == self.losses
    }

    /// The server is of no use, unless that was known already.
    pub(super) fn lose(&self) {
        let _ = self.trust.0.compare_exchange(
            self.losses,
            self.losses + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_before_is_no_longer_trusted() {
        let trust = Trust::default();
        let before = [trust.now(), trust.now()];
        before[0].lose();
        assert!(before.iter().all(|trusted| !trusted.holds()));
        let after = trust.now();
        // It is an old story.
        before[1].lose();
        assert!(after.holds());
    }
}
