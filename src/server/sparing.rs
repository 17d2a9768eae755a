//! Lines that are not to fill the log: one a period, and how many were left out.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// How often one kind of line is written at most.
const PERIOD: Duration = Duration::from_secs(60);

/// Whether it is time for a line of one kind.
#[derive(Debug, Default)]
pub(super) struct Sparing {
    state: Mutex<(Option<Instant>, u64)>,
}

impl Sparing {
    /// Asks for a line. The answer, if a line is due, is how many were left out since the last.
    pub(super) fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, left_out) = &mut *state;
        if last.is_some_and(|last| now.saturating_duration_since(last) < PERIOD) {
            *left_out = left_out.saturating_add(1);
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_period_tells_of_the_others() {
        let sparing = Sparing::default();
        let start = Instant::now();
        assert_eq!(sparing.due(start), Some(0));
        assert_eq!(sparing.due(start), None);
        assert_eq!(sparing.due(start + PERIOD / 2), None);
        assert_eq!(sparing.due(start + PERIOD), Some(2));
        assert_eq!(sparing.due(start + PERIOD * 2), Some(0));
    }
}
