//! [`Storage`] over a database with server-full's tables.
//!
//! One file a subject: `schema` opens and mends, `owner` says which table holds whose records,
//! `names` turns collection names into ids,
//! `select` turns a query into SQL, `read`, `write` and `delete` are the calls, `summary` keeps
//! the row per collection that the frequent calls read instead of records, `promise` what the
//! time of a read says about writes to come, `doubt` what became of writes that got no answer; `dump` and
//! `restore` move records out and in.

mod delete;
mod doubt;
mod dump;
mod names;
mod owner;
mod promise;
mod read;
mod recent;
mod restore;
mod schema;
mod select;
mod summary;
mod write;

use std::sync::Arc;

use super::Collections;
use super::Dump;
use super::Read;
use super::Records;
use super::Restored;
use super::Source;
use super::Storage;
use super::StorageError;
use super::Usage;
use super::Write;
use super::Written;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Session;
use crate::sync::Clock;
use crate::sync::CollectionName;
use crate::sync::Query;
use crate::sync::Record;
use crate::sync::RecordId;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::UserId;

use doubt::Doubts;
use owner::Owner;
use owner::Tables;
use promise::COMMIT_WITHIN;
use promise::InFlight;
use promise::WRITE_WITHIN;
use recent::Recent;

pub use names::Names;
pub use schema::Finding;
pub use schema::advise;
pub use schema::mend;
pub use schema::survey;

/// How the tables are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which collection names have fixed ids.
    pub names: Names,
    /// Whether missing tables of the original may be created.
    pub create_tables: bool,
    /// Whether records are spread over a hundred tables, by user.
    pub shard: bool,
}

impl Settings {
    const fn tables(&self) -> Tables {
        if self.shard {
            Tables::Sharded
        } else {
            Tables::One
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            names: Names::Free,
            create_tables: true,
            shard: false,
        }
    }
}

/// Storage in a database.
pub struct SqlStorage {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
    names: Names,
    tables: Tables,
    in_flight: InFlight,
    doubts: Doubts,
    recent: Recent,
}

/// How often a write is tried that does not keep to [`WRITE_WITHIN`].
const ATTEMPTS: usize = 3;

