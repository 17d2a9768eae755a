//! Deleting records, on request and because they have expired.

use super::Owner;
use super::StorageError;
use super::expiry_bound;
use super::select::Selection;
use super::summary;
use super::summary::Summary;
use crate::db::Session;
use crate::sync::Query;
use crate::sync::Timestamp;

pub(super) fn records(
    session: &mut Session<'_>,
    owner: Owner,
    collection: i64,
    query: &Query,
    unmodified_since: Option<Timestamp>,
    time: Timestamp,
) -> Result<(), StorageError> {
    let mut row = summary::find(session, owner.user, Some(collection))?;
    summary::unmodified(&row, unmodified_since)?;
    let selection = Selection::new(owner, Some(collection), query.clone(), time);
    let params = selection.params(0);
    let dialect = session.dialect();
    let doomed = session.query_one(&selection.doomed(dialect), &params, |row| {
        (
            row.int(0).unwrap_or_default(),
            row.int(1).unwrap_or_default(),
        )
    })?;
    let (records, bytes) = doomed.unwrap_or_default();
    if records == 0 {
        return Ok(());
    }
    session.execute(&selection.delete(dialect), &params)?;
    if selection.is_everything() {
        row = Summary::empty(collection);
    } else {
        row.records -= records;
        row.bytes -= bytes;
        row.modified = time;
    }
    summary::store(session, owner.user, &row)
}

pub(super) fn all(session: &mut Session<'_>, owner: Owner) -> Result<(), StorageError> {
    const ALL: [&str; 3] = [
        "DELETE FROM wbo WHERE username = :user",
        "DELETE FROM collections WHERE userid = :user",
        "DELETE FROM weaved_collections WHERE userid = :user",
    ];
    for sql in ALL {
        session.execute(&owner.table.sql(sql), &[(":user", owner.user.0.into())])?;
    }
    Ok(())
}

pub(super) fn forget(
    session: &mut Session<'_>,
    owner: Owner,
    now: Timestamp,
) -> Result<(), StorageError> {
    match summary::lock(session, owner.user) {
        Ok(_) | Err(StorageError::Forgotten) => {}
        Err(error) => return Err(error),
    }
    all(session, owner)?;
    summary::set_last_write(session, owner.user, summary::forgotten_at(now))
}

/// Deletes the expired records of some collections of a user; returns how many.
pub(super) fn expired(
    session: &mut Session<'_>,
    owner: Owner,
    collections: &[i64],
    now: Timestamp,
) -> Result<i64, StorageError> {
    summary::lock(session, owner.user)?;
    let mut records = 0;
    for collection in collections {
        let before = summary::find(session, owner.user, Some(*collection))?;
        if before.is_stale(now) {
            let after = expired_of(session, owner, &before, now)?;
            summary::store(session, owner.user, &after)?;
            records += before.records - after.records;
        }
    }
    Ok(records)
}

/// Deletes the expired records of a collection; returns its new summary, which is the caller's
/// to store. The collection's time stays: to clients nothing has changed.
pub(super) fn expired_of(
    session: &mut Session<'_>,
    owner: Owner,
    row: &Summary,
    now: Timestamp,
) -> Result<Summary, StorageError> {
    const EXPIRED: &str = "
        DELETE FROM wbo
        WHERE username = :user AND collection = :collection AND ttl <= :now";
    let params = [
        (":user", owner.user.0.into()),
        (":collection", row.collection.into()),
        (":now", expiry_bound(now).into()),
    ];
    session.execute(&owner.table.sql(EXPIRED), &params)?;
    summary::count(session, owner, row)
}
