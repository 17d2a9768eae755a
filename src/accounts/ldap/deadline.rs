//! The end of a call's patience, shared by all that it waits for.

use std::time::Duration;
use std::time::Instant;

/// The moment at which a call gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// What is left, of which `None` means nothing.
    pub(super) fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// An earlier moment: this part of what is left.
    pub(super) fn share(self, parts: u32) -> Self {
        let left = self.left().unwrap_or_default();
        Self(Instant::now() + left / parts.max(1))
    }
}
