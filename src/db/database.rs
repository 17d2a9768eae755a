//! One database whatever drives it: transactions, and doing them again.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::DbError;
use super::Dialect;
use super::Flow;
use super::Params;
use super::PoolOptions;
use super::Row;
use super::driver::Access;
use super::driver::Driver;
use super::driver::Transaction;
#[cfg(feature = "mysql")]
use super::mysql;
#[cfg(feature = "postgres")]
use super::postgres;
use super::sqlite;
use crate::config::DatabaseUri;

/// How often a write is tried when the database gives way to others each time.
const ATTEMPTS: u32 = 10;

/// The pause before the first new attempt; it doubles. Who came in each other's way must not
/// meet again.
const PAUSE: Duration = Duration::from_millis(2);

/// One database, shared by all threads of a process.
pub struct Database {
    name: String,
    driver: Arc<dyn Driver>,
    /// Connections at most.
    size: u32,
    /// How long a call waits for a connection and for other writers.
    timeout: Duration,
    /// Whether answers may take as long as they take.
    patient: bool,
}

impl Database {
    /// Opens a database. A SQLite file that is missing is created (mode 0600); of a server it is
    /// tried whether it lets us in.
    ///
    /// # Errors
    /// [`DbError::Open`] says which database and why.
    pub fn open(uri: &DatabaseUri, options: &PoolOptions) -> Result<Self, DbError> {
        let (name, driver): (String, Arc<dyn Driver>) = match uri {
            DatabaseUri::SqliteFile(path) => {
                let driver = sqlite::Sqlite::open_file(path, options)?;
                (path.display().to_string(), Arc::new(driver))
            }
            DatabaseUri::SqliteMemory => {
                let driver = sqlite::Sqlite::open_memory(options)?;
                ("memory".to_owned(), Arc::new(driver))
            }
            #[cfg(feature = "mysql")]
            DatabaseUri::MySql(server) => {
                let driver = mysql::MySql::open(server, options)?;
                (uri.to_string(), Arc::new(driver))
            }
            #[cfg(not(feature = "mysql"))]
            DatabaseUri::MySql(_) => return Err(left_out(uri, "mysql")),
            #[cfg(feature = "postgres")]
            DatabaseUri::PostgreSql(server) => {
                let name = uri.to_string();
                let driver = postgres::PostgreSql::open(server, &name, options)?;
                (name, Arc::new(driver))
            }
            #[cfg(not(feature = "postgres"))]
            DatabaseUri::PostgreSql(_) => return Err(left_out(uri, "postgres")),
        };
        Ok(Self {
            name,
            driver,
            size: options.size.max(1),
            timeout: options.timeout,
            patient: false,
        })
    }

    /// Opens a database that belongs to somebody else and is only read. Of SQLite nothing is made
    /// and nothing changed; a server is not asked to keep anybody from writing.
    ///
    /// # Errors
    /// [`DbError::Open`] says which database and why.
    pub fn open_to_read(uri: &DatabaseUri, options: &PoolOptions) -> Result<Self, DbError> {
        match uri {
            DatabaseUri::SqliteFile(path) => Self::open_file_to_read(path, options),
            _ => Self::open(uri, options),
        }
    }

    /// The same for a SQLite file.
    ///
    /// # Errors
    /// [`DbError::Open`] says which file and why.
    pub fn open_file_to_read(path: &Path, options: &PoolOptions) -> Result<Self, DbError> {
        Ok(Self {
            name: path.display().to_string(),
            driver: Arc::new(sqlite::Sqlite::open_to_read(path, options)?),
            size: options.size.max(1),
            timeout: options.timeout,
            patient: false,
        })
    }

