//! Accounts in a directory (spec/user-1.0.md, 9): OpenLDAP, and others that speak LDAP.
//!
//! A user logs in by being searched, as whoever serves us, and by binding as the entry that was
//! found. Unless the settings say so nothing is ever written to the directory, and whoever looks
//! after it makes and removes users there; with [`LdapWriting`] accounts are made and changed in
//! the original's layout. A user's id is a number of the directory (`uidNumber`), or else one of
//! ours ([`ids`]).
//!
//! Invariants: no name and no password reaches the directory unescaped, and none that is empty.
//! A call takes no longer than its time-out in all. A directory that is away or does not answer is
//! an error that passes, never a refusal. Connections are made by the thread that needs them, so
//! that nothing of the driver runs before a worker serves.

mod change;
mod connection;
mod connector;
mod create;
mod deadline;
mod directory;
mod entry;
mod error;
mod ids;
mod login;
mod pool;
mod probe;
mod settings;
mod uri;

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use zeroize::Zeroizing;

pub use probe::LdapProbe;
pub use settings::LdapAttributes;
pub use settings::LdapLogin;
pub use settings::LdapSettings;
pub use settings::LdapWriting;

use super::Account;
use super::Accounts;
use super::AccountsError;
use super::Email;
use super::Login;
use super::NewAccount;
use super::NewPassword;
use super::Password;
use super::State;
use super::UserName;
use super::cache::Cache;
use super::hash::StoredHash;
use crate::db::Database;
use crate::sync::UserId;
use deadline::Deadline;
use directory::Directory;
use directory::Found;
use entry::Entry;
use ids::FIRST;
use ids::Ids;

/// Accounts in a directory.
pub struct LdapAccounts {
    cache: Cache,
    check_account_state: bool,
    directory: Directory,
    ids: Ids,
    /// A DN that does not exist, for names that nobody has.
    nobody: String,
    timeout: Duration,
    writing: Option<LdapWriting>,
}

impl LdapAccounts {
    /// Makes what is missing in the database, where the numbers of ours are; connects to no
    /// directory. `known` is the highest id that the storage knows.
    ///
    /// # Errors
    /// [`AccountsError::DirectorySettings`], [`AccountsError::TableMissing`] when the table of
    /// numbers may not be made, and those of the database.
    pub fn open(
        mut settings: LdapSettings,
        database: Arc<Database>,
        known: UserId,
    ) -> Result<Self, AccountsError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(AccountsError::Random)?;
        let mut unguessed = [0; 16];
        getrandom::fill(&mut unguessed).map_err(AccountsError::Random)?;
        Ok(Self {
            cache: Cache::new(secret, settings.remembered),
            check_account_state: settings.check_account_state,
            nobody: login::nobody(&settings.attributes.name, &settings.search_root, &unguessed),
            ids: Ids::open(database, settings.create_tables, known)?,
            timeout: settings.timeout,
            writing: settings.writing.take(),
            directory: Directory::new(settings)?,
        })
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }

    /// The account of an entry, which gets a number if it has none.
    fn account(&self, asked: &UserName, entry: &Entry) -> Result<Account, AccountsError> {
        let name = self.directory.name(entry, asked);
        let name = name.unwrap_or_else(|| asked.clone());
        let id = match self.directory.number(entry) {
            Some(id) => id,
            None => self.ids.of(&self.directory.keys(entry, &name))?,
        };
        Ok(self.account_of(entry, name, id))
    }

    fn account_of(&self, entry: &Entry, name: UserName, id: UserId) -> Account {
        Account {
            id,
            name,
            email: self.directory.mail(entry),
            state: self.directory.state(entry),
            node: self.directory.node(entry),
        }
    }

    /// The entry of whoever has this name.
    fn entry_named(&self, name: &UserName) -> Result<Option<Entry>, AccountsError> {
        match self.directory.find(name, self.deadline())? {
            Found::None => Ok(None),
            Found::One(entry) => Ok(Some(entry)),
            Found::Several(entries) => {
                directory::tell_several(name, &entries);
                Err(AccountsError::NameAmbiguous)
            }
        }
    }

    /// The entry of a user.
    fn entry(&self, id: UserId, deadline: Deadline) -> Result<Entry, AccountsError> {
        let found = if id.0 < FIRST {
            self.directory.find_number(id, deadline)?
        } else {
            match self.ids.owner(id)? {
                Some(owner) => self.directory.find_owner(&owner, deadline)?,
                None => None,
            }
        };
        found.ok_or(AccountsError::NotFound)
    }
}

impl Accounts for LdapAccounts {
    fn find(&self, name: &UserName) -> Result<Option<Account>, AccountsError> {
        let entry = self.entry_named(name)?;
        entry.map(|entry| self.account(name, &entry)).transpose()
    }

    fn look_up(&self, name: &UserName) -> Result<Option<Option<String>>, AccountsError> {
        let entry = self.entry_named(name)?;
        Ok(entry.map(|entry| self.directory.node(&entry)))
    }

    fn authenticate(
        &self,
        name: &UserName,
        password: &Password,
        now: Instant,
    ) -> Result<Login, AccountsError> {
        self.log_in(name, password, now)
    }

    fn accepts_changes(&self) -> bool {
        self.writing.is_some()
    }

    fn makes_disabled(&self) -> bool {
        let enabled = &self.directory.attributes.enabled;
        let writing = self.writing.as_ref();
        enabled.is_some() && writing.is_some_and(LdapWriting::is_of_original)
    }

    fn create(&self, account: &NewAccount, floor: i64) -> Result<UserId, AccountsError> {
        self.make(account, floor)
    }

    fn delete(&self, id: UserId) -> Result<(), AccountsError> {
        self.remove(id)
    }

    fn rename(&self, _id: UserId, _name: &UserName) -> Result<(), AccountsError> {
        Err(AccountsError::NameFixed)
    }

    /// The directory keeps it to itself.
    fn stored_hash(&self, _id: UserId) -> Result<Option<StoredHash>, AccountsError> {
        Ok(None)
    }

    fn set_email(
        &self,
        id: UserId,
        email: Option<&Email>,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        self.change_mail(id, email, proof)
    }

    fn set_password(
        &self,
        id: UserId,
        password: &NewPassword,
        proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        self.change_password(id, password.password(), proof)
    }

    fn set_state(&self, id: UserId, state: State) -> Result<(), AccountsError> {
        self.change_state(id, state)
    }

    /// Those users who have a number: where numbers are ours, everybody who was ever here.
    fn list(&self, visit: &mut dyn FnMut(Account)) -> Result<(), AccountsError> {
        let mut accounts = Vec::new();
        let mut failure = None;
        self.directory.each(self.deadline(), |entry| {
            let Some(name) = self.directory.any_name(&entry) else {
                return;
            };
            let id = match self.directory.number(&entry) {
                Some(id) => Ok(Some(id)),
                None => self.ids.known(&self.directory.keys(&entry, &name)),
            };
            match id {
                Ok(Some(id)) => accounts.push(self.account_of(&entry, name, id)),
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        accounts.sort_by_key(|account| account.id.0);
        accounts.into_iter().for_each(visit);
        Ok(())
    }

    fn nameless(&self) -> Result<Vec<UserId>, AccountsError> {
        let mut nameless = Vec::new();
        self.directory.each(self.deadline(), |entry| {
            if self.directory.any_name(&entry).is_none() {
                nameless.extend(self.directory.number(&entry));
            }
        })?;
        Ok(nameless)
    }

    fn highest_id(&self) -> Result<i64, AccountsError> {
        Ok(self.ids.highest()?.max(self.ids.highest_noted()?))
    }
}
