//! SQLite: one file, WAL, `synchronous=FULL`, many readers beside one writer.
//!
//! Invariant: a write is on disk when its commit answers `Ok` (unless the database
//! lives in memory). Writers of one process queue for their turn (`turns`), those of several pass
//! the lock on to each other (`turnstile`), and each waits up to the pool's time-out in all. What
//! is on disk first is a log (`write_ahead`).

mod cause;
mod file;
mod group;
mod pools;
mod turns;
mod turnstile;
mod write_ahead;

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::OpenFlags;
use rusqlite::ToSql;
use rusqlite::config::DbConfig;
use rusqlite::types::ToSqlOutput;
use rusqlite::types::ValueRef;
use scheduled_thread_pool::ScheduledThreadPool;

use super::DbError;
use super::Dialect;
use super::Flow;
use super::Params;
use super::PoolOptions;
use super::Row;
use super::Value;
use super::driver::Access;
use super::driver::Columns;
use super::driver::Driver;
use super::driver::Transaction;
use crate::causes::chain;
use cause::Cause;
use group::Group;
use group::Part;
use pools::Pool;
use pools::Pooled;
use pools::one_thread;
use pools::pool;
use pools::take;
use turns::Turns;
use turnstile::Turnstile;
use write_ahead::LONGEST_LOG;
use write_ahead::Log;

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 64;

/// How much of the file a connection that reads keeps, in KB, as SQLite wants it: negative. The
/// upper pages of a table fit; the rest the system has anyway, once for all connections, and each
/// write of another connection makes all of it worthless.
const READER_PAGES: i64 = -256;

/// The same for the connection that writes. Nobody else changes what it keeps, but other processes.
const WRITER_PAGES: i64 = -2048;

/// How much of the write-ahead log stays on disk, in bytes. It grows as long as somebody reads an
/// old state, and would keep the size it once had.
const LOG_KEPT: i64 = 64 << 20;

/// The connections to one file, or to one database in memory.
pub(super) struct Sqlite {
    readers: Pool,
    /// Of one connection, for whoever has the turn to write. A database in memory has but one in
    /// all.
    writers: Pool,
    /// Brought into the file beside the writes; a database in memory has none.
    log: Option<Arc<Log>>,
    /// How long a statement waits for other writers.
    timeout: Duration,
    /// Passed by the one thread of this process that writes, before those of others.
    turnstile: Turnstile,
    /// Taken by the one thread of this process that writes.
    writer: Arc<Turns<Group>>,
}

impl Sqlite {
    /// Opens a file, and creates it (mode 0600) when it is missing.
    pub(super) fn open_file(path: &Path, options: &PoolOptions) -> Result<Self, DbError> {
        let name = path.display().to_string();
        file::create_private(path).map_err(|cause| open_error(&name, cause))?;
        let turnstile = Turnstile::before(path);
        let manager = |pages| writable(SqliteConnectionManager::file(path), pages, options.timeout);
        let threads = one_thread();
        let reader = manager(READER_PAGES);
        let mut sqlite = Self::open(&name, reader, &threads, options, turnstile)?;
        sqlite.writers = pool(1, &threads, options)
            .build(manager(WRITER_PAGES))
            .map_err(|cause| open_error(&name, cause))?;
        sqlite.log = Some(Log::of(&sqlite.readers));
        Ok(sqlite)
    }

    /// Opens a file that exists and is not to be changed, not even its mode of journal.
    pub(super) fn open_to_read(path: &Path, options: &PoolOptions) -> Result<Self, DbError> {
        let name = path.display().to_string();
        let timeout = options.timeout;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = SqliteConnectionManager::file(path).with_flags(flags);
        let manager = manager.with_init(move |connection| connection.busy_timeout(timeout));
        Self::open(&name, manager, &one_thread(), options, Turnstile::default())
    }

