//! Checking a password: the entry is searched, and then the directory is asked to let it in.
//!
//! A password that was accepted is remembered for a short time (`ldap_cache`), because a sync
//! makes dozens of requests. The entry is searched nevertheless each time, so that one that is
//! gone or disabled is refused at once; only the second question is spared. And what is remembered
//! belongs to the entry as it was: `entryCSN`, `modifyTimestamp` and the attributes of password
//! policies are part of the key, so that with a directory that shows one of them (OpenLDAP does,
//! unless told otherwise) a changed password, too, counts at once. With one that shows none of them
//! an old password is accepted as long as `ldap_cache` says.
//!
//! A name that nobody has costs a login as well, of an entry that does not exist. What the
//! directory's own hash takes cannot be imitated: to try the password on somebody else's entry
//! would count as his mistake where a policy locks accounts.

use std::time::Instant;

use data_encoding::HEXLOWER;

use super::LdapAccounts;
use super::deadline::Deadline;
use super::directory;
use super::directory::Found;
use super::entry::Entry;
use super::error::DirectoryError;
use super::error::code;
use crate::accounts::AccountsError;
use crate::accounts::Login;
use crate::accounts::Password;
use crate::accounts::Refusal;
use crate::accounts::State;
use crate::accounts::UserName;

/// Attributes that change with a password, or with an entry at all. Those that a policy writes
/// by itself do not count as changes of the entry.
pub(super) const VERSION: [&str; 7] = [
    "entryCSN",
    "modifyTimestamp",
    "pwdChangedTime",
    "pwdAccountLockedTime",
    "pwdReset",
    "shadowLastChange",
    "nsAccountLock",
];

impl LdapAccounts {
    pub(super) fn log_in(
        &self,
        name: &UserName,
        password: &Password,
        now: Instant,
    ) -> Result<Login, AccountsError> {
        if password.is_empty() {
            return Ok(Login::Refused(Refusal::EmptyPassword));
        }
        let deadline = self.deadline();
        let entry = match self.directory.find(name, deadline)? {
            Found::One(entry) => entry,
            Found::None => {
                self.pretend(password, deadline)?;
                return Ok(Login::Refused(Refusal::UnknownName));
            }
            Found::Several(entries) => {
                directory::tell_several(name, &entries);
                self.pretend(password, deadline)?;
                return Ok(Login::Refused(Refusal::AmbiguousName));
            }
        };
        let version = version(&entry);
        let may_enter = self.directory.state(&entry) == State::Active || !self.check_account_state;
        if !(may_enter && self.cache.knows(&version, password, now)) {
            if let Some(refusal) = self.enter(&entry.dn, password, deadline)? {
                return Ok(Login::Refused(refusal));
            }
            if !may_enter {
                return Ok(Login::Refused(Refusal::Disabled));
            }
            if self.is_shared(&entry, deadline)? {
                return Ok(Login::Refused(Refusal::SharedNumber));
            }
            self.cache.remember(&version, password, now);
        }
        Ok(Login::Accepted(self.account(name, &entry)?))
    }

    /// Whether another entry has the same number, so that each would get the other's records.
    fn is_shared(&self, entry: &Entry, deadline: Deadline) -> Result<bool, DirectoryError> {
        let Some(id) = self.directory.number(entry) else {
            return Ok(false);
        };
        let sharers = self.directory.sharers(id, deadline)?;
        let is_shared = sharers.len() > 1;
        if is_shared {
            directory::tell_sharers(id, &sharers);
        }
        Ok(is_shared)
    }

    /// Asks the directory to let in nobody, whatever it says to that.
    fn pretend(&self, password: &Password, deadline: Deadline) -> Result<(), DirectoryError> {
        match self.enter(&self.nobody, password, deadline) {
            Ok(_) | Err(DirectoryError::Answer { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks the directory to let this DN in; answers why it did not.
    fn enter(
        &self,
        dn: &str,
        password: &Password,
        deadline: Deadline,
    ) -> Result<Option<Refusal>, DirectoryError> {
        let directory = &self.directory;
        directory
            .logins
            .ask(&directory.connector, deadline, |connection| {
                let result = connection.bind(dn, password.as_str(), deadline)?;
                match result.rc {
                    code::SUCCESS => Ok(None),
                    code::INVALID_CREDENTIALS | code::NO_SUCH_OBJECT => {
                        Ok(Some(Refusal::WrongPassword))
                    }
                    // No password is stored, or a policy has locked the entry.
                    code::CONSTRAINT_VIOLATION
                    | code::INAPPROPRIATE_AUTHENTICATION
                    | code::INSUFFICIENT_ACCESS
                    | code::UNWILLING => Ok(Some(Refusal::Locked)),
                    _ => Err(connection.refused("a login", result)),
                }
            })
    }
}

/// The DN of an entry that does not exist, and that nobody can guess.
pub(super) fn nobody(attribute: &str, root: &str, secret: &[u8]) -> String {
    format!("{attribute}={},{root}", HEXLOWER.encode(secret))
}

/// An entry as it is now, for the memory of passwords.
fn version(entry: &Entry) -> String {
    let mut version = entry.dn.clone();
    for name in VERSION {
        version.push('\0');
        for value in entry.texts(name) {
            version.push_str(value);
            version.push('\n');
        }
    }
    version
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ldap::entry::tests::entry;

    #[test]
    fn a_changed_entry_is_another_version() {
        let old = entry("uid=joe", &[("entryCSN", &["1"])]);
        let versions = [
            version(&old),
            version(&entry("uid=joe", &[("entryCSN", &["2"])])),
            version(&entry("uid=joe", &[("modifyTimestamp", &["1"])])),
            version(&entry(
                "uid=joe",
                &[("entryCSN", &["1"]), ("pwdReset", &["TRUE"])],
            )),
            version(&entry("uid=ann", &[("entryCSN", &["1"])])),
        ];
        for (at, one) in versions.iter().enumerate() {
            assert!(!versions[..at].contains(one), "{one:?}");
        }
        assert_eq!(version(&old.clone()), version(&old));
    }
}
