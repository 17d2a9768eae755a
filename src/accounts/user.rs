//! The values that accounts are made of.

use std::fmt;

use super::Email;
use super::NewPassword;
use super::UserName;
use super::hash::StoredHash;
use crate::sync::UserId;

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub id: UserId,
    /// The name as it is stored, which may differ in case from the name asked for.
    pub name: UserName,
    /// The address as it is stored: an old database may hold anything, or nothing.
    pub email: Option<String>,
    /// Whether the account may log in.
    pub state: State,
    /// The node that the account was given to, if the table has a column for it; with a
    /// directory its URL.
    pub node: Option<String>,
}

/// Whether an account may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// It may not, unless the setting `check_account_state` is off.
    Disabled,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// Its name: for the usual clients a hash of the address.
    pub name: UserName,
    /// Where mail goes, if anywhere.
    pub email: Option<Email>,
    /// How its user will prove who he is.
    pub credential: Credential,
    /// Whether it may log in, from its first moment on.
    pub state: State,
    /// The node that it was given to elsewhere; kept where the table has a column for it.
    pub node: Option<String>,
}

/// A password, or what another server kept of one.
#[derive(Debug)]
pub enum Credential {
    /// A hash to be stored as it is, for imports.
    Hash(StoredHash),
    /// A password to be hashed.
    Password(NewPassword),
}

/// How an attempt to log in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The password fits.
    Accepted(Account),
    /// No entry; the client must not learn why.
    Refused(Refusal),
}

/// Why nobody was let in: for the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Several entries of the directory have this name.
    AmbiguousName,
    /// The password fits, but the account is disabled.
    Disabled,
    /// The password is empty.
    EmptyPassword,
    /// The directory lets this entry not log in, whatever the password.
    Locked,
    /// The password fits, but another entry of the directory has the same number.
    SharedNumber,
    /// Nobody has this name.
    UnknownName,
    /// What is stored is no hash that any server of this protocol wrote, or nothing.
    UnusableHash,
    /// The password does not fit.
    WrongPassword,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AmbiguousName => "several entries of the directory have this name",
            Self::Disabled => "the account is disabled",
            Self::EmptyPassword => "the password is empty",
            Self::Locked => "the directory does not let this account log in",
            Self::SharedNumber => "several entries of the directory have this user's number",
            Self::UnknownName => "no such account",
            Self::UnusableHash => "the stored password hash is of no known kind",
            Self::WrongPassword => "wrong password",
        })
    }
}
