//! What the time of a read promises: whatever it did not see gets a greater one (design,
//! "X-Weave-Timestamp is a promise").
//!
//! A plain "now" would break it while a write is between taking its time and its commit. Of the
//! writes of this process the times are known ([`InFlight`]); those of other processes are
//! assumed to commit within [`COMMIT_WITHIN`]. A write that has not come so far within
//! [`WRITE_WITHIN`] is rolled back and done again; one whose commit itself took longer gets a later
//! time ([`renew`]) before its client hears of it. By what these differ, the clocks of the machines
//! at a database may.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use super::Owner;
use super::StorageError;
use super::summary;
use crate::db::Session;
use crate::sync::Timestamp;

/// The longest time from taking a write's time to its commit, in centiseconds, as readers in
/// other processes assume it.
pub(super) const COMMIT_WITHIN: i64 = 300;

/// The longest time that a write gives itself for that, in centiseconds.
pub(super) const WRITE_WITHIN: i64 = 200;

/// Gives the records and collections that a user wrote at `from` the time `to`.
pub(super) fn renew(
    session: &mut Session<'_>,
    owner: Owner,
    from: Timestamp,
    to: Timestamp,
) -> Result<(), StorageError> {
    const RENEW: &str = "
        UPDATE wbo
        SET modified = :to
        WHERE username = :user AND collection = :collection AND modified = :from";
    let renew = owner.table.sql(RENEW);
    for mut row in summary::all(session, owner.user)? {
        let params = [
            (":user", owner.user.0.into()),
            (":collection", row.collection.into()),
            (":from", from.centis().into()),
            (":to", to.centis().into()),
        ];
        // A delete changed the collection without leaving a record of that time.
        if session.execute(&renew, &params)? > 0 || row.modified == from {
            row.modified = to;
            summary::store(session, owner.user, &row)?;
        }
    }
    Ok(())
}

/// The times of writes of this process that may not be committed yet.
///
/// [`COMMIT_WITHIN`] covers the writes of other processes; the commit of one's own may take as
/// long as the disk wants.
#[derive(Default)]
pub(super) struct InFlight {
    times: Mutex<Vec<Timestamp>>,
}

impl InFlight {
    pub(super) fn register(&self) -> Flight<'_> {
        Flight {
            of: self,
            time: Cell::new(None),
        }
    }

    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.times().iter().min().copied()
    }

    fn times(&self) -> MutexGuard<'_, Vec<Timestamp>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One write; not in flight any more when this is dropped.
pub(super) struct Flight<'a> {
    of: &'a InFlight,
    time: Cell<Option<Timestamp>>,
}

impl Flight<'_> {
    /// Notes the time of the write; that of an attempt before, which was rolled back, is void.
    pub(super) fn depart(&self, time: Timestamp) -> Timestamp {
        self.of.times().push(time);
        self.land();
        self.time.set(Some(time));
        time
    }

    /// The time of the last attempt, as long as that is in flight.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.time.get()
    }

    fn land(&self) {
        if let Some(time) = self.time.take() {
            let mut times = self.of.times();
            if let Some(place) = times.iter().position(|known| *known == time) {
                times.swap_remove(place);
            }
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.land();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_attempt_of_a_write_is_in_flight() {
        let time = Timestamp::from_centis;
        let in_flight = InFlight::default();
        let (one, two) = (in_flight.register(), in_flight.register());
        assert_eq!(in_flight.earliest(), None);
        one.depart(time(5));
        two.depart(time(5));
        one.depart(time(7));
        assert_eq!(in_flight.earliest(), Some(time(5)));
        drop(two);
        assert_eq!(in_flight.earliest(), Some(time(7)));
        drop(one);
        assert_eq!(in_flight.earliest(), None);
    }
}
