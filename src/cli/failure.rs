//! How a command ends that did not succeed.

use std::fmt;

use super::pid_file::PidFileError;
use crate::accounts::AccountsError;
use crate::api::ApiError;
use crate::causes::chain;
use crate::config::Problems;
use crate::db::DbError;
use crate::guard::GuardError;
use crate::pairing::PairingError;
use crate::server::ListenError;
use crate::server::MasterError;
use crate::server::PrivilegesError;
use crate::storage::StorageError;
use crate::transfer::ElsewhereError;

/// The answer is no: no such account, for example.
pub(super) const NO: u8 = 1;
/// A server that was to stop goes on.
pub(super) const SURVIVED: u8 = 3;
/// The arguments are wrong.
pub(super) const USAGE: u8 = 64;
/// A database or another service is not to be had.
pub(super) const UNAVAILABLE: u8 = 69;
/// The system refused something.
pub(super) const SYSTEM: u8 = 71;
/// A file cannot be made or written.
pub(super) const CANNOT_CREATE: u8 = 73;
/// This user may not do that.
pub(super) const NO_PERMISSION: u8 = 77;
/// The configuration is wrong.
pub(super) const CONFIG: u8 = 78;

/// What to tell a person, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    /// Empty where everything was said already.
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(code: u8, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let errors = problems.errors().count();
        let things = if errors == 1 {
            "one mistake"
        } else {
            "mistakes"
        };
        Self::new(
            CONFIG,
            format!("the configuration has {things}:\n{problems}"),
        )
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::new(UNAVAILABLE, chain(&error))
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let code = if matches!(error, StorageError::Schema(_)) {
            CONFIG
        } else {
            UNAVAILABLE
        };
        Self::new(code, chain(&error))
    }
}

impl From<AccountsError> for Failure {
    fn from(error: AccountsError) -> Self {
        let code = match error {
            AccountsError::DirectorySettings(_)
            | AccountsError::TableMissing { .. }
            | AccountsError::TwoFamilies { .. } => CONFIG,
            AccountsError::ForeignHash
            | AccountsError::NameAmbiguous
            | AccountsError::NameFixed
            | AccountsError::NotFound
            | AccountsError::PasswordRefused
            | AccountsError::ReadOnly
            | AccountsError::NameTaken
            | AccountsError::NameSimilar
            | AccountsError::NameTooLong => NO,
            _ => UNAVAILABLE,
        };
        Self::new(code, chain(&error))
    }
}

impl From<GuardError> for Failure {
    fn from(error: GuardError) -> Self {
        Self::new(UNAVAILABLE, chain(&error))
    }
}

impl From<PairingError> for Failure {
    fn from(error: PairingError) -> Self {
        Self::new(UNAVAILABLE, chain(&error))
    }
}

impl From<ElsewhereError> for Failure {
    fn from(error: ElsewhereError) -> Self {
        let code = match error {
            ElsewhereError::Accounts(error) => return error.into(),
            ElsewhereError::Storage(error) => return error.into(),
            ElsewhereError::Database(_) => UNAVAILABLE,
            ElsewhereError::Folder(_) | ElsewhereError::Other(_) => NO,
        };
        Self::new(code, chain(&error))
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Accounts(error) | ApiError::AccountsReadOnly(error) => error.into(),
            ApiError::Guard(error) => error.into(),
            ApiError::Storage(error) => error.into(),
            other => Self::new(NO, chain(&other)),
        }
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        let code = match error {
            ListenError::NotActivated(_)
            | ListenError::Several(_)
            | ListenError::Unknown { .. } => CONFIG,
            _ => SYSTEM,
        };
        Self::new(code, chain(&error))
    }
}

impl From<MasterError> for Failure {
    fn from(error: MasterError) -> Self {
        let code = match error {
            MasterError::GaveUp { code, .. } | MasterError::Start { code, .. } => code,
            MasterError::Wait(_) => None,
        };
        Self::new(code.unwrap_or(SYSTEM), chain(&error))
    }
}

impl From<PidFileError> for Failure {
    fn from(error: PidFileError) -> Self {
        let code = match error {
            PidFileError::Running(..) => NO,
            PidFileError::Foreign(_) | PidFileError::System(..) => CANNOT_CREATE,
        };
        Self::new(code, chain(&error))
    }
}

impl From<PrivilegesError> for Failure {
    fn from(error: PrivilegesError) -> Self {
        let code = match error {
            PrivilegesError::GroupMissing(_)
            | PrivilegesError::UnknownGroup(_)
            | PrivilegesError::UnknownUser(_) => USAGE,
            PrivilegesError::NotRoot(_) => NO_PERMISSION,
            PrivilegesError::System { .. } => SYSTEM,
        };
        Self::new(code, chain(&error))
    }
}
