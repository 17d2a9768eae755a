//! What a database can say instead of an answer.

use std::error::Error as StdError;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Others hold the database, for longer than the time-out; later it will do.
    #[error("the database is busy")]
    Busy(#[source] Box<dyn StdError + Send + Sync>),
    /// A rule of the schema (uniqueness, not null) forbids the change.
    #[error("the database refused the change")]
    Constraint(#[source] Box<dyn StdError + Send + Sync>),
    /// The database answered with any other failure: a broken file, a full disk, wrong SQL.
    #[error("the database failed")]
    Driver(#[source] Box<dyn StdError + Send + Sync>),
    /// The database cannot be reached or opened.
    #[error("cannot open the database {name}")]
    Open {
        /// The database, without any password.
        name: String,
        /// What the driver or the system said.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
}
