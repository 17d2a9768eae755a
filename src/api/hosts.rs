//! Which storage a request works on, within which limits (spec/config.md, 3, `[host:NAME]`).
//!
//! A client chooses its Host header, so a host is no wall: accounts and their ids are the same
//! everywhere, and whoever has one may use it on every host. He finds nobody's records but his
//! own there. What all storages together must do for an account stands here, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Node;
use super::Origin;
use crate::mail::Post;
use crate::storage::Storage;
use crate::storage::StorageError;
use crate::sync::BatchLimits;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// A storage and its limits; the calls of the storage API are calls of this.
#[derive(Clone)]
pub struct Hosted {
    /// The users' records.
    pub storage: Arc<dyn Storage>,
    /// How much of one POST is stored.
    pub batch: BatchLimits,
    /// The bytes that a user may store.
    pub quota: Option<u64>,
    /// Where browsers are sent that came by this host; absent: where all are.
    pub node: Option<Node>,
    /// Where people who came by this host find the pages; absent: where all do.
    pub url: Option<String>,
    /// Who takes mails, if anybody.
    pub post: Option<Arc<dyn Post>>,
}

/// The storages of all hosts.
#[derive(Clone)]
pub struct Hosts {
    plain: Hosted,
    named: BTreeMap<String, Hosted>,
    /// Each storage once, with the first name that it has; the plain one has none, and is first.
    storages: Vec<(Option<String>, Arc<dyn Storage>)>,
}

impl Hosts {
    /// What every host gets, and what those get that are named: in lower case, with a port if
    /// only that port is meant.
    #[must_use]
    pub fn new(plain: Hosted, named: BTreeMap<String, Hosted>) -> Self {
        let mut storages = vec![(None, Arc::clone(&plain.storage))];
        for (name, hosted) in &named {
            let mut known = storages.iter();
            if !known.any(|(_, known)| Arc::ptr_eq(known, &hosted.storage)) {
                storages.push((Some(name.clone()), Arc::clone(&hosted.storage)));
            }
        }
        Self {
            plain,
            named,
            storages,
        }
    }

    /// What a request gets that came this way. A name with the port goes before the bare name;
    /// a port that was not said is the scheme's usual one.
    #[must_use]
    pub fn of(&self, origin: Origin<'_>) -> &Hosted {
        if self.named.is_empty() {
            return &self.plain;
        }
        let Some((name, port)) = origin.name_and_port() else {
            return &self.plain;
        };
        let named = self.named.get(&format!("{name}:{port}"));
        let named = named.or_else(|| self.named.get(&name));
        named.unwrap_or(&self.plain)
    }

    /// What every host gets that is not named.
    #[must_use]
    pub const fn plain(&self) -> &Hosted {
        &self.plain
    }

    /// Each storage once: the plain one, which has no name, and those of hosts, with the name of
    /// one of them.
    pub fn storages(&self) -> impl Iterator<Item = (Option<&str>, &dyn Storage)> {
        let storages = self.storages.iter();
        storages.map(|(name, storage)| (name.as_deref(), storage.as_ref()))
    }

    /// The promised time for an answer that read nothing, whichever storage is meant.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        let times = self.storages().map(|(_, storage)| storage.time());
        times.min().unwrap_or_default()
    }

    /// Deletes expired records of one storage; returns how many, 0 when none are left anywhere.
    ///
    /// # Errors
    /// Those of a storage, when nothing was deleted in the others.
    pub fn purge(&self) -> Result<u64, StorageError> {
        let mut result = Ok(0);
        for (_, storage) in self.storages() {
            match storage.purge() {
                Ok(0) => {}
                Ok(records) => return Ok(records),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// The greatest user id that any record belongs to.
    ///
    /// # Errors
    /// Those of the storages.
    pub fn highest_user(&self) -> Result<UserId, StorageError> {
        let mut highest = UserId(0);
        for (_, storage) in self.storages() {
            highest = highest.max(storage.highest_user()?);
        }
        Ok(highest)
    }

    /// Deletes all records of a user.
    ///
    /// # Errors
    /// Those of the storages; then some have deleted them, and others not.
    pub fn delete_all(&self, user: UserId) -> Result<(), StorageError> {
        for (_, storage) in self.storages() {
            storage.delete_all(user)?;
        }
        Ok(())
    }

    /// Forgets a user whose account has gone, in every storage that can be reached.
    ///
    /// # Errors
    /// The last one of the storages'.
    pub(super) fn forget(&self, user: UserId) -> Result<(), StorageError> {
        let mut result = Ok(());
        for (_, storage) in self.storages() {
            if let Err(error) = storage.forget(user) {
                result = Err(error);
            }
        }
        result
    }
}
