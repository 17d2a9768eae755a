//! Writes of which nobody knows whether they were made: their commit got no answer.
//!
//! The server may still commit such a write, at a time that readers were promised to be over. So
//! the promise of this process stays below it until that is settled: whoever locks the user's
//! row waits for the write's end, and what it has written gets a later time then
//! ([`promise`](super::promise)). A process that dies with a write in doubt leaves it as it is.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::sync::Timestamp;
use crate::sync::UserId;

/// The writes of this process that are in doubt, by user and time.
#[derive(Default)]
pub(super) struct Doubts(Mutex<BTreeSet<(UserId, Timestamp)>>);

impl Doubts {
    pub(super) fn add(&self, user: UserId, time: Timestamp) {
        self.writes().insert((user, time));
    }

    pub(super) fn remove(&self, user: UserId, times: &[Timestamp]) {
        self.writes()
            .retain(|(of, time)| *of != user || !times.contains(time));
    }

    pub(super) fn of(&self, user: UserId) -> Vec<Timestamp> {
        let writes = self.writes();
        let of_user = writes.range((user, Timestamp::MIN)..=(user, Timestamp::MAX));
        of_user.map(|(_, time)| *time).collect()
    }

    pub(super) fn users(&self) -> BTreeSet<UserId> {
        self.writes().iter().map(|(user, _)| *user).collect()
    }

    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.writes().iter().map(|(_, time)| *time).min()
    }

    fn writes(&self) -> MutexGuard<'_, BTreeSet<(UserId, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_are_a_users() {
        let (one, two) = (UserId(1), UserId(2));
        let time = Timestamp::from_centis;
        let doubts = Doubts::default();
        assert_eq!(doubts.earliest(), None);
        doubts.add(two, time(5));
        doubts.add(one, time(7));
        doubts.add(one, time(7));
        doubts.add(one, time(8));
        assert_eq!(doubts.earliest(), Some(time(5)));
        assert_eq!(doubts.of(one), [time(7), time(8)]);
        assert_eq!(doubts.users().len(), 2);
        doubts.remove(one, &[time(7), time(5)]);
        assert_eq!(doubts.of(one), [time(8)]);
        assert_eq!(doubts.of(two), [time(5)]);
    }
}
