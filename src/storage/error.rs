//! What storage can say instead of an answer.

use crate::db::DbError;

/// Why storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database did not answer.
    #[error("storage failed")]
    Database(#[from] DbError),
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
}
