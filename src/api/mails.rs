//! Mails that are sent after their page was answered: how many at once, and that a stop waits for
//! them.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// How many mails are under way at once, at most; one that does not end takes the post's time-out.
const UNDER_WAY: usize = 8;

/// The mails that are under way.
#[derive(Clone, Default)]
pub struct Mails(Arc<Shared>);

#[derive(Default)]
struct Shared {
    count: Mutex<usize>,
    landed: Condvar,
}

/// A mail that is under way until this is dropped.
pub(super) struct Place(Arc<Shared>);

impl Mails {
    /// A place for one more, if there is any.
    pub(super) fn board(&self) -> Option<Place> {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        if *count >= UNDER_WAY {
            return None;
        }
        *count += 1;
        Some(Place(Arc::clone(&self.0)))
    }

    /// Waits until none is under way, or until that takes too long.
    pub fn wait(&self, patience: Duration) {
        let count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was not served by then has a line in the log.
        let _ = self
            .0
            .landed
            .wait_timeout_while(count, patience, |count| *count > 0);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        self.0.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_stop_waits_for_those_under_way() {
        let mails = Mails::default();
        let places: Vec<_> = (0..UNDER_WAY).map(|_| mails.board().unwrap()).collect();
        assert!(mails.board().is_none());
        let start = Instant::now();
        mails.wait(Duration::from_millis(50));
        assert!(start.elapsed() >= Duration::from_millis(50));
        thread::scope(|scope| {
            scope.spawn(|| drop(places));
            mails.wait(Duration::from_secs(60));
        });
        assert!(mails.board().is_some());
    }
}
