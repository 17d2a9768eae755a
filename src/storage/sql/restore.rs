//! Putting records back with their times.
//!
//! Records of a user who never wrote keep their times: no device has heard of any later one. For
//! others each gets the time of the restore, so that devices that follow by times see it
//! ([`promise`](super::promise)); so does a record without a time, or from the future.

use std::collections::BTreeMap;

use super::Names;
use super::Owner;
use super::StorageError;
use super::delete;
use super::expiry_bound;
use super::summary;
use super::summary::Summary;
use crate::db::Row;
use crate::db::Session;
use crate::db::Value;
use crate::storage::Restored;
use crate::storage::Stored;
use crate::sync::CollectionName;
use crate::sync::Timestamp;
use crate::sync::Ttl;

/// A restore, within its transaction.
pub(super) struct Restore {
    names: Names,
    owner: Owner,
    /// Whether records keep their times.
    keeps_times: bool,
    /// The time of those that do not.
    time: Timestamp,
    collections: BTreeMap<CollectionName, Summary>,
    /// The latest time that was given to a record.
    newest: Option<Timestamp>,
    /// Whether any record got a new time.
    renews: bool,
    restored: Restored,
}

/// What a restore did.
pub(super) struct Outcome {
    pub(super) restored: Restored,
    /// The latest time of what was written; absent when nothing was.
    pub(super) newest: Option<Timestamp>,
    /// Whether something was written at the time of the restore.
    pub(super) renews: bool,
}

impl Restore {
    /// `last` is the time of the user's last write, `time` one above that and not before now.
    pub(super) fn new(names: Names, owner: Owner, last: Timestamp, time: Timestamp) -> Self {
        Self {
            names,
            owner,
            keeps_times: last == Timestamp::ZERO,
            time,
            collections: BTreeMap::new(),
            newest: None,
            renews: false,
            restored: Restored::default(),
        }
    }

    /// Puts one record back, unless what is here is as good or better.
    pub(super) fn take(
        &mut self,
        session: &mut Session<'_>,
        stored: &Stored<'_>,
    ) -> Result<(), StorageError> {
        let bound = expiry_bound(self.time);
        if stored.expires.is_some_and(|expires| expires <= bound) {
            self.restored.expired += 1;
            return Ok(());
        }
        let mut row = self.summary(session, stored.collection)?;
        let key = [
            (":id", stored.record.id.into()),
            (":user", self.owner.user.0.into()),
            (":collection", row.collection.into()),
        ];
        const FOUND: &str = "
            SELECT id, modified, payload, parentid, predecessorid, sortindex, ttl,
                COALESCE(payload_size, 0)
            FROM wbo
            WHERE id = :id AND username = :user AND collection = :collection";
        let sql = self.owner.table.sql(FOUND);
        let found = session.query_one(&sql, &key, |found| Found::new(found, stored))?;
        let params = self.params(stored, row.collection);
        let size = size_of(stored);
        match found {
            Some(Found::Same) => self.restored.same += 1,
            Some(Found::Newer) => self.restored.kept += 1,
            Some(Found::Older { size: before }) => {
                const UPDATE: &str = "
                    UPDATE wbo
                    SET parentid = :parentid, predecessorid = :predecessorid,
                        sortindex = :sortindex, modified = :modified, payload = :payload,
                        payload_size = :size, ttl = :ttl
                    WHERE id = :id AND username = :user AND collection = :collection";
                session.execute(&self.owner.table.sql(UPDATE), &params)?;
                row.bytes += size - before;
                self.restored.updated += 1;
                self.count(row, stored);
            }
            None => {
                const INSERT: &str = "
                    INSERT INTO wbo
                        (id, username, collection, parentid, predecessorid, sortindex, modified,
                        payload, payload_size, ttl)
                    VALUES
                        (:id, :user, :collection, :parentid, :predecessorid, :sortindex,
                        :modified, :payload, :size, :ttl)";
                session.execute(&self.owner.table.sql(INSERT), &params)?;
                row.records += 1;
                row.bytes += size;
                self.restored.added += 1;
                self.count(row, stored);
            }
        }
        Ok(())
    }

    /// Writes the summaries.
    pub(super) fn finish(self, session: &mut Session<'_>) -> Result<Outcome, StorageError> {
        for row in self.collections.values() {
            summary::store(session, self.owner.user, row)?;
        }
        Ok(Outcome {
            restored: self.restored,
            newest: self.newest,
            renews: self.renews,
        })
    }

    /// The summary of a collection so far, which gets an id if it has none. What has expired in
    /// it is deleted when it is first met: an expired record must not be in the way.
    fn summary(
        &mut self,
        session: &mut Session<'_>,
        collection: &CollectionName,
    ) -> Result<Summary, StorageError> {
        if let Some(row) = self.collections.get(collection) {
            return Ok(*row);
        }
        let user = self.owner.user;
        let id = self.names.find_or_create(session, user, collection)?;
        let mut row = summary::find(session, user, Some(id))?;
        if row.is_stale(self.time) {
            row = delete::expired_of(session, self.owner, &row, self.time)?;
        }
        self.collections.insert(collection.clone(), row);
        Ok(row)
    }

    /// Notes in the summary what was stored.
    fn count(&mut self, mut row: Summary, stored: &Stored<'_>) {
        let time = self.time_of(stored);
        row.modified = row.modified.max(time);
        row.expires = row.expires.min(stored.expires.unwrap_or(Ttl::NEVER));
        self.newest = self.newest.max(Some(time));
        self.renews |= time == self.time;
        self.collections.insert(stored.collection.clone(), row);
    }

    fn time_of(&self, stored: &Stored<'_>) -> Timestamp {
        let time = stored.record.modified;
        if self.keeps_times && time > Timestamp::ZERO && time < self.time {
            time
        } else {
            self.time
        }
    }

    fn params<'a>(&self, stored: &Stored<'a>, collection: i64) -> [(&'static str, Value<'a>); 10] {
        let record = &stored.record;
        [
            (":id", record.id.into()),
            (":user", self.owner.user.0.into()),
            (":collection", collection.into()),
            (":parentid", record.parentid.into()),
            (":predecessorid", record.predecessorid.into()),
            (":sortindex", record.sortindex.into()),
            (":modified", self.time_of(stored).centis().into()),
            (":payload", record.payload.into()),
            (":size", size_of(stored).into()),
            (":ttl", stored.expires.unwrap_or(Ttl::NEVER).into()),
        ]
    }
}

/// What is here under a record's id.
enum Found {
    /// Something that was written later, or at the same time.
    Newer,
    /// Something older, with a payload of so many bytes.
    Older { size: i64 },
    /// The very record, whenever it was written.
    Same,
}

impl Found {
    fn new(found: &Row<'_>, stored: &Stored<'_>) -> Self {
        let record = &stored.record;
        let expires = found.int(6).filter(|ttl| *ttl < Ttl::NEVER);
        if found.text(2) == record.payload
            && found.text(3) == record.parentid
            && found.text(4) == record.predecessorid
            && found.int(5) == record.sortindex
            && expires == stored.expires
        {
            return Self::Same;
        }
        if found.int(1).unwrap_or_default() >= record.modified.centis() {
            return Self::Newer;
        }
        Self::Older {
            size: found.int(7).unwrap_or_default(),
        }
    }
}

fn size_of(stored: &Stored<'_>) -> i64 {
    let size = stored.record.payload.map_or(0, str::len);
    i64::try_from(size).unwrap_or(i64::MAX)
}
