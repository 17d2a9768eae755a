//! Records on their way from one place to another, with all that was kept of them: for exports,
//! backups and what comes from other servers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::StorageError;
use crate::sync::CollectionName;
use crate::sync::Record;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// A record with everything that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// Where it is.
    pub collection: &'a CollectionName,
    /// What it says, and when it was written.
    pub record: Record<'a>,
    /// When it expires, in seconds since 1970; absent: never.
    pub expires: Option<i64>,
}

/// All records of all users, as they were at one moment.
pub trait Dump: Send {
    /// What each user has; nobody whose account is gone.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn totals(&mut self) -> Result<BTreeMap<UserId, Total>, StorageError>;

    /// Lends the unexpired records of a user, collection by collection, oldest first, until
    /// `visit` breaks.
    ///
    /// # Errors
    /// [`StorageError::Database`].
    fn each(
        &mut self,
        user: UserId,
        visit: &mut dyn FnMut(&Stored<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;
}

/// What a user has in all his collections together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The number of his records; some may have expired and wait for their deletion.
    pub records: u64,
    /// The sum of their payloads, in bytes.
    pub bytes: u64,
    /// The time of his last write; [`Timestamp::ZERO`] when none is known.
    pub last_write: Timestamp,
}

/// Where records come from that are put back.
pub trait Source {
    /// Lends all records to `visit`; each time from the first on, because a transaction that was
    /// given up is done again. The first error ends it.
    ///
    /// # Errors
    /// Those of `visit`, and [`StorageError::Source`] when a record cannot be had.
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError>;
}

/// What a [`Source`] lends its records to.
pub type Visit<'a> = dyn FnMut(&Stored<'_>) -> Result<(), StorageError> + 'a;

impl Source for Vec<Stored<'_>> {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        self.iter().try_for_each(visit)
    }
}

/// What became of records that were put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// They were not here.
    pub added: u64,
    /// They had expired, and were left out.
    pub expired: u64,
    /// What is here was written later, and stays.
    pub kept: u64,
    /// They are here already, just so.
    pub same: u64,
    /// What was here was older, and is replaced.
    pub updated: u64,
}