    /// A new database in memory. It has one connection, to which it belongs.
    pub(super) fn open_memory(options: &PoolOptions) -> Result<Self, DbError> {
        let memory = SqliteConnectionManager::memory();
        let manager = writable(memory, WRITER_PAGES, options.timeout);
        let options = &PoolOptions {
            size: 1,
            ..options.clone()
        };
        Self::open(
            "memory",
            manager,
            &one_thread(),
            options,
            Turnstile::default(),
        )
    }

    /// With one pool for all.
    fn open(
        name: &str,
        manager: SqliteConnectionManager,
        threads: &Arc<ScheduledThreadPool>,
        options: &PoolOptions,
        turnstile: Turnstile,
    ) -> Result<Self, DbError> {
        // The first connection is made by hand: the pool would retry and hide the reason.
        let first = r2d2::ManageConnection::connect(&manager);
        let first = first.map_err(|cause| open_error(name, Cause(cause)))?;
        first
            .query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))
            .map_err(|cause| open_error(name, Cause(cause)))?;
        drop(first);
        let readers = pool(options.size.max(1), threads, options)
            .build(manager)
            .map_err(|cause| open_error(name, cause))?;
        Ok(Self {
            writers: readers.clone(),
            readers,
            log: None,
            timeout: options.timeout,
            turnstile,
            writer: Arc::default(),
        })
    }

    fn begin_write(&self, access: Access, until: Instant) -> Result<Writing, DbError> {
        let Some(turn) = self.writer.take(until) else {
            return Err(DbError::Busy("others are writing, or wait to".into()));
        };
        if let Some(group) = turn.inherit() {
            if access == Access::Write && Instant::now() < until {
                return Ok(Writing(Some(Part::join(group, turn)?)));
            }
            // Those who wait are told if nothing comes of it.
            if let Err(error) = group.commit_before(|| ()) {
                log::debug!("nothing came of a shared transaction: {}", chain(&error));
            }
        }
        let connection = take(&self.writers, until)?;
        // SQLite's own waiting is not fair to those who wait: see `Turnstile`.
        connection
            .busy_timeout(Duration::ZERO)
            .map_err(driver_error)?;
        let mut busy = None;
        let begun = self
            .turnstile
            .pass(until, || match run(&connection, "BEGIN IMMEDIATE") {
                Err(DbError::Busy(cause)) => {
                    busy = Some(cause);
                    None
                }
                other => Some(other),
            });
        connection
            .busy_timeout(self.timeout)
            .map_err(driver_error)?;
        match begun {
            Some(begun) => begun?,
            None => {
                let cause = busy.unwrap_or_else(|| "others are writing".into());
                return Err(DbError::Busy(cause));
            }
        }
        let is_open = access == Access::Write;
        let part = Part::first(Group::new(connection, self.log.as_ref()), turn, is_open);
        Ok(Writing(Some(part)))
    }
}

impl Drop for Sqlite {
    /// Whoever closes the last connection brings all of the log into the file and removes it.
    fn drop(&mut self) {
        if let Some(log) = &self.log {
            log.finish();
        }
    }
}

impl Driver for Sqlite {
    fn begin(&self, access: Access, until: Instant) -> Result<Box<dyn Transaction>, DbError> {
        Ok(match access {
            Access::Glance => Box::new(Reading(take(&self.readers, until)?)),
            Access::Read => {
                let connection = take(&self.readers, until)?;
                run(&connection, "BEGIN DEFERRED")?;
                Box::new(Reading(connection))
            }
            Access::Write | Access::LongWrite => Box::new(self.begin_write(access, until)?),
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

/// Connections that write, and see each other's writes in time; each keeps so many `pages`.
fn writable(
    manager: SqliteConnectionManager,
    pages: i64,
    timeout: Duration,
) -> SqliteConnectionManager {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    manager.with_flags(flags).with_init(move |connection| {
        connection.busy_timeout(timeout)?;
        // Plans must not depend on values: SQLite would prepare a statement with a LIMIT anew
        // each time it is used.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        use_write_ahead_log(connection, timeout)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", LONGEST_LOG, |_| Ok(()))?;
        connection.pragma_update(None, "cache_size", pages)?;
        connection.pragma_update(None, "temp_store", "MEMORY")
    })
}

/// Finds out whether a file that exists could be opened and written to; changes nothing.
pub(super) fn probe(path: &Path, options: &PoolOptions) -> Result<(), DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let probed = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(options.timeout)?;
        // Closing the connection rolls it back.
        connection.execute_batch("BEGIN IMMEDIATE; SELECT COUNT(*) FROM sqlite_master;")
    });
    probed.map_err(|cause| open_error(&path.display().to_string(), Cause(cause)))
}

/// A transaction that reads, or a single query without one.
struct Reading(Pooled);

impl Transaction for Reading {
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        execute(&self.0, sql, params)
    }

    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.0.execute_batch(sql).map_err(driver_error)
    }

    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        query(&self.0, sql, params, visit)
    }

    fn commit(self: Box<Self>) -> Result<(), DbError> {
        run(&self.0, "COMMIT")
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        group::roll_back(&self.0);
    }
}

