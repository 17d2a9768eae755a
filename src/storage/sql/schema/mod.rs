//! Opening the tables: those of the original as they are, and weaved's own beside them.
//!
//! What weaved adds are tables named `weaved_...` and one index; the original server works on
//! beside them (spec/storage-1.1.md, 7.6). Every statement here is safe to repeat.

use std::collections::BTreeMap;

use super::Names;
use super::Settings;
use super::StorageError;
use super::summary;
use super::summary::Summary;
use crate::db::Database;
use crate::db::Flow;
use crate::db::Session;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// The original's tables (spec/storage-1.1.md, 7.1).
const ORIGINAL: &str = "
    CREATE TABLE IF NOT EXISTS collections (
        userid INTEGER NOT NULL,
        collectionid INTEGER NOT NULL,
        name VARCHAR(32) NOT NULL,
        PRIMARY KEY (userid, collectionid)
    );
    CREATE TABLE IF NOT EXISTS wbo (
        id VARCHAR(64) NOT NULL,
        username INTEGER NOT NULL,
        collection INTEGER NOT NULL,
        parentid VARCHAR(64),
        predecessorid VARCHAR(64),
        sortindex INTEGER,
        modified BIGINT,
        payload TEXT,
        payload_size INTEGER NOT NULL,
        ttl INTEGER,
        PRIMARY KEY (id, username, collection)
    );";

