//! Deleting records, on request and because they have expired.

use super::StorageError;
use super::expiry_bound;
use super::select::Selection;
use super::summary;
use super::summary::Summary;
use crate::db::Session;
use crate::sync::Query;
use crate::sync::Timestamp;
use crate::sync::UserId;

pub(super) fn records(
    session: &mut Session<'_>,
    user: UserId,
    collection: i64,
    query: &Query,
    unmodified_since: Option<Timestamp>,
    time: Timestamp,
) -> Result<(), StorageError> {
    let mut row = summary::find(session, user, Some(collection))?;
    summary::unmodified(&row, unmodified_since)?;
    let selection = Selection::new(user, Some(collection), query.clone(), time);
    let params = selection.params(0);
    let doomed = session.query_one(&selection.doomed(), &params, |row| {
        (
            row.int(0).unwrap_or_default(),
            row.int(1).unwrap_or_default(),
        )
    })?;
    let (records, bytes) = doomed.unwrap_or_default();
    if records == 0 {
        return Ok(());
    }
    session.execute(&selection.delete(), &params)?;
    if selection.is_everything() {
        row = Summary::empty(collection);
    } else {
        row.records -= records;
        row.bytes -= bytes;
        row.modified = time;
    }
    summary::store(session, user, &row)
}

pub(super) fn all(session: &mut Session<'_>, user: UserId) -> Result<(), StorageError> {
    const ALL: [&str; 3] = [
        "DELETE FROM wbo WHERE username = :user",
        "DELETE FROM collections WHERE userid = :user",
        "DELETE FROM weaved_collections WHERE userid = :user",
    ];
    for sql in ALL {
        session.execute(sql, &[(":user", user.0.into())])?;
    }
    Ok(())
}

pub(super) fn forget(session: &mut Session<'_>, user: UserId) -> Result<(), StorageError> {
    all(session, user)?;
    summary::set_last_write(session, user, summary::FORGOTTEN)
}

/// Deletes the expired records of some collections; returns how many.
pub(super) fn expired(
    session: &mut Session<'_>,
    collections: &[(UserId, i64)],
    now: Timestamp,
) -> Result<u64, StorageError> {
    let mut records = 0;
    for (user, collection) in collections {
        let before = summary::find(session, *user, Some(*collection))?;
        if before.is_stale(now) {
            let after = expired_of(session, *user, &before, now)?;
            summary::store(session, *user, &after)?;
            records += before.records - after.records;
        }
    }
    Ok(u64::try_from(records).unwrap_or_default())
}

/// Deletes the expired records of a collection; returns its new summary, which is the caller's
/// to store. The collection's time stays: to clients nothing has changed.
pub(super) fn expired_of(
    session: &mut Session<'_>,
    user: UserId,
    row: &Summary,
    now: Timestamp,
) -> Result<Summary, StorageError> {
    const EXPIRED: &str = "
        DELETE FROM wbo
        WHERE username = :user AND collection = :collection AND ttl <= :now";
    let params = [
        (":user", user.0.into()),
        (":collection", row.collection.into()),
        (":now", expiry_bound(now).into()),
    ];
    session.execute(EXPIRED, &params)?;
    summary::count(session, user, row)
}
