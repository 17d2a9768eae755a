//! Whose turn it is to write.
//!
//! The writers of one process queue here rather than poll SQLite's lock. Who waits gives up
//! after a while: while somebody else holds the database, the waits of a queue must not add up,
//! or all threads of a server would be gone for minutes.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

/// The right to write, which one thread has at a time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<bool>,
    freed: Condvar,
}

impl Turns {
    /// Waits for the turn and takes it until it is dropped; absent when it did not come in time.
    pub(super) fn take(&self, until: Instant) -> Option<Turn<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = until.saturating_duration_since(Instant::now());
        let (mut taken, _) = self
            .freed
            .wait_timeout_while(taken, patience, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        if *taken {
            return None;
        }
        *taken = true;
        Some(Turn { of: self })
    }
}

/// One thread's turn.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    of: &'a Turns,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *(self.of.taken.lock()).unwrap_or_else(PoisonError::into_inner) = false;
        self.of.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_turn_is_waited_for_until_it_is_too_late() {
        let turns = Turns::default();
        let turn = turns.take(Instant::now()).unwrap();
        assert!(turns.take(Instant::now()).is_none());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                turns
                    .take(Instant::now() + Duration::from_secs(60))
                    .is_some()
            });
            drop(turn);
            assert!(waiting.join().unwrap());
        });
        assert!(turns.take(Instant::now()).is_some());
    }
}
