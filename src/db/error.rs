//! What a database can say instead of an answer.

use std::error::Error as StdError;

/// What a driver said.
type Cause = Box<dyn StdError + Send + Sync>;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Others hold the database, for longer than the time-out; later it will do.
    #[error("the database is busy")]
    Busy(#[source] Cause),
    /// The database gave this transaction up for another's sake (deadlock, serialisation, lock
    /// time-out); the same one done again may well succeed.
    #[error("the database gave way to another writer")]
    Conflict(#[source] Cause),
    /// A rule of the schema (uniqueness, not null) forbids the change.
    #[error("the database refused the change")]
    Constraint(#[source] Cause),
    /// The database answered with any other failure: a broken file, a full disk, wrong SQL.
    #[error("the database failed")]
    Driver(#[source] Cause),
    /// The connection broke, or the server is going down or may not write any more; on a new
    /// connection it may do.
    #[error("the connection to the database was lost")]
    Lost(#[source] Cause),
    /// The database cannot be reached or opened.
    #[error("cannot open the database {name}")]
    Open {
        /// The database, without any password.
        name: String,
        /// What the driver or the system said.
        #[source]
        cause: Cause,
    },
    /// A value that no column of this database, or of its tables as they are, can hold.
    #[error("the database cannot hold {0}")]
    Unstorable(&'static str),
}

impl DbError {
    /// Whether the transaction, which has changed nothing, may be done again at once.
    pub(super) const fn invites_retry(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Lost(_))
    }
}
