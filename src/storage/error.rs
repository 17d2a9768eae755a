//! What storage can say instead of an answer.

use std::error::Error as StdError;

use crate::db::DbError;

/// Why storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database did not answer.
    #[error("storage failed")]
    Database(#[source] DbError),
    /// The account of this user was removed while the call was on its way.
    #[error("the user is gone")]
    Forgotten,
    /// The collection was changed after the time that the client knows.
    #[error("the collection was changed since")]
    Modified,
    /// The user has used up the quota.
    #[error("over quota")]
    OverQuota,
    /// The tables are not as they must be, and may not be made so.
    #[error("{0}")]
    Schema(String),
    /// What was to be put back cannot be read.
    #[error("the records cannot be read")]
    Source(#[source] Box<dyn StdError + Send + Sync>),
    /// What was sent holds something that the database cannot hold.
    #[error("this database cannot hold {0}")]
    Unstorable(&'static str),
}

impl From<DbError> for StorageError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unstorable(what) => Self::Unstorable(what),
            error => Self::Database(error),
        }
    }
}