/// A transaction that writes; nothing is in it only while it ends.
struct Writing(Option<Part>);

impl Writing {
    fn connection(&self) -> Result<&Connection, DbError> {
        let part = self.0.as_ref();
        part.map(|part| &**part.connection())
            .ok_or_else(|| DbError::Driver("the transaction is over".into()))
    }
}

impl Transaction for Writing {
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        execute(self.connection()?, sql, params)
    }

    fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
        found: &mut dyn FnMut(usize),
    ) -> Result<(), DbError> {
        let mut statement = self
            .connection()?
            .prepare_cached(sql)
            .map_err(driver_error)?;
        // They all have the same names in the same order.
        let mut places = Vec::new();
        for (name, _) in all.first().copied().unwrap_or_default() {
            places.push(statement.parameter_index(name).map_err(driver_error)?);
        }
        let mut bound: &Params<'_> = &[];
        for params in all {
            let mut before = bound.iter();
            for ((_, value), place) in params.iter().zip(&places) {
                // Most are the same for all, and stay bound.
                let is_bound = before
                    .next()
                    .is_some_and(|(_, bound)| bound.surely_equals(value));
                if let (Some(place), false) = (place, is_bound) {
                    let bound = statement.raw_bind_parameter(*place, value);
                    bound.map_err(driver_error)?;
                }
            }
            bound = params;
            found(statement.raw_execute().map_err(driver_error)?);
        }
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection()?.execute_batch(sql).map_err(driver_error)
    }

    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        query(self.connection()?, sql, params, visit)
    }

    fn roll_back(mut self: Box<Self>) -> Result<(), DbError> {
        self.0.take().map_or(Ok(()), Part::roll_back)
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        self.0.take().map_or(Ok(()), Part::commit)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(Part::roll_back) {
            // Those who wait know it, and say so.
            log::debug!("nothing came of a shared transaction: {}", chain(&error));
        }
    }
}

fn execute(connection: &Connection, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
    let mut statement = prepare(connection, sql, params)?;
    statement.raw_execute().map_err(driver_error)
}

fn query(
    connection: &Connection,
    sql: &str,
    params: &Params<'_>,
    visit: &mut dyn FnMut(&Row<'_>) -> Flow,
) -> Result<(), DbError> {
    let mut statement = prepare(connection, sql, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(driver_error)? {
        if visit(&Row::new(row)).is_break() {
            break;
        }
    }
    Ok(())
}

fn prepare<'a>(
    connection: &'a Connection,
    sql: &str,
    params: &Params<'_>,
) -> Result<rusqlite::CachedStatement<'a>, DbError> {
    let mut statement = connection.prepare_cached(sql).map_err(driver_error)?;
    bind(&mut statement, params)?;
    Ok(statement)
}

