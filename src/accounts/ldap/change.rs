//! Changing and removing accounts in the directory.
//!
//! Each call is one operation on the user's entry, so that none is ever half done, on a
//! connection of its own: as the user where he has shown his password, else as the administrator.
//! A new password is handed to the server as it is (RFC 3062), over TLS if so configured: its
//! choice of hash and its rules for passwords count then, which no ready-made hash would let it
//! apply.

use ldap3::LdapResult;
use ldap3::Mod;

use super::LdapAccounts;
use super::connection::Connection;
use super::connection::set;
use super::deadline::Deadline;
use super::entry::Entry;
use super::error::DirectoryError;
use super::error::code;
use super::ids::FIRST;
use super::settings::LdapWriting;
use crate::accounts::AccountsError;
use crate::accounts::Email;
use crate::accounts::Password;
use crate::accounts::State;
use crate::sync::UserId;

impl LdapAccounts {
    pub(super) fn writing(&self) -> Result<&LdapWriting, AccountsError> {
        self.writing.as_ref().ok_or(AccountsError::ReadOnly)
    }

    pub(super) fn administer(&self, deadline: Deadline) -> Result<Connection, AccountsError> {
        let admin = &self.writing()?.admin;
        Ok(self.directory.connector.connect(Some(admin), deadline)?)
    }

    pub(super) fn remove(&self, id: UserId) -> Result<(), AccountsError> {
        self.writing()?;
        let deadline = self.deadline();
        let entry = self.entry(id, deadline)?;
        let mut connection = self.administer(deadline)?;
        // Before: that a number of the directory's is gone must be noted, also if this is cut short.
        if id.0 < FIRST {
            self.ids.bury(id)?;
        }
        let result = connection.delete(&entry.dn, deadline)?;
        self.cache.clear();
        done(&connection, "a deletion", result)?;
        // Afterwards: whom the directory does not let go keeps the number that we gave him.
        if id.0 >= FIRST {
            self.ids.bury(id)?;
        }
        Ok(())
    }

    pub(super) fn change_mail(
        &self,
        id: UserId,
        email: Option<&Email>,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        let email: Vec<&str> = email.iter().map(|email| email.as_str()).collect();
        let attribute = self.directory.attributes.mail.as_str();
        self.change(
            id,
            proof,
            "a new address",
            |connection, entry, _, deadline| {
                let change = Mod::Replace(attribute, set(&email));
                connection.modify(&entry.dn, vec![change], deadline)
            },
        )
    }

    pub(super) fn change_password(
        &self,
        id: UserId,
        password: &Password,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        self.change(
            id,
            proof,
            "a new password",
            |connection, entry, old, deadline| {
                let old = old.map(Password::as_str);
                connection.set_password(&entry.dn, old, password.as_str(), deadline)
            },
        )
    }

    pub(super) fn change_state(&self, id: UserId, state: State) -> Result<(), AccountsError> {
        self.writing()?;
        let Some(attribute) = self.directory.attributes.enabled.as_deref() else {
            // Nothing in the entry says it, so nothing can be said there.
            return Err(AccountsError::ReadOnly);
        };
        let word = word(state);
        self.change(id, None, "a new state", |connection, entry, _, deadline| {
            let change = Mod::Replace(attribute, set(&[word]));
            connection.modify(&entry.dn, vec![change], deadline)
        })
    }

    /// One change of a user's entry: as the user, if he may do it himself, else as the
    /// administrator. The operation gets the password as which the connection is the user.
    fn change(
        &self,
        id: UserId,
        proof: Option<&Password>,
        what: &'static str,
        operation: impl Fn(
            &mut Connection,
            &Entry,
            Option<&Password>,
            Deadline,
        ) -> Result<LdapResult, DirectoryError>,
    ) -> Result<(), AccountsError> {
        self.writing()?;
        let deadline = self.deadline();
        let entry = self.entry(id, deadline)?;
        if let Some(proof) = proof {
            let mut connection = self.directory.connector.connect(None, deadline)?;
            let login = connection.bind(&entry.dn, proof.as_str(), deadline)?;
            match login.rc {
                code::SUCCESS => {
                    let result = operation(&mut connection, &entry, Some(proof), deadline)?;
                    if result.rc != code::INSUFFICIENT_ACCESS {
                        self.cache.clear();
                        return done(&connection, what, result);
                    }
                }
                // What was remembered of it let him in; the next request will not.
                code::INVALID_CREDENTIALS | code::NO_SUCH_OBJECT => {
                    self.cache.clear();
                    let server = connection.server().to_owned();
                    return Err(DirectoryError::Outdated { server, what }.into());
                }
                // Locked by a policy, say: the administrator must not do it in his name either.
                _ => {
                    self.cache.clear();
                    return Err(connection.refused("a login", login).into());
                }
            }
        }
        let mut connection = self.administer(deadline)?;
        let result = operation(&mut connection, &entry, None, deadline)?;
        self.cache.clear();
        done(&connection, what, result)
    }
}

/// How the attribute that enables an account says it.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Active => "Yes",
        State::Disabled => "No",
    }
}

/// What became of a change of a user's entry.
pub(super) fn done(
    connection: &Connection,
    what: &'static str,
    result: LdapResult,
) -> Result<(), AccountsError> {
    match result.rc {
        code::SUCCESS => Ok(()),
        code::NO_SUCH_OBJECT => Err(AccountsError::NotFound),
        code::CONSTRAINT_VIOLATION if what == "a new password" => {
            log::info!("{}", connection.refused(what, result));
            Err(AccountsError::PasswordRefused)
        }
        _ => Err(connection.refused(what, result).into()),
    }
}
