//! Bringing what weaved keeps about the records up to date with the records, to which the
//! original server may have written.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::db::Database;
use crate::db::Flow;
use crate::db::Session;
use crate::storage::StorageError;
use crate::storage::sql::owner::Owner;
use crate::storage::sql::owner::Table;
use crate::storage::sql::owner::Tables;
use crate::storage::sql::summary;
use crate::storage::sql::summary::Summary;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// Only indexes are read, and nothing is written when nothing is amiss. Each user is mended under
/// his lock: others may serve him meanwhile.
pub(super) fn mend(
    database: &Database,
    tables: Tables,
    now: Timestamp,
) -> Result<(), StorageError> {
    let patient = database.patient();
    for (user, name, ids) in patient.read(duplicate_names)? {
        let owner = tables.owner(user);
        let times = ids.len();
        database.write(|session| join(session, owner, &ids))?;
        log::warn!("user {user} had the collection {name} {times} times; joined");
    }
    for table in tables.all() {
        note_sizes(&patient, table)?;
    }
    let mut known = patient.read(known_summaries)?;
    let mut users = BTreeSet::new();
    for table in tables.all() {
        let wrong = patient.read(|session| wrong_summaries(session, table, None, &mut known))?;
        users.extend(wrong.into_keys().map(|(user, _)| user));
    }
    // What is left has no records any more.
    users.extend(known.into_keys().map(|(user, _)| user));
    let mut collections = 0;
    for user in users {
        collections += database.write(|session| mend_user(session, tables.owner(user), now))?;
    }
    if collections > 0 {
        log::info!("{}: summed up {collections} collections", database.name());
    }
    Ok(())
}

type Summaries = BTreeMap<(UserId, i64), Summary>;

/// Corrects the summaries of one user; returns how many were wrong.
fn mend_user(
    session: &mut Session<'_>,
    owner: Owner,
    now: Timestamp,
) -> Result<usize, StorageError> {
    let user = owner.user;
    let last = match summary::lock(session, user) {
        // There may be records of his, which nobody can ask for.
        Err(StorageError::Forgotten) => return Ok(0),
        other => other?,
    };
    let mut known = summary::all(session, user)?
        .into_iter()
        .map(|row| ((user, row.collection), row))
        .collect();
    let mut wrong = wrong_summaries(session, owner.table, Some(user), &mut known)?;
    let gone = known.into_iter();
    wrong.extend(gone.map(|(key, row)| (key, Summary::empty(row.collection))));
    let mut newest = last;
    for row in wrong.values() {
        summary::store(session, user, row)?;
        newest = newest.max(row.modified);
    }
    if !wrong.is_empty() && last > Timestamp::ZERO {
        // So that nobody takes what he read before for what is there now.
        newest = newest.max(last.next());
    }
    if newest > last {
        summary::set_last_write(session, user, newest)?;
    }
    if newest > now {
        log::warn!(
            "user {user} has a record from the future ({newest}): all his writes will get later \
             times"
        );
    }
    Ok(wrong.len())
}

/// Notes the size of rows without one, or with one that a client of the original made up: it took
/// any value, and the sum of two such sizes is more than a number holds.
fn note_sizes(database: &Database, table: Table) -> Result<(), StorageError> {
    const WITHOUT: &str = "
        SELECT 1
        FROM wbo
        WHERE payload_size IS NULL OR payload_size NOT BETWEEN 0 AND 2147483647
        LIMIT 1";
    const SIZE: &str = "
        UPDATE wbo
        SET payload_size = COALESCE(OCTET_LENGTH(payload), 0)
        WHERE payload_size IS NULL OR payload_size NOT BETWEEN 0 AND 2147483647";
    let without = table.sql(WITHOUT);
    let some = database.read(|session| session.query_one(&without, &[], |_| ()))?;
    if some.is_some() {
        let size = table.sql(SIZE);
        let rows = database.write(|session| session.execute(&size, &[]))?;
        log::info!("{}: noted the size of {rows} records", database.name());
    }
    Ok(())
}

fn known_summaries(session: &mut Session<'_>) -> Result<Summaries, StorageError> {
    const KNOWN: &str = "
        SELECT collectionid, modified, records, bytes, expires, userid
        FROM weaved_collections";
    let mut known = Summaries::new();
    session.query::<StorageError>(KNOWN, &[], |row| {
        let summary = Summary::from_row(row);
        let user = UserId(row.int(5).unwrap_or_default());
        known.insert((user, summary.collection), summary);
        Ok(Flow::Continue(()))
    })?;
    Ok(known)
}

/// The collections in a table, of one user or of all, whose summary does not fit their records,
/// with the right one. What has records is taken out of `known`.
fn wrong_summaries(
    session: &mut Session<'_>,
    table: Table,
    user: Option<UserId>,
    known: &mut Summaries,
) -> Result<Summaries, StorageError> {
    let mut wrong = Summaries::new();
    const COUNTED: &str = "
        SELECT username, collection, MAX(modified), COUNT(*), SUM(payload_size), MIN(ttl)
        FROM wbo
        GROUP BY username, collection";
    const COUNTED_OF_ONE: &str = "
        SELECT username, collection, MAX(modified), COUNT(*), SUM(payload_size), MIN(ttl)
        FROM wbo
        WHERE username = :user
        GROUP BY username, collection";
    let sql = table.sql(user.map_or(COUNTED, |_| COUNTED_OF_ONE));
    let params = [(":user", user.map(|user| user.0).into())];
    session.query::<StorageError>(&sql, &params, |row| {
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
fn join(session: &mut Session<'_>, owner: Owner, ids: &[i64]) -> Result<(), StorageError> {
    let Some((first, others)) = ids.split_first() else {
        return Ok(());
    };
    summary::lock(session, owner.user)?;
    for other in others {
        join_two(session, owner, *first, *other)?;
    }
    Ok(())
}

fn join_two(
    session: &mut Session<'_>,
    owner: Owner,
    first: i64,
    other: i64,
) -> Result<(), StorageError> {
    const TWICE: &str = "
        SELECT one.id, COALESCE(one.modified, 0), COALESCE(two.modified, 0)
        FROM wbo AS one
            JOIN wbo AS two ON two.id = one.id AND two.username = one.username
        WHERE one.username = :user AND one.collection = :first AND two.collection = :other";
    const REMOVE: &str = "
        DELETE FROM wbo
        WHERE id = :id AND username = :user AND collection = :collection";
    const JOIN: [&str; 2] = [
        "UPDATE wbo SET collection = :first WHERE username = :user AND collection = :other",
        "DELETE FROM collections WHERE userid = :user AND collectionid = :other",
    ];
    let params = [
        (":user", owner.user.0.into()),
        (":first", first.into()),
        (":other", other.into()),
    ];
    let mut older = Vec::new();
    session.query::<StorageError>(&owner.table.sql(TWICE), &params, |row| {
        let id = row.text(0).unwrap_or_default().to_owned();
        older.push((
            id,
            if row.int(1) >= row.int(2) {
                other
            } else {
                first
            },
        ));
        Ok(Flow::Continue(()))
    })?;
    for (id, collection) in &older {
        let params = [
            (":id", id.as_str().into()),
            (":user", owner.user.0.into()),
            (":collection", (*collection).into()),
        ];
        session.execute(&owner.table.sql(REMOVE), &params)?;
    }
    for sql in JOIN {
        session.execute(&owner.table.sql(sql), &params)?;
    }
    Ok(())
}
