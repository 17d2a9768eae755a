//! Why a call was not answered as asked.

use crate::accounts::AccountsError;
use crate::accounts::Refusal;
use crate::guard::GuardError;
use crate::mail::MailError;
use crate::message::Response;
use crate::pairing::PairingError;
use crate::storage::StorageError;
use crate::sync::BadBody;
use crate::sync::BadQuery;
use crate::sync::ErrorCode;

/// Why a call was not answered as asked; `web` turns it into a status and a log line.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The accounts failed.
    #[error("accounts")]
    Accounts(#[source] AccountsError),
    /// Accounts are not made for everybody here.
    #[error("this server does not take new accounts")]
    Closed {
        /// Whether there is a secret that opens the door; an invitation always does.
        secret: bool,
    },
    /// Accounts are kept, and changed, elsewhere.
    #[error("the accounts cannot be changed here")]
    AccountsReadOnly(#[source] AccountsError),
    /// It cannot be found out whether something may be done.
    #[error("guard")]
    Guard(#[from] GuardError),
    /// The request breaks a rule that has a number.
    #[error("{1} (code {code})", code = .0.number())]
    Code(ErrorCode, &'static str),
    /// A field of a page's form is missing.
    #[error("a field of the form is missing")]
    FormIncomplete,
    /// The name or the password in a page's form is wrong; the reason is for the log.
    #[error("credentials: {0}")]
    FormRefused(String),
    /// A mail could not be sent.
    #[error("mail")]
    Mail(#[from] MailError),
    /// The collection was changed since the time that the client gave.
    #[error("the collection was changed since")]
    Modified,
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The name or the password is wrong; the client must not learn why.
    #[error("credentials: {0}")]
    Refused(Refusal),
    /// It was tried too often; the client must not learn whether it was right this time.
    #[error("too many attempts")]
    TooOften,
    /// Something went wrong on a page, which tells the visitor.
    #[error("{error}")]
    Shown {
        /// What went wrong, for the log.
        error: Box<Self>,
        /// What the visitor sees.
        page: Box<Response>,
    },
    /// The server was not set up for this.
    #[error("{0} is not configured on this server")]
    NotConfigured(&'static str),
    /// The relay for pairing did not do it.
    #[error("relay")]
    Pairing(#[from] PairingError),
    /// A parameter or header cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The storage failed.
    #[error("storage")]
    Storage(#[source] StorageError),
    /// More than any client sends.
    #[error("too many records in one request")]
    TooLarge,
}

impl From<AccountsError> for ApiError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::NameAmbiguous => Self::Code(
                ErrorCode::UserName,
                "several entries of the directory have this name",
            ),
            AccountsError::NameTaken => Self::Code(ErrorCode::Overwrite, "the account exists"),
            AccountsError::NameSimilar => Self::Code(
                ErrorCode::UserName,
                "the name differs from another in case only",
            ),
            AccountsError::NameTooLong => Self::Code(ErrorCode::UserName, "the name is too long"),
            AccountsError::NotFound => Self::NotFound("user"),
            AccountsError::PasswordRefused => Self::Code(
                ErrorCode::WeakPassword,
                "the directory does not take this password",
            ),
            AccountsError::ReadOnly => Self::AccountsReadOnly(error),
            other => Self::Accounts(other),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Forgotten => Self::NotFound("user"),
            StorageError::Modified => Self::Modified,
            StorageError::Unstorable(what) => Self::Code(ErrorCode::Wbo, what),
            StorageError::OverQuota => Self::Code(ErrorCode::OverQuota, "over quota"),
            other => Self::Storage(other),
        }
    }
}

impl From<BadBody> for ApiError {
    fn from(error: BadBody) -> Self {
        match error {
            BadBody::Json => Self::Code(ErrorCode::Json, "the body is not JSON"),
            BadBody::TooMany => Self::TooLarge,
            BadBody::Wbo => Self::Code(ErrorCode::Wbo, "the body is no valid WBO"),
        }
    }
}

impl From<BadQuery> for ApiError {
    fn from(error: BadQuery) -> Self {
        Self::Unreadable(error.to_string())
    }
}
