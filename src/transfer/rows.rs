//! Rows of records as other servers have them.
//!
//! What they have in common is read once: a `SELECT` has the columns of [`columns`], in that
//! order, and each row becomes a record or a reason.

use super::Take;
use super::elsewhere::flow;
use crate::db::DbError;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Params;
use crate::db::Row;
use crate::db::Session;
use crate::storage::StorageError;
use crate::storage::Stored;
use crate::sync::CollectionName;
use crate::sync::Record;
use crate::sync::Timestamp;
use crate::sync::Ttl;

/// Why a record without a name is none.
pub(super) const NO_NAME: &str = "a collection that has no name, or one that no URL can hold";

/// How a server keeps times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// `modified` in whole centiseconds, `ttl` the second of the expiry.
    Centiseconds,
    /// `modified` a floating number of seconds, `ttl` seconds from then.
    Seconds,
}

/// What is selected of a record. Its collection comes first, as that server has it.
pub(super) fn columns(collection: &str, times: Times, dialect: Dialect) -> String {
    let modified = match (times, dialect) {
        (Times::Centiseconds, _) => "modified",
        (Times::Seconds, Dialect::MySql) => "CAST(ROUND(modified * 100) AS SIGNED)",
        (Times::Seconds, Dialect::PostgreSql) => {
            "CAST(ROUND(CAST(modified AS NUMERIC) * 100) AS BIGINT)"
        }
        (Times::Seconds, Dialect::Sqlite) => "CAST(ROUND(modified * 100) AS INTEGER)",
    };
    format!(
        "{collection}, id, {modified}, payload, CASE WHEN payload IS NULL THEN 1 ELSE 0 END, \
         parentid, predecessorid, sortindex, ttl"
    )
}

/// Lends the records of a statement with [`columns`]; `name` tells what their collection is called.
pub(super) fn each(
    session: &mut Session<'_>,
    sql: &str,
    params: &Params<'_>,
    times: Times,
    name: &mut dyn FnMut(&Row<'_>) -> Option<CollectionName>,
    take: &mut Take<'_>,
) -> Result<(), StorageError> {
    let mut refused = None;
    let read = session.query::<StorageError>(sql, params, |row| {
        let taken = match name(row) {
            None => take(Err(NO_NAME)),
            Some(collection) => one(row, &collection, times, take),
        };
        if let Err(error) = taken {
            // Not this database's error: it must not look like one.
            refused = Some(error);
            return Ok(Flow::Break(()));
        }
        flow(Ok(()))
    });
    match (refused, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(unreadable(error)),
        (None, Ok(())) => Ok(()),
    }
}

fn one(
    row: &Row<'_>,
    collection: &CollectionName,
    times: Times,
    take: &mut Take<'_>,
) -> Result<(), StorageError> {
    let Some(id) = row.text(1) else {
        return take(Err("an id that no client makes"));
    };
    let payload = row.text(3);
    if payload.is_none() && row.int(4) == Some(0) {
        return take(Err("a payload that is no text"));
    }
    let modified = Timestamp::from_centis(row.int(2).unwrap_or_default().max(0));
    let expires = row.int(8).map(|ttl| match times {
        Times::Centiseconds => ttl,
        Times::Seconds => modified.seconds().saturating_add(ttl),
    });
    take(Ok(&Stored {
        collection,
        record: Record {
            id,
            modified,
            payload,
            parentid: row.text(5),
            predecessorid: row.text(6),
            sortindex: row.int(7),
        },
        expires: expires.filter(|until| *until < Ttl::NEVER),
    }))
}

/// An error of the other server's database, which is none of ours.
pub(super) fn unreadable(error: StorageError) -> StorageError {
    match error {
        StorageError::Database(error) => StorageError::Source(error.into()),
        error => error,
    }
}

/// The same for what was asked beside records.
pub(super) fn cannot_read(error: DbError) -> StorageError {
    StorageError::Source(error.into())
}
