//! One row per user and collection: the time of the last change, the number of records, their
//! bytes; and one per user: the time of the last write.
//!
//! Invariant: kept in the same transaction as the records, so that the frequent calls need not
//! look at records. A row exists exactly as long as the collection holds records. `expires` is
//! a time before which no record of the collection expires: until then the row's sums hold for
//! unexpired records too.

use super::Owner;
use super::StorageError;
use super::Usage;
use super::expiry_bound;
use super::schema;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Row;
use crate::db::Session;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::UserId;

/// The summary of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) collection: i64,
    pub(super) modified: Timestamp,
    pub(super) records: i64,
    pub(super) bytes: i64,
    /// Seconds since 1970; [`Ttl::NEVER`] when nothing expires.
    pub(super) expires: i64,
}

impl Summary {
    /// Of a collection without records.
    pub(super) const fn empty(collection: i64) -> Self {
        Self {
            collection,
            modified: Timestamp::ZERO,
            records: 0,
            bytes: 0,
            expires: Ttl::NEVER,
        }
    }

    pub(super) fn from_row(row: &Row<'_>) -> Self {
        Self {
            collection: row.int(0).unwrap_or_default(),
            modified: Timestamp::from_centis(row.int(1).unwrap_or_default()),
            records: row.int(2).unwrap_or_default(),
            bytes: row.int(3).unwrap_or_default(),
            expires: row.int(4).unwrap_or(Ttl::NEVER),
        }
    }

    /// Whether some of the records may have expired, so that the sums are too large.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.expires <= expiry_bound(now)
    }
}

/// The time of a user's last write; [`Timestamp::ZERO`] when there was none.
///
/// Negative when his account has gone ([`forgotten_at`]).
pub(super) fn last_write(
    session: &mut Session<'_>,
    user: UserId,
) -> Result<Timestamp, StorageError> {
    const LAST: &str = "SELECT last_write FROM weaved_users WHERE userid = :user";
    Ok(read_last_write(session, LAST, user)?.unwrap_or(Timestamp::ZERO))
}

/// The same, in a write: whoever else writes for this user, on this machine or another, waits
/// until this transaction ends. Goes before everything else that is read in it.
///
/// # Errors
/// [`StorageError::Forgotten`] when the user's account has gone.
pub(super) fn lock(session: &mut Session<'_>, user: UserId) -> Result<Timestamp, StorageError> {
    let last = match session.dialect() {
        // The whole transaction is alone.
        Dialect::Sqlite => last_write(session, user)?,
        dialect => lock_row(session, dialect, user)?,
    };
    if last < Timestamp::ZERO {
        return Err(StorageError::Forgotten);
    }
    Ok(last)
}

fn lock_row(
    session: &mut Session<'_>,
    dialect: Dialect,
    user: UserId,
) -> Result<Timestamp, StorageError> {
    const LOCK: &str = "SELECT last_write FROM weaved_users WHERE userid = :user FOR UPDATE";
    let first = match dialect {
        Dialect::MySql => {
            "INSERT INTO weaved_users (userid, last_write)
            VALUES (:user, 0)
            ON DUPLICATE KEY UPDATE last_write = last_write"
        }
        Dialect::PostgreSql | Dialect::Sqlite => {
            "INSERT INTO weaved_users (userid, last_write)
            VALUES (:user, 0)
            ON CONFLICT (userid) DO NOTHING"
        }
    };
    if let Some(last) = read_last_write(session, LOCK, user)? {
        return Ok(last);
    }
    session.execute(first, &[(":user", user.0.into())])?;
    // Somebody else may have been faster.
    Ok(read_last_write(session, LOCK, user)?.unwrap_or(Timestamp::ZERO))
}

fn read_last_write(
    session: &mut Session<'_>,
    sql: &str,
    user: UserId,
) -> Result<Option<Timestamp>, StorageError> {
    let last = session.query_ints(sql, &[(":user", user.0.into())])?;
    Ok(last.map(|[last]| Timestamp::from_centis(last.unwrap_or_default())))
}

/// What stands for the last write of a user whose account went at this time: its negative.
pub(super) fn forgotten_at(time: Timestamp) -> Timestamp {
    Timestamp::from_centis(-time.centis())
}

pub(super) fn set_last_write(
    session: &mut Session<'_>,
    user: UserId,
    time: Timestamp,
) -> Result<(), StorageError> {
    let set = match session.dialect() {
        Dialect::MySql => {
            "INSERT INTO weaved_users (userid, last_write)
            VALUES (:user, :time)
            ON DUPLICATE KEY UPDATE last_write = :time"
        }
        Dialect::PostgreSql | Dialect::Sqlite => {
            "INSERT INTO weaved_users (userid, last_write)
            VALUES (:user, :time)
            ON CONFLICT (userid) DO UPDATE SET last_write = :time"
        }
    };
    let params = [(":user", user.0.into()), (":time", time.centis().into())];
    session.execute(set, &params)?;
    Ok(())
}

/// The summary of one collection; that of an empty one when there is no row (or no id).
pub(super) fn find(
    session: &mut Session<'_>,
    user: UserId,
    collection: Option<i64>,
) -> Result<Summary, StorageError> {
    let Some(collection) = collection else {
        return Ok(Summary::empty(0));
    };
    const FIND: &str = "
        SELECT collectionid, modified, records, bytes, expires
        FROM weaved_collections
        WHERE userid = :user AND collectionid = :collection";
    let params = [(":user", user.0.into()), (":collection", collection.into())];
    let row = session.query_one(FIND, &params, Summary::from_row)?;
    Ok(row.unwrap_or(Summary::empty(collection)))
}

