//! Making an account in the original's layout: a number, and one entry.
//!
//! A new entry comes with an `{SSHA}` of ours, as the original's did: so it is there whole or not
//! at all. (Every later password is hashed by the server, see `change.rs`.) Nothing of what users
//! say is in its DN, which has the number.

use data_encoding::HEXLOWER;
use ldap3::LdapResult;
use ldap3::Mod;
use ldap3::Scope;
use sha1::Digest;
use sha1::Sha1;

use super::LdapAccounts;
use super::change::done;
use super::change::word;
use super::connection::Connection;
use super::connection::Search;
use super::connection::set;
use super::deadline::Deadline;
use super::directory::Found;
use super::error::DirectoryError;
use super::error::code;
use super::ids::FIRST;
use super::settings::LdapWriting;
use crate::accounts::Accounts;
use crate::accounts::AccountsError;
use crate::accounts::Credential;
use crate::accounts::NewAccount;
use crate::accounts::State;
use crate::accounts::hash::StoredHash;
use crate::accounts::names::MAX_NEW_NAME;
use crate::sync::UserId;

/// How many numbers are tried for a new account, as the original did.
const ATTEMPTS: usize = 10;

impl LdapAccounts {
    pub(super) fn make(&self, account: &NewAccount, floor: i64) -> Result<UserId, AccountsError> {
        let writing = self.writing()?;
        if account.name.as_str().len() > MAX_NEW_NAME {
            return Err(AccountsError::NameTooLong);
        }
        let hash = match &account.credential {
            Credential::Hash(hash) if hash.is_for_directory() => hash.clone(),
            Credential::Hash(_) => return Err(AccountsError::ForeignHash),
            Credential::Password(new) => StoredHash::create_for_directory(new.password())?,
        };
        if account.state == State::Disabled && !self.makes_disabled() {
            return Err(AccountsError::ReadOnly);
        }
        let deadline = self.deadline();
        match self.directory.find_anybody(&account.name, deadline)? {
            Found::None => {}
            Found::One(entry) => {
                let same = self.directory.name(&entry, &account.name);
                return Err(match same.as_ref() == Some(&account.name) {
                    true => AccountsError::NameTaken,
                    false => AccountsError::NameSimilar,
                });
            }
            Found::Several(_) => return Err(AccountsError::NameTaken),
        }
        let mut connection = self.administer(deadline)?;
        // What the storage knows of numbers of ours says nothing about those of the directory.
        let floor = if floor < FIRST { floor } else { 0 };
        let floor = floor.max(self.ids.highest_noted()?);
        for _ in 0..ATTEMPTS {
            let Some(id) = take_number(&mut connection, writing, floor, deadline)? else {
                continue;
            };
            if self.directory.is_taken(id, deadline)? {
                continue;
            }
            self.ids.note(id)?;
            let dn = format!("{}={id},{}", writing.id, writing.users);
            let result = self.add(&mut connection, &dn, id, account, &hash, deadline)?;
            match result.rc {
                code::SUCCESS => {
                    self.ensure_alone(&mut connection, &dn, account, deadline)?;
                    return Ok(id);
                }
                code::ALREADY_EXISTS => {}
                _ => return Err(connection.refused("a new entry", result).into()),
            }
        }
        Err(DirectoryError::MaxuidContended(writing.maxuid.clone()).into())
    }

    fn add(
        &self,
        connection: &mut Connection,
        dn: &str,
        id: UserId,
        account: &NewAccount,
        hash: &StoredHash,
        deadline: Deadline,
    ) -> Result<LdapResult, AccountsError> {
        let writing = self.writing()?;
        let names = &self.directory.attributes;
        let (id, name) = (id.to_string(), account.name.as_str());
        let classes: Vec<&str> = writing.object_classes.iter().map(String::as_str).collect();
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(AccountsError::Random)?;
        let verified = Sha1::new()
            .chain_update(random)
            .chain_update(name)
            .finalize();
        let verified = HEXLOWER.encode(&verified);
        let mut attributes: Vec<(&str, &[&str])> = vec![("objectClass", &classes)];
        let (values, number, hash) = ([name], [id.as_str()], [hash.as_str()]);
        attributes.push((&names.name, &values));
        for attribute in ["cn", "sn"] {
            if !names.name.eq_ignore_ascii_case(attribute) {
                attributes.push((attribute, &values));
            }
        }
        attributes.push((&writing.id, &number));
        attributes.push(("userPassword", &hash));
        let mail = account.email.as_ref().map(|email| [email.as_str()]);
        if let Some(mail) = &mail {
            attributes.push((&names.mail, mail));
        }
        let (verified, enabled) = ([verified.as_str()], [word(account.state)]);
        // What only the original's schema knows.
        if writing.is_of_original() {
            attributes.push(("mail-verified", &verified));
            if let Some(attribute) = &names.enabled {
                attributes.push((attribute, &enabled));
            }
            if let Some(node) = &names.node {
                attributes.push((node, &["weave:"]));
            }
            if writing.account_status {
                attributes.push(("accountStatus", &["1"]));
            }
        }
        Ok(connection.add(dn, &attributes, deadline)?)
    }

    /// A directory keeps no name from being given twice at the same time: then neither stays.
    fn ensure_alone(
        &self,
        connection: &mut Connection,
        dn: &str,
        account: &NewAccount,
        deadline: Deadline,
    ) -> Result<(), AccountsError> {
        if let Found::Several(_) = self.directory.find_anybody(&account.name, deadline)? {
            let result = connection.delete(dn, deadline)?;
            done(connection, "to take a new entry back", result)?;
            return Err(AccountsError::NameTaken);
        }
        Ok(())
    }
}

/// Takes the next number, above `floor`; absent when somebody else took it at the same time.
fn take_number(
    connection: &mut Connection,
    writing: &LdapWriting,
    floor: i64,
    deadline: Deadline,
) -> Result<Option<UserId>, AccountsError> {
    let attribute = writing.id.as_str();
    let missing = || DirectoryError::MaxuidMissing {
        dn: writing.maxuid.clone(),
        attribute: attribute.to_owned(),
    };
    let search = Search {
        base: &writing.maxuid,
        scope: Scope::Base,
        filter: "(objectClass=*)",
        attributes: &[attribute.to_owned()],
    };
    let entries = connection.find(search, 1, deadline)?;
    let old = entries.iter().flatten().next();
    let old = old.and_then(|entry| entry.text(attribute));
    let old = old.ok_or_else(missing)?;
    let next: i64 = old.parse().map_err(|_| missing())?;
    let id = next.max(floor.saturating_add(1)).max(1);
    if id >= FIRST {
        return Err(AccountsError::IdsExhausted(id));
    }
    let next = (id + 1).to_string();
    // Whoever is slower finds no old value to remove.
    let changes = vec![
        Mod::Delete(attribute, set(&[old])),
        Mod::Add(attribute, set(&[&next])),
    ];
    let result = connection.modify(&writing.maxuid, changes, deadline)?;
    match result.rc {
        code::SUCCESS => Ok(Some(UserId(id))),
        code::NO_SUCH_ATTRIBUTE => Ok(None),
        code::NO_SUCH_OBJECT => Err(missing().into()),
        _ => Err(connection.refused("the next number", result).into()),
    }
}