impl SqlStorage {
    /// Opens the tables: creates what is missing and brings the summary up to date with what
    /// the original server may have written meanwhile.
    ///
    /// # Errors
    /// [`StorageError::Schema`] when tables are missing and may not be created,
    /// [`StorageError::Database`] for the rest.
    pub fn open(
        database: Arc<Database>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, StorageError> {
        schema::open(&database, settings, clock.now())?;
        Ok(Self {
            database,
            clock,
            names: settings.names,
            tables: settings.tables(),
            in_flight: InFlight::default(),
            doubts: Doubts::default(),
            recent: Recent::default(),
        })
    }

    /// Runs a read that answers with the promised time.
    fn read<T>(
        &self,
        user: UserId,
        mut work: impl FnMut(&mut Session<'_>, Timestamp) -> Result<T, StorageError>,
    ) -> Result<Read<T>, StorageError> {
        // Before the snapshot: what is not in it has a greater time.
        let promise = self.time();
        let now = self.clock.now();
        self.database.read(|session| {
            let time = promise.max(summary::last_write(session, user)?);
            Ok(Read {
                value: work(session, now)?,
                time,
            })
        })
    }

    /// Runs a write at a time above all earlier ones of this user; answers that time as well.
    fn change<T>(
        &self,
        user: UserId,
        mut work: impl FnMut(&mut Session<'_>, Timestamp) -> Result<T, StorageError>,
    ) -> Result<(T, Timestamp), StorageError> {
        self.settle(user)?;
        let mut attempt = 1;
        loop {
            let flight = self.in_flight.register();
            let result = self.database.write(|session| {
                let last = summary::lock(session, user)?;
                let now = self.clock.now();
                let time = flight.depart(now.max(last.next()));
                if last.centis() - now.centis() > DAY {
                    log::warn!(
                        "user {user} has a record from the future ({last}); all his writes get \
                         later times. Is the clock right?"
                    );
                }
                let value = work(session, time)?;
                summary::set_last_write(session, user, time)?;
                if attempt < ATTEMPTS && self.is_late(now) {
                    Err(Interrupted::Late)
                } else {
                    Ok((value, time, now))
                }
            });
            match result {
                Err(Interrupted::Late) => log::info!("a write took too long and is done again"),
                Err(Interrupted::Failed(error)) => {
                    // Before it counts as landed: the promise must not rise in between.
                    if let (true, Some(time)) = (is_in_doubt(&error), flight.time()) {
                        self.doubts.add(user, time);
                    }
                    return Err(error);
                }
                Ok((value, time, taken)) => {
                    let time = self.keep_promise(user, time, taken)?;
                    return Ok((value, time));
                }
            }
            attempt += 1;
        }
    }

    /// Gives what was written at `time` a later one if its commit took too long: a reader in
    /// another process may have been promised that nothing so old would still come.
    fn keep_promise(
        &self,
        user: UserId,
        mut time: Timestamp,
        mut taken: Timestamp,
    ) -> Result<Timestamp, StorageError> {
        for _ in 0..ATTEMPTS {
            if !self.is_late(taken) {
                break;
            }
            log::info!("a commit took too long; what was written at {time} gets a later time");
            let renewed = self.renew(user, &[time]);
            if renewed.is_err() {
                self.doubts.add(user, time);
            }
            (time, taken) = renewed?;
        }
        Ok(time)
    }

    /// Finds out what became of the writes of a user that are in doubt, and gives what they have
    /// written a later time.
    fn settle(&self, user: UserId) -> Result<(), StorageError> {
        let times = self.doubts.of(user);
        if times.is_empty() {
            return Ok(());
        }
        match self.renew(user, &times) {
            Ok((time, taken)) => {
                self.keep_promise(user, time, taken)?;
            }
            // Nobody reads his records any more.
            Err(StorageError::Forgotten) => {}
            Err(error) => return Err(error),
        }
        self.doubts.remove(user, &times);
        Ok(())
    }

    /// Gives what a user wrote at these times a later one, which is answered, and when it was
    /// taken. Waits for writes that are not yet committed.
    fn renew(
        &self,
        user: UserId,
        times: &[Timestamp],
    ) -> Result<(Timestamp, Timestamp), StorageError> {
        let mut tried = None;
        let renewed = self.database.write(|session| {
            let last = summary::lock(session, user)?;
            let now = self.clock.now();
            let written: Vec<_> = times.iter().filter(|time| **time <= last).collect();
            if written.is_empty() {
                return Ok((last, now));
            }
            let later = now.max(last.next());
            tried = Some(later);
            for time in written {
                promise::renew(session, self.tables.owner(user), *time, later)?;
            }
            summary::set_last_write(session, user, later)?;
            Ok((later, now))
        });
        if let (Err(error), Some(later)) = (&renewed, tried)
            && is_in_doubt(error)
        {
            self.doubts.add(user, later);
        }
        renewed
    }

    /// Puts records back, in one transaction of its own length: their time is taken anew at its
    /// end if it took long.
    fn put_back(&self, user: UserId, source: &mut dyn Source) -> Result<Restored, StorageError> {
        self.settle(user)?;
        let owner = self.tables.owner(user);
        let flight = self.in_flight.register();
        let result = self.database.patient().write(|session| {
            let last = summary::lock(session, user)?;
            let mut taken = self.clock.now();
            let mut time = flight.depart(taken.max(last.next()));
            let mut restore = restore::Restore::new(self.names, owner, last, time);
            source.each(&mut |stored| restore.take(session, stored))?;
            let outcome = restore.finish(session)?;
            let Some(mut newest) = outcome.newest else {
                return Ok((outcome.restored, None));
            };
            let now = self.clock.now();
            if outcome.renews && now.centis() - taken.centis() > SOON {
                let later = flight.depart(now.max(time.next()));
                promise::renew(session, owner, time, later)?;
                (time, taken, newest) = (later, now, later);
            }
            summary::set_last_write(session, user, newest)?;
            let renewed = outcome.renews.then_some((time, taken));
            Ok((outcome.restored, renewed))
        });
        if let (Err(error), Some(time)) = (&result, flight.time())
            && is_in_doubt(error)
        {
            self.doubts.add(user, time);
        }
        let (restored, renewed) = result?;
        if let Some((time, taken)) = renewed {
            self.keep_promise(user, time, taken)?;
        }
        Ok(restored)
    }

    /// Deletes the expired records of some collections of one user.
    fn purge_user(&self, due: &[(UserId, i64)], now: Timestamp) -> Result<i64, StorageError> {
        let Some((user, _)) = due.first() else {
            return Ok(0);
        };
        let owner = self.tables.owner(*user);
        let collections: Vec<i64> = due.iter().map(|(_, collection)| *collection).collect();
        let deleted = self
            .database
            .write(|session| delete::expired(session, owner, &collections, now));
        match deleted {
            Err(StorageError::Forgotten) => Ok(0),
            other => other,
        }
    }

    /// Whether a write that took its time then is too late for what readers assume.
    fn is_late(&self, taken: Timestamp) -> bool {
        self.clock.now().centis() - taken.centis() > WRITE_WITHIN
    }
}

/// Whether a write that ended like this was perhaps made.
const fn is_in_doubt(error: &StorageError) -> bool {
    matches!(error, StorageError::Database(DbError::Lost(_)))
}

/// How old the time of a restore may be before its commit, in centiseconds.
const SOON: i64 = COMMIT_WITHIN / 3;

/// A day, in centiseconds.
const DAY: i64 = 24 * 60 * 60 * 100;

/// Why a write transaction was rolled back.
enum Interrupted {
    Failed(StorageError),
    Late,
}

impl<E: Into<StorageError>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Storage for SqlStorage {
    fn collections(&self, user: UserId) -> Result<Read<Collections>, StorageError> {
        // Before all that is read, as in `read`.
        let promise = self.time();
        let now = self.clock.now();
        let last_write = |session: &mut Session<'_>| summary::last_write(session, user);
        let last = self.database.glance(last_write)?;
        if let Some(value) = self.recent.collections(user, last, now) {
            let time = promise.max(last);
            return Ok(Read { value, time });
        }
        let (last, value, expires) = self.database.read(|session| {
            let last = last_write(session)?;
            let (value, expires) = read::collections(session, self.names, user)?;
            Ok::<_, StorageError>((last, value, expires))
        })?;
        self.recent.remember(user, last, expires, &value);
        let time = promise.max(last);
        Ok(Read { value, time })
    }

    fn usage(&self, user: UserId) -> Result<Read<Vec<(String, Usage)>>, StorageError> {
        self.read(user, |session, now| {
            read::usage(session, self.names, self.tables.owner(user), now)
        })
    }

    fn used(&self, user: UserId) -> Result<Read<u64>, StorageError> {
        let owner = self.tables.owner(user);
        self.read(user, |session, now| summary::used(session, owner, now))
    }

    fn record(
        &self,
        user: UserId,
        collection: &CollectionName,
        id: &RecordId,
        visit: &mut dyn FnMut(&Record<'_>),
    ) -> Result<Read<()>, StorageError> {
        let promise = self.time();
        let now = self.clock.now();
        let owner = self.tables.owner(user);
        let mut look = |session: &mut Session<'_>| {
            read::record(session, self.names, owner, collection, id, now, visit)
        };
        if let Some(last) = self.database.glance(&mut look)? {
            let time = promise.max(last);
            return Ok(Read { value: (), time });
        }
        // What is not there is missed at the time of the last write, which one query cannot tell.
        self.read(user, |session, _| look(session).map(|_| ()))
    }

    fn records(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: Query,
    ) -> Result<Box<dyn Records>, StorageError> {
        let promise = self.time();
        let now = self.clock.now();
        if let Some(newer) = query.newer {
            let last = self
                .database
                .glance(|session| summary::last_write(session, user))?;
            // Nothing is newer than the last write. Without one weaved knows of nothing.
            if last > Timestamp::ZERO && newer >= last {
                let time = promise.max(last);
                return Ok(Box::new(read::NoRecords { time }));
            }
        }
        let ((last, collection), snapshot) = self
            .database
            .read_and_keep(|session| read::place(session, self.names, user, collection))?;
        let time = promise.max(last);
        let query = select::Selection::new(self.tables.owner(user), collection, query, now);
        Ok(Box::new(read::SqlRecords {
            snapshot,
            query,
            time,
        }))
    }

    fn check(&self, write: &Write<'_>) -> Result<(), StorageError> {
        self.database.read(|session| {
            let collection = self.names.find(session, write.user, write.collection)?;
            let row = summary::find(session, write.user, collection)?;
            summary::unmodified(&row, write.unmodified_since)?;
            let owner = self.tables.owner(write.user);
            write::left(session, owner, write, self.clock.now())?;
            Ok(())
        })
    }

    fn write(&self, write: &Write<'_>) -> Result<Written, StorageError> {
        let owner = self.tables.owner(write.user);
        let (left, modified) = self.change(write.user, |session, time| {
            write::write(session, self.names, owner, write, time)
        })?;
        Ok(Written { modified, left })
    }

    fn delete(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: &Query,
        unmodified_since: Option<Timestamp>,
    ) -> Result<Timestamp, StorageError> {
        let owner = self.tables.owner(user);
        let ((), time) = self.change(user, |session, time| {
            match self.names.find(session, user, collection)? {
                Some(id) => delete::records(session, owner, id, query, unmodified_since, time),
                None => Ok(()),
            }
        })?;
        Ok(time)
    }

    fn delete_all(&self, user: UserId) -> Result<Timestamp, StorageError> {
        let owner = self.tables.owner(user);
        let ((), time) = self.change(user, |session, _| delete::all(session, owner))?;
        Ok(time)
    }

    fn forget(&self, user: UserId) -> Result<(), StorageError> {
        let (owner, now) = (self.tables.owner(user), self.clock.now());
        self.database
            .write(|session| delete::forget(session, owner, now))
    }

    fn highest_user(&self) -> Result<UserId, StorageError> {
        self.database
            .read(|session| read::highest_user(session, self.tables))
    }

    fn purge(&self) -> Result<u64, StorageError> {
        for user in self.doubts.users() {
            if let Err(error) = self.settle(user) {
                log::warn!("user {user}: a write is still in doubt: {error}");
            }
        }
        let now = self.clock.now();
        loop {
            // A look first: most of the time there is nothing to do, and nobody has to wait.
            let due = self.database.read(|session| summary::due(session, now))?;
            if due.is_empty() {
                return Ok(0);
            }
            let mut records = 0;
            for of_one in due.chunk_by(|(one, _), (other, _)| one == other) {
                records += self.purge_user(of_one, now)?;
            }
            // Perhaps all of them were written anew and live on: 0 must mean that none are left.
            if records > 0 {
                return Ok(u64::try_from(records).unwrap_or_default());
            }
        }
    }

    fn dump(&self) -> Result<Box<dyn Dump>, StorageError> {
        Ok(Box::new(dump::SqlDump {
            snapshot: self.database.patient().snapshot()?,
            names: self.names,
            tables: self.tables,
            now: self.clock.now(),
        }))
    }

    fn restore(&self, user: UserId, source: &mut dyn Source) -> Result<Restored, StorageError> {
        self.put_back(user, source)
    }

    fn time(&self) -> Timestamp {
        let bound = self.clock.now().minus_centis(COMMIT_WITHIN);
        // In this order: what is in flight may be in doubt a moment later.
        let open = [self.in_flight.earliest(), self.doubts.earliest()];
        let earliest = open.into_iter().flatten().min();
        earliest.map_or(bound, |earliest| bound.min(earliest.minus_centis(1)))
    }
}

/// The bound that divides unexpired from expired records at `now`: those with `ttl > bound` live.
///
/// [`Ttl::NEVER`] lies in 2036, and what carries it lives on.
fn expiry_bound(now: Timestamp) -> i64 {
    now.seconds().min(Ttl::NEVER - 1)
}
