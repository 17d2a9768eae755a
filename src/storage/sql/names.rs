//! Collection names and their ids (spec/storage-1.1.md, 7.2).

use std::collections::HashMap;

use super::StorageError;
use crate::db::Flow;
use crate::db::Session;
use crate::sync::CollectionName;
use crate::sync::UserId;

/// Which collection names have ids of their own, without a row in `collections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `fixed_collections = true`: the newer list.
    Fixed,
    /// Neither: every name has a row, per user, ids from 0.
    Free,
    /// `standard_collections = true`: the older list, which misspells two names.
    Standard,
}

/// The names of ids 1, 2, ...
const FIXED: [&str; 11] = [
    "clients",
    "crypto",
    "forms",
    "history",
    "keys",
    "meta",
    "bookmarks",
    "prefs",
    "tabs",
    "passwords",
    "addons",
];
const STANDARD: [&str; 10] = [
    "client",
    "crypto",
    "forms",
    "history",
    "key",
    "meta",
    "bookmarks",
    "prefs",
    "tabs",
    "passwords",
];

/// The first id of a name that is not in a list: the original never ends when a user's highest
/// id is below it.
const FIRST_OWN_ID: i64 = 100;

impl Names {
    const fn list(self) -> &'static [&'static str] {
        match self {
            Self::Fixed => &FIXED,
            Self::Free => &[],
            Self::Standard => &STANDARD,
        }
    }

    /// Whether an id belongs to a name of the list.
    pub(super) fn lists(self, id: i64) -> bool {
        usize::try_from(id).is_ok_and(|id| (1..=self.list().len()).contains(&id))
    }

    /// The name of an id that is in the list.
    #[must_use]
    pub fn listed_name(self, id: i64) -> Option<&'static str> {
        let place = usize::try_from(id).ok()?.checked_sub(1)?;
        self.list().get(place).copied()
    }

    pub(super) fn listed_id(self, name: &str) -> Option<i64> {
        let place = self.list().iter().position(|listed| *listed == name)?;
        i64::try_from(place + 1).ok()
    }

    /// The id of a collection, if it has one.
    pub(super) fn find(
        self,
        session: &mut Session<'_>,
        user: UserId,
        name: &CollectionName,
    ) -> Result<Option<i64>, StorageError> {
        if let Some(id) = self.listed_id(name.as_str()) {
            return Ok(Some(id));
        }
        const FIND: &str = "
            SELECT MIN(collectionid)
            FROM collections
            WHERE userid = :user AND name = :name";
        let params = [(":user", user.0.into()), (":name", name.as_str().into())];
        let found = session.query_ints(FIND, &params)?;
        Ok(found.and_then(|[id]| id))
    }

    /// The id of a collection, which gets one if it has none.
    pub(super) fn find_or_create(
        self,
        session: &mut Session<'_>,
        user: UserId,
        name: &CollectionName,
    ) -> Result<i64, StorageError> {
        match self.find(session, user, name)? {
            Some(id) => Ok(id),
            None => self.create(session, user, name),
        }
    }

    /// Gives a collection that has none an id.
    pub(super) fn create(
        self,
        session: &mut Session<'_>,
        user: UserId,
        name: &CollectionName,
    ) -> Result<i64, StorageError> {
        // Also above ids whose names were lost: their records must not appear under a new one.
        const HIGHEST: &str = "
            SELECT MAX(id)
            FROM (
                SELECT MAX(collectionid) AS id FROM collections WHERE userid = :user
                UNION ALL
                SELECT MAX(collectionid) AS id FROM weaved_collections WHERE userid = :user
            ) AS ids";
        let highest = session.query_one(HIGHEST, &[(":user", user.0.into())], |row| row.int(0))?;
        let first = if self == Self::Free { 0 } else { FIRST_OWN_ID };
        let id = highest
            .flatten()
            .map_or(first, |highest| first.max(highest.saturating_add(1)));
        const CREATE: &str = "
            INSERT INTO collections (userid, collectionid, name)
            VALUES (:user, :id, :name)";
        let params = [
            (":user", user.0.into()),
            (":id", id.into()),
            (":name", name.as_str().into()),
        ];
        session.execute(CREATE, &params)?;
        Ok(id)
    }

    /// The names of a user's collections, by id.
    pub(super) fn all(
        self,
        session: &mut Session<'_>,
        user: UserId,
    ) -> Result<HashMap<i64, String>, StorageError> {
        let mut names: HashMap<i64, String> = (1..)
            .zip(self.list())
            .map(|(id, name)| (id, (*name).to_owned()))
            .collect();
        const ALL: &str = "
            SELECT collectionid, name
            FROM collections
            WHERE userid = :user";
        session.query::<StorageError>(ALL, &[(":user", user.0.into())], |row| {
            if let (Some(id), Some(name)) = (row.int(0), row.text(1)) {
                names.entry(id).or_insert_with(|| name.to_owned());
            }
            Ok(Flow::Continue(()))
        })?;
        Ok(names)
    }
}
