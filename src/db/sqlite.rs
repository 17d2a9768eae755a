//! SQLite: one file, WAL, `synchronous=FULL`, many readers beside one writer.
//!
//! Invariant: a write is on disk before [`Database::write`] returns `Ok` (unless the database
//! lives in memory). Writers of one process queue for their turn (`turns`), those of several pass
//! the lock on to each other (`turnstile`), and each waits up to the pool's time-out in all.

use std::error::Error as StdError;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::chown;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
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

use super::DbError;
use super::Flow;
use super::Params;
use super::PoolOptions;
use super::Value;
use super::cause::Cause;
use super::turns::Turns;
use super::turnstile;
use super::turnstile::Turnstile;
use crate::causes::chain;
use crate::config::DatabaseUri;

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 64;

/// How much of the write-ahead log stays on disk, in bytes. It grows as long as somebody reads an
/// old state, and would keep the size it once had.
const LOG_KEPT: i64 = 64 << 20;

type Pooled = r2d2::PooledConnection<SqliteConnectionManager>;

/// One database, shared by all threads of a process.
pub struct Database {
    name: String,
    pool: r2d2::Pool<SqliteConnectionManager>,
    /// How long a call waits for a connection and for other writers.
    timeout: Duration,
    /// Passed by the one thread of this process that writes, before those of others.
    turnstile: Turnstile,
    /// Taken by the one thread of this process that writes.
    writer: Turns,
}

impl Database {
    /// Opens a database, and creates the file (mode 0600) when it is missing.
    ///
    /// # Errors
    /// [`DbError::Open`] says which database and why.
    pub fn open(uri: &DatabaseUri, options: &PoolOptions) -> Result<Self, DbError> {
        let mut turnstile = Turnstile::default();
        let (name, manager, size) = match uri {
            DatabaseUri::SqliteFile(path) => {
                let name = path.display().to_string();
                create_private(path).map_err(|cause| open_error(&name, cause))?;
                turnstile = Turnstile::before(path);
                (
                    name,
                    SqliteConnectionManager::file(path),
                    options.size.max(1),
                )
            }
            // One connection: a database in memory belongs to the connection that opened it.
            DatabaseUri::SqliteMemory => {
                static OPENED: AtomicU64 = AtomicU64::new(0);
                let name = format!("memory {}", OPENED.fetch_add(1, Ordering::Relaxed));
                (name, SqliteConnectionManager::memory(), 1)
            }
            DatabaseUri::MySql(_) | DatabaseUri::PostgreSql(_) => {
                let cause = "this version opens SQLite databases only";
                return Err(open_error(&uri.to_string(), io::Error::other(cause)));
            }
        };
        let timeout = options.timeout;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = manager.with_flags(flags).with_init(move |connection| {
            connection.busy_timeout(timeout)?;
            // Plans must not depend on values: SQLite would prepare a statement with a LIMIT anew
            // each time it is used.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            use_write_ahead_log(connection, timeout)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT, |_| Ok(()))?;
            connection.pragma_update(None, "temp_store", "MEMORY")
        });
        // The first connection is made by hand: the pool would retry and hide the reason.
        let first = r2d2::ManageConnection::connect(&manager);
        let first = first.map_err(|cause| open_error(&name, Cause(cause)))?;
        first
            .query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))
            .map_err(|cause| open_error(&name, Cause(cause)))?;
        drop(first);
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_on_check_out(false)
            .connection_timeout(timeout)
            .build(manager)
            .map_err(|cause| open_error(&name, cause))?;
        Ok(Self {
            name,
            pool,
            timeout,
            turnstile,
            writer: Turns::default(),
        })
    }

    /// Finds out whether a database that exists could be opened and written to; changes nothing.
    ///
    /// # Errors
    /// [`DbError::Open`] says which database and why.
    pub fn probe(uri: &DatabaseUri, options: &PoolOptions) -> Result<(), DbError> {
        let DatabaseUri::SqliteFile(path) = uri else {
            return Self::open(uri, options).map(drop);
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let probed = Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.busy_timeout(options.timeout)?;
            // Closing the connection rolls it back.
            connection.execute_batch("BEGIN IMMEDIATE; SELECT COUNT(*) FROM sqlite_master;")
        });
        probed.map_err(|cause| open_error(&path.display().to_string(), Cause(cause)))
    }

    /// What to call this database in a message.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` in a read transaction: all its queries see the same state.
    ///
    /// # Errors
    /// Those of `work`, and [`DbError::Busy`] when no connection became free.
    pub fn read<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.connection()?;
        let transaction = Transaction::begin(&connection, "BEGIN DEFERRED")?;
        let result = work(&mut Session {
            connection: &connection,
        });
        drop(transaction);
        result
    }

    /// A read transaction that its owner may keep for as long as an answer takes.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection became free.
    pub fn snapshot(&self) -> Result<Snapshot, DbError> {
        let connection = self.connection()?;
        run(&connection, "BEGIN DEFERRED")?;
        Ok(Snapshot { connection })
    }

    /// Runs `work` in a write transaction, alone; committed and on disk when this is `Ok`.
    ///
    /// # Errors
    /// Those of `work`, after which nothing was changed, and [`DbError::Busy`].
    pub fn write<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let until = Instant::now() + self.timeout;
        let Some(_turn) = self.writer.take(until) else {
            return Err(DbError::Busy("others are writing, or wait to".into()).into());
        };
        let left = || until.saturating_duration_since(Instant::now());
        let connection = self.pool.get_timeout(left());
        let connection = connection.map_err(|cause| DbError::Busy(Box::new(cause)))?;
        // SQLite's own waiting is not fair to those who wait: see `Turnstile`.
        connection
            .busy_timeout(Duration::ZERO)
            .map_err(driver_error)?;
        let mut busy = None;
        let begun = self.turnstile.pass(until, || {
            match Transaction::begin(&connection, "BEGIN IMMEDIATE") {
                Err(DbError::Busy(cause)) => {
                    busy = Some(cause);
                    None
                }
                other => Some(other),
            }
        });
        connection
            .busy_timeout(self.timeout)
            .map_err(driver_error)?;
        let transaction = match (begun, busy) {
            (Some(begun), _) => begun?,
            (None, cause) => {
                return Err(
                    DbError::Busy(cause.unwrap_or_else(|| "others are writing".into())).into(),
                );
            }
        };
        let value = work(&mut Session {
            connection: &connection,
        })?;
        transaction.commit()?;
        Ok(value)
    }

    fn connection(&self) -> Result<Pooled, DbError> {
        self.pool
            .get()
            .map_err(|cause| DbError::Busy(Box::new(cause)))
    }
}

