//! The calls that read.

use std::ops::ControlFlow;

use super::Names;
use super::Owner;
use super::Records;
use super::StorageError;
use super::Tables;
use super::Usage;
use super::expiry_bound;
use super::select::Selection;
use super::summary;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Row;
use crate::db::Session;
use crate::db::Snapshot;
use crate::storage::Collections;
use crate::sync::CollectionName;
use crate::sync::Record;
use crate::sync::RecordId;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::UserId;

/// The collections of a user, and the first second in which a record of theirs expires.
pub(super) fn collections(
    session: &mut Session<'_>,
    names: Names,
    user: UserId,
) -> Result<(Collections, i64), StorageError> {
    const COLLECTIONS: &str = "
        SELECT w.collectionid, w.modified, c.name, w.expires
        FROM weaved_collections AS w
            LEFT JOIN collections AS c USING (userid, collectionid)
        WHERE w.userid = :user";
    let (mut found, mut expires) = (Vec::new(), Ttl::NEVER);
    session.query::<StorageError>(COLLECTIONS, &[(":user", user.0.into())], |row| {
        let id = row.int(0).unwrap_or_default();
        expires = expires.min(row.int(3).unwrap_or(Ttl::NEVER));
        // A row whose name was lost belongs to records that nobody can ask for.
        if let Some(name) = names.listed_name(id).or(row.text(2)) {
            let modified = Timestamp::from_centis(row.int(1).unwrap_or_default());
            found.push((name.to_owned(), modified));
        }
        Ok(Flow::Continue(()))
    })?;
    Ok((found.into(), expires))
}

pub(super) fn usage(
    session: &mut Session<'_>,
    names: Names,
    owner: Owner,
    now: Timestamp,
) -> Result<Vec<(String, Usage)>, StorageError> {
    let mut names = names.all(session, owner.user)?;
    let mut all = Vec::new();
    for row in summary::all(session, owner.user)? {
        let Some(name) = names.remove(&row.collection) else {
            continue;
        };
        let usage = summary::usage(session, owner, &row, now)?;
        if usage.records > 0 {
            all.push((name, usage));
        }
    }
    Ok(all)
}