/// The index serves `newer`, the order by time, lists of ids, and counting without a look at
/// the rows.
const OWN: &str = "
    CREATE TABLE IF NOT EXISTS weaved_users (
        userid INTEGER PRIMARY KEY,
        last_write BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS weaved_collections (
        userid INTEGER NOT NULL,
        collectionid INTEGER NOT NULL,
        modified BIGINT NOT NULL,
        records INTEGER NOT NULL,
        bytes BIGINT NOT NULL,
        expires BIGINT NOT NULL,
        PRIMARY KEY (userid, collectionid)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS weaved_collections_expires ON weaved_collections (expires);
    CREATE INDEX IF NOT EXISTS weaved_wbo_modified
        ON wbo (username, collection, modified, id, ttl, payload_size);";

pub(super) fn open(
    database: &Database,
    settings: Settings,
    now: Timestamp,
) -> Result<(), StorageError> {
    let ready = database.read(|session| {
        Ok::<bool, StorageError>(
            missing(session, &["wbo", "collections"])?.is_none()
                && missing(session, &["weaved_users", "weaved_collections"])?.is_none(),
        )
    })?;
    if !ready {
        database.write(|session| create(session, settings, database.name()))?;
    }
    database.read(|session| check_key(session, database.name()))?;
    drop_forgotten(database)?;
    mend(database, now)?;
    database.read(|session| look_for_lost_names(session, settings.names))
}

/// Drops the marks of users who were forgotten: the original server gives an id twice.
fn drop_forgotten(database: &Database) -> Result<(), StorageError> {
    const FORGOTTEN: &str = "SELECT 1 FROM weaved_users WHERE last_write = :mark LIMIT 1";
    const DROP: &str = "DELETE FROM weaved_users WHERE last_write = :mark";
    let mark = [(":mark", summary::FORGOTTEN.centis().into())];
    let some = database.read(|session| session.query_one(FORGOTTEN, &mark, |_| ()))?;
    if some.is_some() {
        database.write(|session| session.execute(DROP, &mark))?;
    }
    Ok(())
}

fn create(
    session: &mut Session<'_>,
    settings: Settings,
    database: &str,
) -> Result<(), StorageError> {
    if settings.create_tables {
        session.execute_batch(ORIGINAL)?;
    } else if let Some(table) = missing(session, &["wbo", "collections"])? {
        return Err(StorageError::Schema(format!(
            "the database {database} has no table {table}; set create_tables = true in [storage] \
             to have it made, or correct sqluri if this is the wrong database"
        )));
    }
    session.execute_batch(OWN)?;
    Ok(())
}

/// A table `wbo` without its primary key would hold records twice.
fn check_key(session: &mut Session<'_>, database: &str) -> Result<(), StorageError> {
    const KEY: &str = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_autoindex_wbo_1'";
    if session.query_one(KEY, &[], |_| ())?.is_some() {
        return Ok(());
    }
    Err(StorageError::Schema(format!(
        "the table wbo in the database {database} lacks its primary key (id, username, \
         collection); was it copied without it? Restore the original file"
    )))
}

/// The first of some tables that does not exist.
fn missing<'a>(
    session: &mut Session<'_>,
    tables: &[&'a str],
) -> Result<Option<&'a str>, StorageError> {
    const EXISTS: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name";
    for table in tables {
        if session
            .query_one(EXISTS, &[(":name", (*table).into())], |_| ())?
            .is_none()
        {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Brings what weaved keeps about the records up to date with the records.
///
/// The original server may have written to them. Only the index is read, and nothing is
/// written when nothing is amiss.
fn mend(database: &Database, now: Timestamp) -> Result<(), StorageError> {
    let amiss = database.read(|session| {
        // In this order: sizes that are wrong cannot always be summed up.
        Ok::<_, StorageError>(
            !duplicate_names(session)?.is_empty()
                || has_rows_without_size(session)?
                || !wrong_summaries(session)?.is_empty(),
        )
    })?;
    if !amiss {
        return Ok(());
    }
    database.write(|session| {
        for (user, name, ids) in duplicate_names(session)? {
            join(session, user, &ids)?;
            log::warn!(
                "user {user} had the collection {name} {} times; joined",
                ids.len()
            );
        }
        if has_rows_without_size(session)? {
            const SIZE: &str = "
                UPDATE wbo
                SET payload_size = COALESCE(LENGTH(payload), 0)
                WHERE payload_size IS NULL OR payload_size NOT BETWEEN 0 AND 2147483647";
            let rows = session.execute(SIZE, &[])?;
            log::info!("{}: noted the size of {rows} records", database.name());
        }
        let wrong = wrong_summaries(session)?;
        for ((user, _), row) in &wrong {
            summary::store(session, *user, row)?;
            let last = summary::last_write(session, *user)?;
            if row.modified > last {
                summary::set_last_write(session, *user, row.modified)?;
            }
            if row.modified > now {
                log::warn!(
                    "user {user} has a record from the future ({}): all his writes will get \
                     later times",
                    row.modified
                );
            }
        }
        log::info!("{}: summed up {} collections", database.name(), wrong.len());
        Ok(())
    })
}

/// Whether there are rows whose size is missing, or one that a client of the original made up: it
/// took any value, and the sum of two such sizes is more than a number holds.
fn has_rows_without_size(session: &mut Session<'_>) -> Result<bool, StorageError> {
    const WITHOUT: &str = "
        SELECT 1
        FROM wbo
        WHERE payload_size IS NULL OR payload_size NOT BETWEEN 0 AND 2147483647
        LIMIT 1";
    Ok(session.query_one(WITHOUT, &[], |_| ())?.is_some())
}

/// The collections whose summary does not fit their records, with the right one.
fn wrong_summaries(
    session: &mut Session<'_>,
) -> Result<BTreeMap<(UserId, i64), Summary>, StorageError> {
    let mut known = BTreeMap::new();
    const KNOWN: &str = "
        SELECT userid, collectionid, modified, records, bytes, expires
        FROM weaved_collections";
    session.query::<StorageError>(KNOWN, &[], |row| {
        let number = |column| row.int(column).unwrap_or_default();
        let summary = Summary {
            collection: number(1),
            modified: Timestamp::from_centis(number(2)),
            records: number(3),
            bytes: number(4),
            expires: number(5),
        };
        known.insert((UserId(number(0)), number(1)), summary);
        Ok(Flow::Continue(()))
    })?;
    let mut wrong = BTreeMap::new();
    const COUNTED: &str = "
        SELECT username, collection, MAX(modified), COUNT(*), COALESCE(SUM(payload_size), 0),
            MIN(ttl)
        FROM wbo
        GROUP BY username, collection";
    session.query::<StorageError>(COUNTED, &[], |row| {
        // A client of the original could store text here; such rows belong to nobody.
        let (Some(user), Some(collection)) = (row.int(0), row.int(1)) else {
            return Ok(Flow::Continue(()));
        };
        let mut counted = Summary::empty(collection);
        counted.modified = Timestamp::from_centis(row.int(2).unwrap_or_default());
        counted.records = row.int(3).unwrap_or_default();
        counted.bytes = row.int(4).unwrap_or_default();
        counted.expires = row.int(5).unwrap_or(counted.expires);
        let key = (UserId(user), collection);
        match known.remove(&key) {
            // The time may be that of a delete, and the expiry a bound.
            Some(known)
                if known.records == counted.records
                    && known.bytes == counted.bytes
                    && known.modified >= counted.modified
                    && known.expires <= counted.expires => {}
            Some(known) => {
                counted.modified = counted.modified.max(known.modified);
                wrong.insert(key, counted);
            }
            None => {
                wrong.insert(key, counted);
            }
        }
        Ok(Flow::Continue(()))
    })?;
    // What is left has no records any more.
    wrong.extend(
        known
            .into_iter()
            .map(|(key, row)| (key, Summary::empty(row.collection))),
    );
    Ok(wrong)
}

/// Names that a user has more than once, which the original could produce; with their ids,
/// lowest first.
fn duplicate_names(
    session: &mut Session<'_>,
) -> Result<Vec<(UserId, String, Vec<i64>)>, StorageError> {
    const DUPLICATES: &str = "
        SELECT c.userid, c.name, c.collectionid
        FROM collections c
        JOIN (
            SELECT userid, name
            FROM collections
            GROUP BY userid, name
            HAVING COUNT(*) > 1
        ) AS d ON d.userid = c.userid AND d.name = c.name
        ORDER BY c.userid, c.name, c.collectionid";
    let mut found: Vec<(UserId, String, Vec<i64>)> = Vec::new();
    session.query::<StorageError>(DUPLICATES, &[], |row| {
        let (Some(user), Some(name), Some(id)) = (row.int(0), row.text(1), row.int(2)) else {
            return Ok(Flow::Continue(()));
        };
        match found.last_mut() {
            Some((last_user, last_name, ids)) if last_user.0 == user && last_name == name => {
                ids.push(id);
            }
            _ => found.push((UserId(user), name.to_owned(), vec![id])),
        }
        Ok(Flow::Continue(()))
    })?;
    Ok(found)
}

/// Moves the records of all ids to the first; of two with the same id the newer one stays.
fn join(session: &mut Session<'_>, user: UserId, ids: &[i64]) -> Result<(), StorageError> {
    let Some((first, others)) = ids.split_first() else {
        return Ok(());
    };
    const JOIN: [&str; 4] = [
        "DELETE FROM wbo
        WHERE username = :user AND collection = :other AND EXISTS (
            SELECT 1 FROM wbo AS kept
            WHERE kept.id = wbo.id AND kept.username = :user AND kept.collection = :first
                AND COALESCE(kept.modified, 0) >= COALESCE(wbo.modified, 0)
        )",
        "DELETE FROM wbo
        WHERE username = :user AND collection = :first AND EXISTS (
            SELECT 1 FROM wbo AS kept
            WHERE kept.id = wbo.id AND kept.username = :user AND kept.collection = :other
        )",
        "UPDATE wbo SET collection = :first WHERE username = :user AND collection = :other",
        "DELETE FROM collections WHERE userid = :user AND collectionid = :other",
    ];
    for other in others {
        let params = [
            (":user", user.0.into()),
            (":first", (*first).into()),
            (":other", (*other).into()),
        ];
        for sql in JOIN {
            session.execute(sql, &params)?;
        }
    }
    Ok(())
}

/// Says so when records lie in collections without a name: the setting may be wrong.
fn look_for_lost_names(session: &mut Session<'_>, names: Names) -> Result<(), StorageError> {
    const LOST: &str = "
        SELECT s.collectionid, COUNT(*)
        FROM weaved_collections s
        LEFT JOIN collections c ON c.userid = s.userid AND c.collectionid = s.collectionid
        WHERE c.name IS NULL
        GROUP BY s.collectionid";
    let mut lost = Vec::new();
    session.query::<StorageError>(LOST, &[], |row| {
        if let Some(id) = row.int(0).filter(|id| !names.lists(*id)) {
            lost.push(id);
        }
        Ok(Flow::Continue(()))
    })?;
    let hint = match lost.iter().max() {
        None => return Ok(()),
        Some(11) => "was it written with fixed_collections = true?",
        Some(1..=10) => "was it written with standard_collections = true?",
        Some(_) => "nothing can be asked for there.",
    };
    log::warn!("the database has records in collections without a name (ids {lost:?}): {hint}");
    Ok(())
}
