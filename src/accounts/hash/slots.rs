//! How many passwords may be hashed at once.
//!
//! A new hash takes up to 16 MiB, and an old one more, and a core for tens of milliseconds. Without
//! a bound, a burst of wrong passwords would take that for each thread. Who finds no slot waits, but
//! not for ever.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::accounts::AccountsError;

/// Slots of one process.
pub struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
    patience: Duration,
}

impl Slots {
    /// So many slots (one at least), each waited for no longer than `patience`.
    #[must_use]
    pub fn new(count: usize, patience: Duration) -> Self {
        Self {
            free: Mutex::new(count.max(1)),
            freed: Condvar::new(),
            patience,
        }
    }

    /// Waits for a slot and takes it, until it is dropped.
    ///
    /// # Errors
    /// [`AccountsError::Crowded`] when none became free in time.
    pub fn take(&self) -> Result<Slot<'_>, AccountsError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) = self
            .freed
            .wait_timeout_while(free, self.patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1).ok_or(AccountsError::Crowded)?;
        Ok(Slot { slots: self })
    }
}

/// The right to compute one hash.
pub struct Slot<'a> {
    slots: &'a Slots,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut free = (self.slots.free.lock()).unwrap_or_else(PoisonError::into_inner);
        *free += 1;
        self.slots.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;

    use super::*;

    #[test]
    fn a_slot_that_does_not_become_free_is_given_up() {
        let slots = Slots::new(1, Duration::ZERO);
        let slot = slots.take().ok().unwrap();
        assert!(matches!(slots.take(), Err(AccountsError::Crowded)));
        drop(slot);
        assert!(slots.take().is_ok());
    }

    #[test]
    fn no_more_than_the_slots_are_ever_taken() {
        let slots = Slots::new(2, Duration::from_secs(60));
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _slot = slots.take().ok().unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
    }
}
