//! What accounts can say instead of an answer.

use std::error::Error as StdError;

use crate::db::DbError;

/// Why an account could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Others hold the database; later it will do.
    #[error("the accounts are locked by another writer")]
    Busy(#[source] DbError),
    /// More passwords wait to be hashed than this process can take.
    #[error("too many passwords are being checked at once")]
    Crowded,
    /// The database failed.
    #[error("the accounts' database failed")]
    Database(#[source] DbError),
    /// The directory cannot be reached, or does not do what it is asked.
    #[error("the accounts' directory failed")]
    Directory(#[source] Box<dyn StdError + Send + Sync>),
    /// What the settings say of the directory cannot be right.
    #[error("the settings of the accounts' directory are wrong")]
    DirectorySettings(#[source] Box<dyn StdError + Send + Sync>),
    /// The directory takes no hash of this kind.
    #[error("the directory cannot check a password hash of this kind; it knows {{SSHA}}")]
    ForeignHash,
    /// A password could not be hashed, which takes memory.
    #[error("cannot hash a password")]
    Hash,
    /// No id is left above those that were used.
    #[error("no user id is left above {0}")]
    IdsExhausted(i64),
    /// Several entries of the directory have the name, so that it is nobody's.
    #[error("several entries of the directory have this name")]
    NameAmbiguous,
    /// The directory gives the names.
    #[error("the accounts are in a directory: change the name there")]
    NameFixed,
    /// A name that differs from an existing one in upper and lower case only.
    #[error("an account whose name differs in upper and lower case only exists")]
    NameSimilar,
    /// The name belongs to an account.
    #[error("an account of this name exists")]
    NameTaken,
    /// The name does not fit in its column.
    #[error(
        "a user name has at most {} characters",
        crate::accounts::names::MAX_NEW_NAME
    )]
    NameTooLong,
    /// No such account.
    #[error("no such account")]
    NotFound,
    /// The directory's rules for passwords do not allow this one.
    #[error("the directory does not take this password")]
    PasswordRefused,
    /// The system gave no random numbers.
    #[error("the system has no random numbers")]
    Random(#[source] getrandom::Error),
    /// Accounts are in a directory that is only read.
    #[error(
        "the accounts are in a directory, which is only read: change them there, \
         or set ldap_write = true"
    )]
    ReadOnly,
    /// The table is missing and may not be made.
    #[error(
        "the table \"{table}\" of the accounts does not exist; \
         set create_tables = true to have it made"
    )]
    TableMissing {
        /// The table's name.
        table: &'static str,
    },
    /// Both table families hold accounts, and nothing tells which of them counts.
    #[error(
        "both account tables hold accounts: \"user\" has {user}, \"users\" has {users}; \
         keep the one that is in use, and rename or empty the other \
         (the newer server's is \"user\")"
    )]
    TwoFamilies {
        /// Accounts in `user`.
        user: i64,
        /// Accounts in `users`.
        users: i64,
    },
    /// The database cannot be reached.
    #[error("the accounts cannot be reached")]
    Unavailable(#[source] DbError),
}

impl AccountsError {
    /// Whether the same call may succeed in a while, so that the client should come again;
    /// whatever ails a database or a directory is mended without the client's doing.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(
            self,
            Self::Busy(_)
                | Self::Crowded
                | Self::Database(_)
                | Self::Directory(_)
                | Self::Unavailable(_)
        )
    }
}

impl From<DbError> for AccountsError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy(_) | DbError::Conflict(_) => Self::Busy(error),
            DbError::Lost(_) | DbError::Open { .. } => Self::Unavailable(error),
            DbError::Constraint(_) | DbError::Driver(_) | DbError::Unstorable(_) => {
                Self::Database(error)
            }
        }
    }
}