/// Lends a record and answers the user's last write, if there is such a record: in one query.
pub(super) fn record(
    session: &mut Session<'_>,
    names: Names,
    owner: Owner,
    collection: &CollectionName,
    id: &RecordId,
    now: Timestamp,
    visit: &mut dyn FnMut(&Record<'_>),
) -> Result<Option<Timestamp>, StorageError> {
    const LISTED: &str = "
        SELECT id, modified, payload, parentid, predecessorid, sortindex,
            (SELECT last_write FROM weaved_users WHERE userid = :user)
        FROM wbo
        WHERE id = :id AND username = :user AND collection = :collection
            AND (ttl > :now OR ttl IS NULL)";
    const NAMED: &str = "
        SELECT id, modified, payload, parentid, predecessorid, sortindex,
            (SELECT last_write FROM weaved_users WHERE userid = :user)
        FROM wbo
        WHERE id = :id AND username = :user AND collection = (
                SELECT MIN(collectionid)
                FROM collections
                WHERE userid = :user AND name = :name
            )
            AND (ttl > :now OR ttl IS NULL)";
    let listed = names.listed_id(collection.as_str());
    let sql = if listed.is_some() { LISTED } else { NAMED };
    let params = [
        (":id", id.as_str().into()),
        (":user", owner.user.0.into()),
        (":collection", listed.into()),
        (":name", collection.as_str().into()),
        (":now", expiry_bound(now).into()),
    ];
    let last = session.query_one(&owner.table.sql(sql), &params, |row| {
        visit(&full(row));
        row.int(6)
    })?;
    Ok(last.map(|last| Timestamp::from_centis(last.unwrap_or_default())))
}

/// A user's last write, and the id of a collection, if it has one.
pub(super) fn place(
    session: &mut Session<'_>,
    names: Names,
    user: UserId,
    collection: &CollectionName,
) -> Result<(Timestamp, Option<i64>), StorageError> {
    if let Some(id) = names.listed_id(collection.as_str()) {
        return Ok((summary::last_write(session, user)?, Some(id)));
    }
    const PLACE: &str = "
        SELECT (SELECT last_write FROM weaved_users WHERE userid = :user),
            (SELECT MIN(collectionid) FROM collections WHERE userid = :user AND name = :name)";
    let params = [
        (":user", user.0.into()),
        (":name", collection.as_str().into()),
    ];
    let [last, id] = session.query_ints(PLACE, &params)?.unwrap_or_default();
    Ok((Timestamp::from_centis(last.unwrap_or_default()), id))
}

/// A selection that is known to be empty.
pub(super) struct NoRecords {
    pub(super) time: Timestamp,
}

impl Records for NoRecords {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn known_usage(&mut self) -> Result<Option<Usage>, StorageError> {
        Ok(Some(Usage::default()))
    }

    fn count(&mut self) -> Result<u64, StorageError> {
        Ok(0)
    }

    fn each(
        &mut self,
        _skip: u64,
        _visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        Ok(())
    }
}

/// The records of a selection in a snapshot.
pub(super) struct SqlRecords {
    pub(super) snapshot: Snapshot,
    pub(super) query: Selection,
    pub(super) time: Timestamp,
}

impl Records for SqlRecords {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn known_usage(&mut self) -> Result<Option<Usage>, StorageError> {
        let mut session = self.snapshot.session();
        match session.dialect() {
            Dialect::Sqlite => self.query.known_usage(&mut session),
            // A way to the server for each small collection costs more than it spares for large
            // ones.
            Dialect::MySql | Dialect::PostgreSql => Ok(None),
        }
    }

    fn count(&mut self) -> Result<u64, StorageError> {
        let mut session = self.snapshot.session();
        if let Some(count) = self.query.known_count(&mut session)? {
            return Ok(count);
        }
        let sql = self.query.count(session.dialect());
        let count = session.query_one(&sql, &self.query.params(0), |row| row.int(0))?;
        Ok(count
            .flatten()
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or_default())
    }

    fn each(
        &mut self,
        skip: u64,
        visit: &mut dyn FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let read = if self.query.is_full() { full } else { id_only };
        let params = self.query.params(skip);
        let mut session = self.snapshot.session();
        let sql = self.query.select(session.dialect());
        session.query(&sql, &params, |row| {
            Ok::<Flow, StorageError>(visit(&read(row)))
        })
    }
}

pub(super) fn full<'a>(row: &'a Row<'_>) -> Record<'a> {
    Record {
        id: row.text(0).unwrap_or_default(),
        modified: Timestamp::from_centis(row.int(1).unwrap_or_default()),
        payload: row.text(2),
        parentid: row.text(3),
        predecessorid: row.text(4),
        sortindex: row.int(5),
    }
}

fn id_only<'a>(row: &'a Row<'_>) -> Record<'a> {
    Record {
        id: row.text(0).unwrap_or_default(),
        modified: Timestamp::ZERO,
        payload: None,
        parentid: None,
        predecessorid: None,
        sortindex: None,
    }
}

pub(super) fn highest_user(
    session: &mut Session<'_>,
    tables: Tables,
) -> Result<UserId, StorageError> {
    const HIGHEST: &str = "SELECT MAX(username) FROM wbo";
    const OTHERS: [&str; 2] = [
        "SELECT MAX(userid) FROM collections",
        "SELECT MAX(userid) FROM weaved_users",
    ];
    let of_records = tables.all().map(|table| table.sql(HIGHEST).into_owned());
    let mut highest = 0;
    for sql in of_records.chain(OTHERS.map(str::to_owned)) {
        let id = session.query_one(&sql, &[], |row| row.int(0))?;
        highest = highest.max(id.flatten().unwrap_or_default());
    }
    Ok(UserId(highest))
}
