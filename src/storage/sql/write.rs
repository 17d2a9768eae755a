//! Storing records.

use std::collections::HashSet;

use super::Names;
use super::Owner;
use super::StorageError;
use super::Write;
use super::delete;
use super::expiry_bound;
use super::summary;
use super::summary::Summary;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Params;
use crate::db::Session;
use crate::db::Value;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::Wbo;

/// Stores records at `time`; answers the bytes that were left before, when there is a quota.
pub(super) fn write(
    session: &mut Session<'_>,
    names: Names,
    owner: Owner,
    write: &Write<'_>,
    time: Timestamp,
) -> Result<Option<u64>, StorageError> {
    let found = names.find(session, write.user, write.collection)?;
    let before = summary::find(session, owner.user, found)?;
    summary::unmodified(&before, write.unmodified_since)?;
    let left = left(session, owner, write, time)?;
    if !write.records.is_empty() {
        let collection = match found {
            Some(collection) => collection,
            None => names.create(session, write.user, write.collection)?,
        };
        let mut row = Summary {
            collection,
            ..before
        };
        if row.is_stale(time) {
            row = delete::expired_of(session, owner, &row, time)?;
        }
        let records: Vec<New<'_>> = write
            .records
            .iter()
            .map(|record| New::of(record, owner, collection, time))
            .collect();
        for new in store_absent(session, owner, &records, &mut row)? {
            store(session, owner, new, &mut row, time)?;
        }
        row.modified = time;
        summary::store(session, write.user, &row)?;
    }
    Ok(left)
}

/// The bytes that a user's quota leaves him, if he has one.
///
/// Refuses by what is stored, not by what comes; a write without any payload only tidies up.
pub(super) fn left(
    session: &mut Session<'_>,
    owner: Owner,
    write: &Write<'_>,
    now: Timestamp,
) -> Result<Option<u64>, StorageError> {
    let Some(quota) = write.quota else {
        return Ok(None);
    };
    let left = quota.saturating_sub(summary::used(session, owner, now)?);
    let tidies_up =
        !write.records.is_empty() && write.records.iter().all(|record| record.payload.is_none());
    if left == 0 && !tidies_up {
        return Err(StorageError::OverQuota);
    }
    Ok(Some(left))
}

/// A record on its way into the table.
struct New<'a> {
    id: &'a str,
    /// In the order of the statements.
    params: [(&'static str, Value<'a>); 10],
    /// The bytes of its payload, if it has one.
    size: Option<i64>,
    /// When it expires; absent when it lives on as it did.
    expiry: Option<i64>,
}

impl<'a> New<'a> {
    /// The parameters that say whose record it is, and in which collection.
    const fn place(&self) -> [(&'static str, Value<'a>); 2] {
        let [_, user, collection, ..] = self.params;
        [user, collection]
    }

    fn of(record: &'a Wbo<'_>, owner: Owner, collection: i64, time: Timestamp) -> Self {
        let size = record
            .payload
            .as_ref()
            .map(|payload| i64::try_from(payload.len()));
        let size = size.map(|size| size.unwrap_or(i64::MAX));
        // A payload without ttl lives for ever; without a payload the record lives on as it did.
        let expiry = match (record.ttl, size) {
            (Some(ttl), _) => Some(ttl.expiry(time)),
            (None, Some(_)) => Some(Ttl::NEVER),
            (None, None) => None,
        };
        let id = record.id.as_deref().unwrap_or_default();
        let params = [
            (":id", id.into()),
            (":user", owner.user.0.into()),
            (":collection", collection.into()),
            (":parentid", record.parentid.as_deref().into()),
            (":predecessorid", record.predecessorid.as_deref().into()),
            (":sortindex", record.sortindex.into()),
            (":modified", time.centis().into()),
            (":payload", record.payload.as_deref().into()),
            (":size", size.into()),
            (":ttl", expiry.into()),
        ];
        Self {
            id,
            params,
            size,
            expiry,
        }
    }
}