/// Gives a statement its values. One that is not told keeps the value of the last time, or has none.
fn bind(statement: &mut rusqlite::Statement<'_>, params: &Params<'_>) -> Result<(), DbError> {
    for (place, (name, value)) in (1..).zip(params.iter()) {
        // Mostly they come in the order of the statement; to look them up costs more.
        let index = match statement.parameter_name(place) {
            Some(known) if known == *name => Some(place),
            _ => statement.parameter_index(name).map_err(driver_error)?,
        };
        if let Some(index) = index {
            statement
                .raw_bind_parameter(index, value)
                .map_err(driver_error)?;
        }
    }
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> Result<(), DbError> {
    let mut statement = connection.prepare_cached(sql).map_err(driver_error)?;
    statement.raw_execute().map_err(driver_error)?;
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            // For `json_each`.
            Self::Texts(texts) => {
                let text = serde_json::json!(texts).to_string();
                return Ok(ToSqlOutput::Owned(text.into()));
            }
        }))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn int(&self, column: usize) -> Option<i64> {
        match self.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Some(number),
            _ => None,
        }
    }

    fn text(&self, column: usize) -> Option<&str> {
        match self.get_ref(column) {
            Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Of several processes that open a new file at once, one makes it a file with a write-ahead log;
/// SQLite tells the others that it is busy without waiting for the time-out.
fn use_write_ahead_log(connection: &Connection, timeout: Duration) -> rusqlite::Result<()> {
    let until = Instant::now() + timeout;
    // `journal_mode` answers a row, so it is no `execute`.
    let ask = || connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
    let asked = turnstile::insist(until, || match ask() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        other => Some(other),
    });
    asked.unwrap_or_else(ask)
}

fn open_error(name: &str, cause: impl StdError + Send + Sync + 'static) -> DbError {
    DbError::Open {
        name: name.to_owned(),
        cause: Box::new(cause),
    }
}

fn driver_error(error: rusqlite::Error) -> DbError {
    let code = error.sqlite_error_code();
    let cause = Box::new(Cause(error));
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbError::Busy(cause),
        Some(ErrorCode::ConstraintViolation) => DbError::Constraint(cause),
        _ => DbError::Driver(cause),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::config::DatabaseUri;
    use crate::db::Database;
    use crate::db::Session;

    #[test]
    fn many_open_a_new_file_at_once() {
        for _ in 0..30 {
            let folder = tempfile::tempdir().unwrap();
            let uri = DatabaseUri::SqliteFile(folder.path().join("new.db"));
            let make = |session: &mut Session<'_>| {
                session.execute_batch("CREATE TABLE IF NOT EXISTS a (b)")
            };
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let database = Database::open(&uri, &PoolOptions::default()).unwrap();
                        database.write(make).unwrap();
                    });
                }
            });
        }
    }

    #[test]
    fn readers_leave_a_connection_to_who_writes() {
        let folder = tempfile::tempdir().unwrap();
        let uri = DatabaseUri::SqliteFile(folder.path().join("a.db"));
        let options = PoolOptions {
            size: 1,
            ..PoolOptions::default()
        };
        let database = Database::open(&uri, &options).unwrap();
        let make = |session: &mut Session<'_>| session.execute_batch("CREATE TABLE a (b)");
        database.write(make).unwrap();
        let mut snapshot = database.snapshot().unwrap();
        let sql = "INSERT INTO a VALUES (1)";
        let written = database.write(|session| session.execute(sql, &[]));
        assert_eq!(written.unwrap(), 1);
        let seen = snapshot.session().query_one("SELECT b FROM a", &[], |_| ());
        // It sees what was there when it first read.
        assert!(seen.unwrap().is_some());
    }

    #[test]
    fn what_is_opened_to_be_read_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let uri = DatabaseUri::SqliteFile(path.clone());
        let options = PoolOptions::default();
        assert!(Database::open_to_read(&uri, &options).is_err(), "not there");
        assert!(!path.exists());
        let old = Connection::open(&path).unwrap();
        old.execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1)")
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        let database = Database::open_to_read(&uri, &options).unwrap();
        let sql = "SELECT b FROM a";
        let read = database.read(|session| session.query_one(sql, &[], |row| row.int(0)));
        assert_eq!(read.unwrap(), Some(Some(1)));
        let write = database.write(|session| session.execute("DELETE FROM a", &[]));
        assert!(write.is_err());
        drop(database);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1);
    }
}