    /// The same database for what reads or changes whole tables. A server's answer is waited for a
    /// little longer than `pool_timeout` otherwise, which is enough for a call but may be too
    /// little for an index.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self {
            name: self.name.clone(),
            driver: Arc::clone(&self.driver),
            size: self.size,
            timeout: self.timeout,
            patient: true,
        }
    }

    /// Finds out whether a database that exists could be opened and written to; changes nothing.
    ///
    /// # Errors
    /// [`DbError::Open`] says which database and why.
    pub fn probe(uri: &DatabaseUri, options: &PoolOptions) -> Result<(), DbError> {
        match uri {
            DatabaseUri::SqliteFile(path) => sqlite::probe(path, options),
            _ => Self::open(uri, options).map(drop),
        }
    }

    /// What to call this database in a message.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What differs in its SQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.driver.dialect()
    }

    /// Runs `work` in a read transaction: all its queries see the same state.
    ///
    /// `work` is run again when the database gave its transaction up before any row was lent.
    ///
    /// # Errors
    /// Those of `work`, and [`DbError::Busy`] when no connection became free.
    pub fn read<T, E: From<DbError>>(
        &self,
        work: impl FnMut(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_and_keep(work).map(|(value, _)| value)
    }

    /// The same for `work` that makes one query: what a second one saw might be another state.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn glance<T, E: From<DbError>>(
        &self,
        work: impl FnMut(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_by(Access::Glance, work).map(|(value, _)| value)
    }

    /// The same as [`Self::read`], and answers the transaction for what else is to be read in it.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_and_keep<T, E: From<DbError>>(
        &self,
        work: impl FnMut(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<(T, Snapshot), E> {
        self.read_by(Access::Read, work)
    }

    fn read_by<T, E: From<DbError>>(
        &self,
        mut access: Access,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<(T, Snapshot), E> {
        let mut retries = Retries::until(self.deadline());
        loop {
            let mut snapshot = self.lend(access)?;
            let mut session = snapshot.session();
            let result = work(&mut session);
            if !session.gave_way || session.has_lent || !retries.is_left() {
                return result.map(|value| (value, snapshot));
            }
            drop(snapshot);
            log::debug!("{}: a read is done again", self.name);
            // The connection may have died while it lay idle, and so may others: only the begin of
            // a transaction passes these over.
            access = Access::Read;
            retries.pause();
        }
    }

    /// A read transaction that its owner may keep for as long as an answer takes.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection became free.
    pub fn snapshot(&self) -> Result<Snapshot, DbError> {
        self.lend(Access::Read)
    }

    fn lend(&self, access: Access) -> Result<Snapshot, DbError> {
        Ok(Snapshot {
            transaction: self.begin(access, self.deadline())?,
            dialect: self.driver.dialect(),
        })
    }

    /// Runs `work` in a write transaction; committed and on disk when this is `Ok`.
    ///
    /// On SQLite nobody else writes meanwhile, and writes that queue share one wait for the disk.
    /// On the others it has to lock the rows by which writers of the same thing meet before it
    /// reads anything else.
    /// `work` is run again when the database gave its transaction up, with nothing changed.
    ///
    /// # Errors
    /// Those of `work`, after which nothing was changed, and [`DbError::Busy`]. After
    /// [`DbError::Lost`] the change was made or not, as a whole: the connection broke while it was
    /// being committed.
    pub fn write<T, E: From<DbError>>(
        &self,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut retries = Retries::until(self.deadline());
        loop {
            let access = match self.patient {
                true => Access::LongWrite,
                false => Access::Write,
            };
            let mut transaction = self.begin(access, retries.until)?;
            let mut session = Session::new(transaction.as_mut(), self.driver.dialect());
            let result = work(&mut session);
            let error = match result {
                // Whatever became of the statement that failed, there is nothing to commit.
                Ok(_) if session.gave_way => {
                    E::from(DbError::Conflict("a statement had failed".into()))
                }
                Err(error) if session.gave_way => error,
                Err(error) => match transaction.roll_back() {
                    // It may have failed for what was not so.
                    Err(DbError::Conflict(_)) => error,
                    _ => return Err(error),
                },
                Ok(value) => match transaction.commit() {
                    Ok(()) => return Ok(value),
                    Err(error @ DbError::Conflict(_)) => error.into(),
                    Err(error) => return Err(error.into()),
                },
            };
            if !retries.is_left() {
                return Err(error);
            }
            log::debug!("{}: a write gave way, and is done again", self.name);
            retries.pause();
        }
    }

    /// Begins a transaction; connections that died while they lay idle are passed over.
    fn begin(&self, access: Access, until: Instant) -> Result<Box<dyn Transaction>, DbError> {
        let mut dead = 0;
        loop {
            match self.driver.begin(access, until) {
                Err(DbError::Lost(_)) if dead < self.size && Instant::now() < until => dead += 1,
                other => {
                    let mut transaction = other?;
                    if self.patient {
                        transaction.unhurried();
                    }
                    return Ok(transaction);
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }
}

/// The error for a database whose driver is not in this program.
#[cfg(not(all(feature = "mysql", feature = "postgres")))]
fn left_out(uri: &DatabaseUri, feature: &str) -> DbError {
    DbError::Open {
        name: uri.to_string(),
        cause: format!("this weaved was built without the feature {feature}").into(),
    }
}

/// How often something was tried, and how long it may be.
struct Retries {
    attempts: u32,
    until: Instant,
}

impl Retries {
    fn until(until: Instant) -> Self {
        Self { attempts: 1, until }
    }

    fn is_left(&self) -> bool {
        self.attempts < ATTEMPTS && Instant::now() < self.until
    }

    /// Waits before another attempt, each thread for a time of its own.
    fn pause(&mut self) {
        let longest = PAUSE * (1 << self.attempts.min(6));
        // The clock's lowest digits differ from one thread to the next.
        let digits = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |t| t.subsec_nanos())
            % 1000;
        let pause = longest.mul_f64(0.5 + f64::from(digits) / 2000.0);
        thread::sleep(pause.min(self.until.saturating_duration_since(Instant::now())));
        self.attempts += 1;
    }
}

/// A read transaction that owns its connection; ends when it is dropped.
pub struct Snapshot {
    transaction: Box<dyn Transaction>,
    dialect: Dialect,
}

impl Snapshot {
    /// The face for queries.
    pub fn session(&mut self) -> Session<'_> {
        Session::new(self.transaction.as_mut(), self.dialect)
    }
}

/// Statements inside one transaction.
pub struct Session<'a> {
    transaction: &'a mut dyn Transaction,
    dialect: Dialect,
    /// Whether a statement failed in a way that invites to do the transaction again.
    gave_way: bool,
    /// Whether somebody has seen a row.
    has_lent: bool,
}

impl<'a> Session<'a> {
    fn new(transaction: &'a mut dyn Transaction, dialect: Dialect) -> Self {
        Self {
            transaction,
            dialect,
            gave_way: false,
            has_lent: false,
        }
    }

    /// What differs in the database's SQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs a statement that answers no rows; returns how many rows it found to change.
    ///
    /// # Errors
    /// Any [`DbError`]; the transaction should then be given up.
    pub fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        let result = self.transaction.execute(sql, params);
        self.noted(result)
    }

    /// Runs one statement with each of several lists of parameters, which have the same names in
    /// the same order, and tells `found` of each how many rows it found to change: where a
    /// database can do that at once, it does.
    ///
    /// # Errors
    /// As for [`Self::execute`].
    pub fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
        mut found: impl FnMut(usize),
    ) -> Result<(), DbError> {
        let result = self.transaction.execute_each(sql, all, &mut found);
        self.noted(result)
    }

    /// Runs several statements without parameters, for schemas.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        let result = self.transaction.execute_batch(sql);
        self.noted(result)
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
        let mut failed = None;
        let has_lent = &mut self.has_lent;
        let result = self.transaction.query(sql, params, &mut |row| {
            *has_lent = true;
            visit(row).unwrap_or_else(|error| {
                failed = Some(error);
                Flow::Break(())
            })
        });
        self.noted(result)?;
        failed.map_or(Ok(()), Err)
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
        let (mut read, mut found) = (Some(read), None);
        let has_lent = &mut self.has_lent;
        let result = self.transaction.query(sql, params, &mut |row| {
            *has_lent = true;
            found = read.take().map(|read| read(row));
            Flow::Break(())
        });
        self.noted(result)?;
        Ok(found)
    }

    /// The whole numbers in the first row, if there is one: nothing that anybody is shown before
    /// the transaction ends, so that a read may still be done again afterwards.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn query_ints<const COLUMNS: usize>(
        &mut self,
        sql: &str,
        params: &Params<'_>,
    ) -> Result<Option<[Option<i64>; COLUMNS]>, DbError> {
        let mut found = None;
        let result = self.transaction.query(sql, params, &mut |row| {
            found = Some(std::array::from_fn(|column| row.int(column)));
            Flow::Break(())
        });
        self.noted(result)?;
        Ok(found)
    }

    fn noted<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.gave_way |= matches!(&result, Err(error) if error.invites_retry());
        result
    }
}