/// Creates those records that are not there, as most are not, all at once; answers the others.
fn store_absent<'a, 'b>(
    session: &mut Session<'_>,
    owner: Owner,
    records: &'a [New<'b>],
    row: &mut Summary,
) -> Result<Vec<&'a New<'b>>, StorageError> {
    for new in records {
        row.expires = row.expires.min(new.expiry.unwrap_or(Ttl::NEVER));
    }
    let (absent, mut others, insert) = match (session.dialect(), records) {
        // Each is asked for before it is stored as one of the others.
        (Dialect::MySql, [one]) => (Vec::new(), vec![one], INSERT),
        (Dialect::MySql, _) => {
            let (absent, others) = part(session, owner, records)?;
            (absent, others, INSERT)
        }
        (Dialect::PostgreSql | Dialect::Sqlite, _) => {
            (records.iter().collect(), Vec::new(), INSERT_NEW)
        }
    };
    let all: Vec<&Params<'_>> = absent.iter().map(|new| new.params.as_slice()).collect();
    let mut places = absent.iter();
    session.execute_each(&owner.table.sql(insert), &all, |found| {
        let Some(new) = places.next() else { return };
        if found == 0 {
            others.push(new);
            return;
        }
        row.records += 1;
        row.bytes += new.size.unwrap_or_default();
    })?;
    Ok(others)
}

/// Parts records that are certainly not there from the others, where a database cannot tell when
/// they are made which were there before.
fn part<'a, 'b>(
    session: &mut Session<'_>,
    owner: Owner,
    records: &'a [New<'b>],
) -> Result<(Vec<&'a New<'b>>, Vec<&'a New<'b>>), StorageError> {
    let Some([user, collection]) = records.first().map(New::place) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let sql = format!(
        "SELECT id FROM wbo WHERE username = :user AND collection = :collection AND {}",
        session.dialect().among("id", ":ids")
    );
    // An old table may take two ids for one that differ in spaces at their ends.
    let bare = |id: &str| id.trim_end_matches(' ').to_owned();
    let ids: Vec<String> = records.iter().map(|new| new.id.to_owned()).collect();
    let params = [user, collection, (":ids", ids.as_slice().into())];
    let mut taken = HashSet::new();
    session.query::<StorageError>(&owner.table.sql(&sql), &params, |row| {
        taken.extend(row.text(0).map(bare));
        Ok(Flow::Continue(()))
    })?;
    // The second one of an id is no new record.
    Ok(records.iter().partition(|new| taken.insert(bare(new.id))))
}

/// Creates or updates one record and counts it into the summary.
fn store(
    session: &mut Session<'_>,
    owner: Owner,
    new: &New<'_>,
    row: &mut Summary,
    time: Timestamp,
) -> Result<(), StorageError> {
    let sql = |statement| owner.table.sql(statement);
    let New { params, size, .. } = new;
    let [id, user, collection, ..] = *params;
    let key = [id, user, collection];
    const STORED: &str = "
        SELECT COALESCE(payload_size, 0), ttl
        FROM wbo
        WHERE id = :id AND username = :user AND collection = :collection";
    let stored = session.query_one(&sql(STORED), &key, |found| {
        (
            found.int(0).unwrap_or_default(),
            found.int(1).unwrap_or(Ttl::NEVER),
        )
    })?;
    // An expired record that was not purged (one of this very batch) is as good as absent.
    let alive = stored.filter(|(_, ttl)| *ttl > expiry_bound(time));
    if stored.is_some() && alive.is_none() {
        const REMOVE: &str = "
            DELETE FROM wbo
            WHERE id = :id AND username = :user AND collection = :collection";
        session.execute(&sql(REMOVE), &key)?;
        row.records -= 1;
        row.bytes -= stored.map_or(0, |(size, _)| size);
    }
    if let Some((old_size, _)) = alive {
        const UPDATE: &str = "
            UPDATE wbo
            SET parentid = COALESCE(:parentid, parentid),
                predecessorid = COALESCE(:predecessorid, predecessorid),
                sortindex = COALESCE(:sortindex, sortindex),
                modified = :modified,
                payload = COALESCE(:payload, payload),
                payload_size = COALESCE(:size, payload_size),
                ttl = COALESCE(:ttl, ttl)
            WHERE id = :id AND username = :user AND collection = :collection";
        session.execute(&sql(UPDATE), params)?;
        row.bytes += size.map_or(0, |size| size - old_size);
    } else {
        session.execute(&sql(INSERT), params)?;
        row.records += 1;
        row.bytes += size.unwrap_or_default();
    }
    Ok(())
}

/// The statement that makes a record, and what follows it.
macro_rules! insert {
    ($more:literal) => {
        concat!(
            "INSERT INTO wbo
                (id, username, collection, parentid, predecessorid, sortindex, modified, payload,
                payload_size, ttl)
            VALUES
                (:id, :user, :collection, :parentid, :predecessorid, :sortindex, :modified,
                :payload, COALESCE(:size, 0), COALESCE(:ttl, 2100000000))",
            $more
        )
    };
}

const INSERT: &str = insert!("");

/// Changes nothing where the record is there already.
const INSERT_NEW: &str = insert!(" ON CONFLICT DO NOTHING");
