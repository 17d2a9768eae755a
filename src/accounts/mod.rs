//! The user himself: who exists, whose password fits, and what an account consists of.
//!
//! What goes in are names and passwords as the calls of the protocol carry them, what comes out
//! are accounts, or the reason why not. [`Accounts`] is the seam: [`SqlAccounts`] serves the two
//! table families of the original server as they are (spec/user-1.0.md, 8), `LdapAccounts` a
//! directory (spec/user-1.0.md, 9). Password hashes of every kind that the original wrote are verified in [`hash`].
//!
//! Not here: HTTP and its credentials (`web`), the user's records (`storage`), the order of
//! checks of a call and its error numbers (`api`). Nothing here reads the clock, but for time-outs.

mod cache;
mod codes;
mod email;
mod error;
pub mod hash;
mod last_use;
#[cfg(feature = "ldap")]
mod ldap;
pub mod names;
mod password;
mod sql;
mod user;

use std::time::Instant;

pub use codes::ResetCode;
pub use codes::ResetCodes;
pub use email::BadEmail;
pub use email::Email;
pub use error::AccountsError;
pub use last_use::Day;
pub use last_use::LastUse;
#[cfg(feature = "ldap")]
pub use ldap::LdapAccounts;
#[cfg(feature = "ldap")]
pub use ldap::LdapAttributes;
#[cfg(feature = "ldap")]
pub use ldap::LdapLogin;
#[cfg(feature = "ldap")]
pub use ldap::LdapProbe;
#[cfg(feature = "ldap")]
pub use ldap::LdapSettings;
#[cfg(feature = "ldap")]
pub use ldap::LdapWriting;
pub use names::BadName;
pub use names::UserName;
pub use password::NewPassword;
pub use password::NotUtf8;
pub use password::Password;
pub use password::WeakPassword;
pub use sql::Family;
pub use sql::SqlAccounts;
pub use sql::SqlSettings;
pub use user::Account;
pub use user::Credential;
pub use user::Login;
pub use user::NewAccount;
pub use user::Refusal;
pub use user::State;

use crate::sync::UserId;
use hash::StoredHash;

/// What the calls of the protocol and the command line need to know and to change of accounts.
///
/// Names are looked up as given first and then in lower case (spec/decisions.md, 16). All
/// methods may wait for the database or the directory; [`AccountsError::passes`] tells whether to come again.
pub trait Accounts: Send + Sync {
    /// Whose name this is, without any password.
    ///
    /// # Errors
    /// Those of the database.
    fn find(&self, name: &UserName) -> Result<Option<Account>, AccountsError>;

    /// Whether somebody has this name, and the URL of his own node if he has one. Changes nothing,
    /// while [`Self::find`] may give somebody an id: for what anybody may ask.
    ///
    /// # Errors
    /// Those of the database.
    fn look_up(&self, name: &UserName) -> Result<Option<Option<String>>, AccountsError> {
        Ok(self.find(name)?.map(|account| account.node))
    }

    /// Checks a password; a refusal takes as long for an unknown name as for a wrong password.
    ///
    /// `now` is for the memory of passwords verified lately. Clients must not be told the
    /// reason of a refusal, only the log may.
    ///
    /// # Errors
    /// Those of the database, and [`AccountsError::Crowded`] when too many passwords are being
    /// checked already.
    fn authenticate(
        &self,
        name: &UserName,
        password: &Password,
        now: Instant,
    ) -> Result<Login, AccountsError>;

    /// Whether accounts can be made, changed and removed; if not, these calls answer
    /// [`AccountsError::ReadOnly`].
    fn accepts_changes(&self) -> bool {
        true
    }

    /// Whether an account can be made that is disabled from its first moment on; if not,
    /// [`Self::create`] answers [`AccountsError::ReadOnly`] to that.
    fn makes_disabled(&self) -> bool {
        true
    }

    /// Makes an account under an id that was never used: above all accounts that are or were,
    /// and above `floor`, the highest id that the storage knows.
    ///
    /// # Errors
    /// [`AccountsError::NameTaken`], [`AccountsError::NameSimilar`] and
    /// [`AccountsError::NameTooLong`], and those of the database.
    fn create(&self, account: &NewAccount, floor: i64) -> Result<UserId, AccountsError>;

    /// Removes an account and its reset codes; its records are the storage's to remove, before.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], and those of the database.
    fn delete(&self, id: UserId) -> Result<(), AccountsError>;

    /// Changes where mail goes; the name stays the hash of the first address.
    ///
    /// `proof` is the password by which the user has asked for it; a directory is changed in his
    /// name then.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], and those of the database.
    fn set_email(
        &self,
        id: UserId,
        email: Option<&Email>,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError>;

    /// Gives an account another name; its id, and so its records, stay.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], those of a name as for [`Self::create`],
    /// [`AccountsError::NameFixed`] in a directory, and those of the database.
    fn rename(&self, id: UserId, name: &UserName) -> Result<(), AccountsError>;

    /// The hash of an account's password, to be moved elsewhere with it; absent where there is
    /// none that can be had, as in a directory.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], and those of the database.
    fn stored_hash(&self, id: UserId) -> Result<Option<StoredHash>, AccountsError>;

    /// Changes the password; the old one stops working at once, in all processes.
    ///
    /// `proof` is the password by which the user has asked for it; a directory is changed in his
    /// name then.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], [`AccountsError::PasswordRefused`], and those of the database.
    fn set_password(
        &self,
        id: UserId,
        password: &NewPassword,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError>;

    /// Locks an account, or unlocks it.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`], and those of the database.
    fn set_state(&self, id: UserId, state: State) -> Result<(), AccountsError>;

    /// Shows every account to `visit`, by id.
    ///
    /// # Errors
    /// Those of the database.
    fn list(&self, visit: &mut dyn FnMut(Account)) -> Result<(), AccountsError>;

    /// The ids of accounts that [`Self::list`] does not show, because no URL can hold their names:
    /// nobody can use them, but what is stored for them is somebody's.
    ///
    /// # Errors
    /// Those of the database.
    fn nameless(&self) -> Result<Vec<UserId>, AccountsError>;

    /// The highest id that an account has or had; 0 when there never was one.
    ///
    /// # Errors
    /// Those of the database.
    fn highest_id(&self) -> Result<i64, AccountsError>;
}
