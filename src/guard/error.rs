//! What the guard can say instead of an answer.

use crate::db::DbError;

/// Why it is not known whether something may be done.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The accounts' database failed.
    #[error("the accounts' database failed")]
    Database(#[from] DbError),
    /// There is no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}
