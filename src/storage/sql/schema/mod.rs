//! Opening the tables: those of the original as they are, and weaved's own beside them.
//!
//! What weaved adds are tables and indexes named `weaved_...`; with these beside its own the
//! original server can go on (spec/storage-1.1.md, 7.6), but not while weaved serves. Every
//! statement here is safe to repeat, also while other processes and machines open or use the same
//! database.
//!
//! `advice` tells what a server is not set for, `ddl` has the texts, `survey` finds what cannot be
//! served safely, `summaries` brings weaved's own tables up to date with the records.

mod advice;
mod ddl;
mod summaries;
mod survey;

use super::Names;
use super::Settings;
use super::StorageError;
use super::owner::Table;
use crate::db::Database;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Session;
use crate::sync::Timestamp;

pub use advice::advise;
pub(super) use ddl::of_whole_collections;
pub use survey::Finding;
pub use survey::mend;
pub use survey::survey;

/// How long the mark of a user stays whose account has gone, in centiseconds. His writes that
/// were on their way are long over then, and the original server gives an id twice.
const MARK_KEPT: i64 = 60 * 60 * 100;

pub(super) fn open(
    database: &Database,
    settings: Settings,
    now: Timestamp,
) -> Result<(), StorageError> {
    create_originals(database, settings)?;
    for table in settings.tables().all() {
        database.read(|session| check_key(session, table, database.name()))?;
    }
    survey::refuse_unsafe(database, settings)?;
    create_own(database, settings)?;
    drop_forgotten(database, now)?;
    summaries::mend(database, settings.tables(), now)?;
    database.read(|session| look_for_lost_names(session, settings.names))
}

/// Makes the original's tables where they are missing.
fn create_originals(database: &Database, settings: Settings) -> Result<(), StorageError> {
    let dialect = database.dialect();
    let mut wanted = vec![("collections".into(), ddl::collections(dialect))];
    for table in settings.tables().all() {
        wanted.push((table.name(), ddl::records(dialect, table)));
    }
    for (name, sql) in wanted {
        let is_there = |session: &mut Session<'_>| session.has_table(&name);
        if !settings.create_tables && !database.read(is_there)? {
            return Err(StorageError::Schema(format!(
                "the database {} has no table {name}; set create_tables = true in [storage] to \
                 have it made, or correct {} if this is the wrong database",
                database.name(),
                if settings.shard {
                    "sqluri or shard"
                } else {
                    "sqluri"
                },
            )));
        }
        database.ensure(is_there, &sql)?;
    }
    Ok(())
}

/// Makes weaved's own tables and indexes where they are missing.
fn create_own(database: &Database, settings: Settings) -> Result<(), StorageError> {
    let dialect = database.dialect();
    for (name, sql) in ddl::own_tables(dialect) {
        database.ensure(|session| session.has_table(name), &sql)?;
    }
    const EXPIRES: &str = "weaved_collections_expires";
    database.ensure(
        |session| session.has_index("weaved_collections", EXPIRES),
        ddl::EXPIRES_INDEX,
    )?;
    let mut indexes: Vec<_> = settings
        .tables()
        .all()
        .map(|table| (table.name(), ddl::records_index(dialect, table)))
        .collect();
    if dialect == Dialect::Sqlite {
        indexes.push(("collections".into(), ddl::names_index()));
    }
    for (table, (name, sql)) in indexes {
        let is_there = |session: &mut Session<'_>| session.has_index(&table, &name);
        // An old table may be large.
        let made = !database.read(is_there)? && database.patient().ensure(is_there, &sql)?;
        if made {
            log::info!("{}: made the index {name}", database.name());
        }
    }
    Ok(())
}

/// Drops the marks of users who were forgotten a while ago.
fn drop_forgotten(database: &Database, now: Timestamp) -> Result<(), StorageError> {
    const FORGOTTEN: &str = "
        SELECT 1
        FROM weaved_users
        WHERE last_write < 0 AND last_write > :bound
        LIMIT 1";
    const DROP: &str = "DELETE FROM weaved_users WHERE last_write < 0 AND last_write > :bound";
    let bound = [(":bound", (MARK_KEPT - now.centis()).into())];
    let some = database.read(|session| session.query_one(FORGOTTEN, &bound, |_| ()))?;
    if some.is_some() {
        database.write(|session| session.execute(DROP, &bound))?;
    }
    Ok(())
}

/// A table of records without its primary key would hold records twice.
fn check_key(session: &mut Session<'_>, table: Table, database: &str) -> Result<(), StorageError> {
    let name = table.name();
    let key = match session.dialect() {
        Dialect::MySql => {
            "SELECT 1
            FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = :table AND non_unique = 0
            GROUP BY index_name
            HAVING COUNT(*) = 3 AND SUM(column_name IN ('id', 'username', 'collection')) = 3"
        }
        Dialect::PostgreSql => {
            "SELECT 1
            FROM pg_index
            WHERE indrelid = to_regclass(quote_ident(:table)) AND indisunique AND ARRAY(
                SELECT attname::text
                FROM pg_attribute
                WHERE attrelid = indrelid AND attnum = ANY(indkey)
                ORDER BY attname
            ) = ARRAY['collection', 'id', 'username']"
        }
        Dialect::Sqlite => {
            "SELECT 1
            FROM sqlite_master
            WHERE tbl_name = :table AND name = 'sqlite_autoindex_' || :table || '_1'"
        }
    };
    let params = [(":table", (&*name).into())];
    if session.query_one(key, &params, |_| ())?.is_some() {
        return Ok(());
    }
    Err(StorageError::Schema(format!(
        "the table {name} in the database {database} lacks its primary key (id, username, \
         collection); was it copied without it? Restore the original"
    )))
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
