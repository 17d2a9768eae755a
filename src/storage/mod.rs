//! The users' records: the trait [`Storage`] and its SQL implementation.
//!
//! A call of the protocol is a call here, and each is one transaction. What must hold:
//!
//! - after an `Ok` of a write, every reader sees it, also after a crash;
//! - within a user, every write has a time strictly above all earlier ones;
//! - a refused write (412, quota) has changed nothing;
//! - the [`Read::time`] of a read is below the time of every write that it did not see.
//!
//! Knows nothing of accounts, HTTP or statuses. Rules: spec/storage-1.1.md, 2.6 to 2.10 and 4.

mod error;
mod moving;
mod sql;

use std::ops::ControlFlow;

pub use error::StorageError;
pub use moving::Dump;
pub use moving::Restored;
pub use moving::Source;
pub use moving::Stored;
pub use moving::Total;
pub use moving::Visit;
pub use sql::Finding;
pub use sql::Names;
pub use sql::Settings;
pub use sql::SqlStorage;
pub use sql::advise;
pub use sql::mend;
pub use sql::survey;

use std::sync::Arc;

use crate::sync::CollectionName;
use crate::sync::Query;
use crate::sync::Record;
use crate::sync::RecordId;
use crate::sync::Timestamp;
use crate::sync::UserId;
use crate::sync::Wbo;

/// Where the records of all users are kept.
pub trait Storage: Send + Sync {
    /// Each collection that holds records, with the time of its last change.
    ///
    /// # Errors
    /// [`StorageError::Database`]; so for every other call.
    fn collections(&self, user: UserId) -> Result<Read<Collections>, StorageError>;

    /// Each collection that holds unexpired records, with their number and size.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn usage(&self, user: UserId) -> Result<Read<Vec<(String, Usage)>>, StorageError>;

    /// The bytes of all unexpired payloads of a user: what a quota is compared with.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn used(&self, user: UserId) -> Result<Read<u64>, StorageError>;

    /// Lends one record to `visit`, unless there is none or it has expired.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn record(
        &self,
        user: UserId,
        collection: &CollectionName,
        id: &RecordId,
        visit: &mut dyn FnMut(&Record<'_>),
    ) -> Result<Read<()>, StorageError>;

    /// The records that a query selects, to be read as slowly as the client takes them.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn records(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: Query,
    ) -> Result<Box<dyn Records>, StorageError>;

    /// Whether [`Self::write`] would be refused for its conditions, with nothing to store.
    ///
    /// # Errors
    /// As [`Self::write`].
    fn check(&self, write: &Write<'_>) -> Result<(), StorageError>;

    /// Stores records one after the other, creating or updating them.
    ///
    /// # Errors
    /// [`StorageError::Modified`] and [`StorageError::OverQuota`] when a condition is not met.
    fn write(&self, write: &Write<'_>) -> Result<Written, StorageError>;

    /// Deletes the records that a query selects; absent ones are no error.
    ///
    /// # Errors
    /// [`StorageError::Modified`] when the condition is not met.
    fn delete(
        &self,
        user: UserId,
        collection: &CollectionName,
        query: &Query,
        unmodified_since: Option<Timestamp>,
    ) -> Result<Timestamp, StorageError>;

    /// Deletes all records of a user; the user stays, and time goes on.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn delete_all(&self, user: UserId) -> Result<Timestamp, StorageError>;

    /// Deletes whatever is known of a user, whose account has gone, and refuses his writes from
    /// then on with [`StorageError::Forgotten`]: some may be on their way. Nobody gets his id
    /// again.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn forget(&self, user: UserId) -> Result<(), StorageError>;

    /// The greatest user id that any record belongs to, so that no account gets it again.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn highest_user(&self) -> Result<UserId, StorageError>;

    /// Deletes expired records of some collections; returns how many, 0 when none are left.
    ///
    /// Short transactions: call it until it answers 0.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn purge(&self) -> Result<u64, StorageError>;

    /// All records of all users as they are now, to be read as slowly as it takes.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn dump(&self) -> Result<Box<dyn Dump>, StorageError>;

    /// Puts records of a user back, all or none; safe to repeat. A record that is here just so is
    /// left alone, and so is what was written here later; no quota counts.
    ///
    /// Where the user never wrote, records keep their times; else all that is changed gets the
    /// time of this write, so that devices that follow by times see it.
    ///
    /// # Errors
    /// [`StorageError::Source`], [`StorageError::Forgotten`] and [`StorageError::Unstorable`].
    fn restore(&self, user: UserId, source: &mut dyn Source) -> Result<Restored, StorageError>;

    /// The promised time for an answer that read nothing (see [`Read::time`]).
    fn time(&self) -> Timestamp;
}

/// The collections of a user that hold records, with the time of each one's last change.
pub type Collections = Arc<[(String, Timestamp)]>;

/// What a read saw, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// A promise: whatever is committed for this user after this read has a greater time.
    pub time: Timestamp,
}

/// The unexpired records of a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Their number.
    pub records: u64,
    /// The sum of their payloads, in bytes.
    pub bytes: u64,
}

/// Records of one snapshot; nothing that is written later appears in it.
pub trait Records: Send {
    /// See [`Read::time`].
    fn time(&self) -> Timestamp;

    /// What [`Self::each`] lends from the first on, where that is known at little cost.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn known_usage(&mut self) -> Result<Option<Usage>, StorageError>;

    /// How many records [`Self::each`] lends from the first on.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn count(&mut self) -> Result<u64, StorageError>;

    /// Lends the records, without the `skip` first ones, until `visit` breaks.
    ///
    /// Only the id is set when the query does not want them in full. The order is the same at
    /// every call.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn each(
        &mut self,
        skip: u64,
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;
}

/// Records to store in one collection, and on which conditions.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Whose.
    pub user: UserId,
    /// Where.
    pub collection: &'a CollectionName,
    /// What; each has an id.
    pub records: &'a [Wbo<'a>],
    /// Refuse if the collection was changed after this (X-If-Unmodified-Since).
    pub unmodified_since: Option<Timestamp>,
    /// Refuse if the user's payloads already take as many bytes.
    pub quota: Option<u64>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The time of the write: that of every record in it.
    pub modified: Timestamp,
    /// The bytes that were left before it, when there is a quota.
    pub left: Option<u64>,
}