/// The summaries of all collections of a user.
pub(super) fn all(session: &mut Session<'_>, user: UserId) -> Result<Vec<Summary>, StorageError> {
    const ALL: &str = "
        SELECT collectionid, modified, records, bytes, expires
        FROM weaved_collections
        WHERE userid = :user";
    let mut rows = Vec::new();
    session.query::<StorageError>(ALL, &[(":user", user.0.into())], |row| {
        rows.push(Summary::from_row(row));
        Ok(Flow::Continue(()))
    })?;
    Ok(rows)
}

/// Writes a summary back; without records the row goes.
pub(super) fn store(
    session: &mut Session<'_>,
    user: UserId,
    row: &Summary,
) -> Result<(), StorageError> {
    let key = [
        (":user", user.0.into()),
        (":collection", row.collection.into()),
    ];
    if row.records <= 0 {
        const REMOVE: &str = "
            DELETE FROM weaved_collections
            WHERE userid = :user AND collectionid = :collection";
        session.execute(REMOVE, &key)?;
        return Ok(());
    }
    let store = match session.dialect() {
        Dialect::MySql => {
            "INSERT INTO weaved_collections
                (userid, collectionid, modified, records, bytes, expires)
            VALUES (:user, :collection, :modified, :records, :bytes, :expires)
            ON DUPLICATE KEY UPDATE
                modified = :modified, records = :records, bytes = :bytes, expires = :expires"
        }
        Dialect::PostgreSql | Dialect::Sqlite => {
            "INSERT INTO weaved_collections
                (userid, collectionid, modified, records, bytes, expires)
            VALUES (:user, :collection, :modified, :records, :bytes, :expires)
            ON CONFLICT (userid, collectionid) DO UPDATE
            SET modified = :modified, records = :records, bytes = :bytes, expires = :expires"
        }
    };
    let [user, collection] = key;
    let params = [
        user,
        collection,
        (":modified", row.modified.centis().into()),
        (":records", row.records.into()),
        (":bytes", row.bytes.into()),
        (":expires", row.expires.into()),
    ];
    session.execute(store, &params)?;
    Ok(())
}

/// What the records of a collection add up to, counted; only the index is read.
pub(super) fn count(
    session: &mut Session<'_>,
    owner: Owner,
    row: &Summary,
) -> Result<Summary, StorageError> {
    const COUNT: &str = "
        SELECT COUNT(*), SUM(payload_size), MIN(ttl)
        FROM wbo
        WHERE username = :user AND collection = :collection";
    let params = [
        (":user", owner.user.0.into()),
        (":collection", row.collection.into()),
    ];
    let sql = owner.table.sql(COUNT) + schema::of_whole_collections(session.dialect());
    let counted = session.query_one(&sql, &params, |counted| Summary {
        records: counted.int(0).unwrap_or_default(),
        bytes: counted.int(1).unwrap_or_default(),
        expires: counted.int(2).unwrap_or(Ttl::NEVER),
        ..*row
    })?;
    Ok(counted.unwrap_or(Summary::empty(row.collection)))
}

/// The unexpired records of a collection.
pub(super) fn usage(
    session: &mut Session<'_>,
    owner: Owner,
    row: &Summary,
    now: Timestamp,
) -> Result<Usage, StorageError> {
    let number = |number: Option<i64>| u64::try_from(number.unwrap_or_default()).unwrap_or(0);
    if !row.is_stale(now) {
        return Ok(Usage {
            records: number(Some(row.records)),
            bytes: number(Some(row.bytes)),
        });
    }
    const USAGE: &str = "
        SELECT COUNT(*), SUM(payload_size)
        FROM wbo
        WHERE username = :user AND collection = :collection AND (ttl > :now OR ttl IS NULL)";
    let params = [
        (":user", owner.user.0.into()),
        (":collection", row.collection.into()),
        (":now", expiry_bound(now).into()),
    ];
    let sql = owner.table.sql(USAGE) + schema::of_whole_collections(session.dialect());
    let usage = session.query_one(&sql, &params, |row| Usage {
        records: number(row.int(0)),
        bytes: number(row.int(1)),
    })?;
    Ok(usage.unwrap_or_default())
}

/// The bytes of all unexpired payloads of a user.
pub(super) fn used(
    session: &mut Session<'_>,
    owner: Owner,
    now: Timestamp,
) -> Result<u64, StorageError> {
    let mut used = 0;
    for row in all(session, owner.user)? {
        used += usage(session, owner, &row, now)?.bytes;
    }
    Ok(used)
}

/// Some collections in which records may have expired.
pub(super) fn due(
    session: &mut Session<'_>,
    now: Timestamp,
) -> Result<Vec<(UserId, i64)>, StorageError> {
    const DUE: &str = "
        SELECT userid, collectionid
        FROM weaved_collections
        WHERE expires <= :now
        ORDER BY userid
        LIMIT 20";
    let mut due = Vec::new();
    session.query::<StorageError>(DUE, &[(":now", expiry_bound(now).into())], |row| {
        if let (Some(user), Some(collection)) = (row.int(0), row.int(1)) {
            due.push((UserId(user), collection));
        }
        Ok(Flow::Continue(()))
    })?;
    Ok(due)
}

/// Holds a collection's time against the client's X-If-Unmodified-Since.
pub(super) fn unmodified(row: &Summary, since: Option<Timestamp>) -> Result<(), StorageError> {
    match since {
        Some(since) if row.modified > since => Err(StorageError::Modified),
        _ => Ok(()),
    }
}
