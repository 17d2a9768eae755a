//! What can be wrong with an archive, or with another server's data.

use std::io;

use crate::accounts::AccountsError;
use crate::db::DbError;
use crate::storage::StorageError;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// What is there is not what was written: it was damaged, or changed by hand.
    #[error("the checksum at the end does not fit: the archive was damaged or changed")]
    Checksum,
    /// There is no end line.
    #[error("the archive is cut off: it has no end")]
    Cut,
    /// The file cannot be read.
    #[error("the archive cannot be read")]
    Io(#[source] io::Error),
    /// A line that no archive has there.
    #[error("line {number} is none that an archive has there: {what}")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// It does not begin like an archive.
    #[error("this is no archive of weaved")]
    NoArchive,
    /// It was written by a later weaved.
    #[error("the archive is of version {0}, which this weaved does not know")]
    Version(u64),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Why nobody, or nobody more, can move in from another server.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    /// The accounts here failed.
    #[error("the accounts here failed")]
    Accounts(#[from] AccountsError),
    /// Its database cannot be read.
    #[error("the other server's database cannot be read")]
    Database(#[from] DbError),
    /// Its folder cannot be read.
    #[error("the folder cannot be read")]
    Folder(#[source] io::Error),
    /// What is there was not written by such a server.
    #[error("{0}")]
    Other(String),
    /// The storage here failed.
    #[error("the storage here failed")]
    Storage(#[source] StorageError),
}
