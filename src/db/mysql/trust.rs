//! Which connections to a server are believed to be answered.
//!
//! A server that hangs is found out by one connection that waits for its time-out. All others to
//! it were made before that and are given up without being waited for, one after the other.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// How often a server was found to hang.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust(Arc<AtomicU64>);

/// What was known of a server at some time.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    trust: Trust,
    hangs: u64,
}

impl Trust {
    /// The server answered right now.
    pub(super) fn now(&self) -> Trusted {
        Trusted {
            trust: self.clone(),
            hangs: self.0.load(Ordering::Relaxed),
        }
    }
}

impl Trusted {
    /// Whether the server has not hung since.
    pub(super) fn holds(&self) -> bool {
        self.trust.0.load(Ordering::Relaxed) == self.hangs
    }

    /// The server hangs, unless it was known already.
    pub(super) fn lose(&self) {
        let _ = self.trust.0.compare_exchange(
            self.hangs,
            self.hangs + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_before_a_hang_is_no_longer_trusted() {
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