/// A read transaction that owns its connection; ends when it is dropped.
pub struct Snapshot {
    connection: Pooled,
}

impl Snapshot {
    /// The face for queries.
    pub fn session(&mut self) -> Session<'_> {
        Session {
            connection: &self.connection,
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        roll_back(&self.connection);
    }
}

/// A transaction on a borrowed connection; rolled back unless it was committed.
struct Transaction<'a> {
    connection: &'a Connection,
    open: bool,
}

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection, sql: &str) -> Result<Self, DbError> {
        run(connection, sql)?;
        Ok(Self {
            connection,
            open: true,
        })
    }

    fn commit(mut self) -> Result<(), DbError> {
        run(self.connection, "COMMIT")?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            roll_back(self.connection);
        }
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), DbError> {
    let mut statement = connection.prepare_cached(sql).map_err(driver_error)?;
    statement.raw_execute().map_err(driver_error)?;
    Ok(())
}

fn roll_back(connection: &Connection) {
    // SQLite itself has already rolled back after some errors.
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = run(connection, "ROLLBACK") {
        log::error!("cannot roll back: {}", chain(&error));
    }
}

/// Statements inside one transaction.
pub struct Session<'a> {
    connection: &'a Connection,
}

impl Session<'_> {
    /// Runs a statement that answers no rows; returns how many rows it changed.
    ///
    /// # Errors
    /// Any [`DbError`]; the transaction should then be given up.
    pub fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        let mut statement = self.prepare(sql, params)?;
        statement.raw_execute().map_err(driver_error)
    }

    /// Runs several statements without parameters, for schemas.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.execute_batch(sql).map_err(driver_error)
    }

    /// Lends each row to `visit` until that breaks or there are no more.
    ///
    /// # Errors
    /// Any [`DbError`] of the database, and those of `visit`.
    pub fn query<E: From<DbError>>(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        mut visit: impl FnMut(&Row<'_>) -> Result<Flow, E>,
    ) -> Result<(), E> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(driver_error)? {
            if visit(&Row { row })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first row, as `read` makes it, if there is one.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Result<Option<T>, DbError> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        Ok(rows
            .next()
            .map_err(driver_error)?
            .map(|row| read(&Row { row })))
    }

    fn prepare(
        &self,
        sql: &str,
        params: &Params<'_>,
    ) -> Result<rusqlite::CachedStatement<'_>, DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(driver_error)?;
        for (name, value) in params {
            if let Some(index) = statement.parameter_index(name).map_err(driver_error)? {
                statement
                    .raw_bind_parameter(index, value)
                    .map_err(driver_error)?;
            }
        }
        Ok(statement)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// One row, for as long as the query stands on it. Columns count from 0.
///
/// An old database may hold anything anywhere (SQLite does not check types), so reading never
/// fails: a value of another type is absent.
pub struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
}

impl Row<'_> {
    /// The integer in a column; absent when NULL or something else.
    #[must_use]
    pub fn int(&self, column: usize) -> Option<i64> {
        match self.row.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Some(number),
            _ => None,
        }
    }

    /// The text in a column; absent when NULL, something else, or not UTF-8.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&str> {
        match self.row.get_ref(column) {
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

/// Creates the file with mode 0600 when it does not exist, and its folder with mode 0700: they
/// hold people's data. No more than one folder, which a mistyped path seldom asks for.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        && !folder.exists()
    {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .map_err(|error| {
                let text = format!("cannot create the folder {}: {error}", folder.display());
                io::Error::new(error.kind(), text)
            })?;
        log::info!("created the folder {}", folder.display());
    }
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => give_to_owner_of_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Root often runs the first command by hand: the file must be the server's all the same, whose
/// folder it lies in. SQLite gives the files beside it the same owner.
fn give_to_owner_of_folder(path: &Path) -> io::Result<()> {
    let (file, folder) = (fs::metadata(path)?, path.parent());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::metadata(folder.unwrap_or(Path::new(".")))?;
    if file.uid() == 0 && folder.uid() != 0 {
        chown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
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
}
