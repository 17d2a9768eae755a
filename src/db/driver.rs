//! What a driver has to offer, and the row that all drivers lend.

use std::time::Instant;

use super::DbError;
use super::Dialect;
use super::Flow;
use super::Params;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// One query and nothing else, for which no transaction need be begun.
    Glance,
    /// All queries see one state, and nothing is changed.
    Read,
    /// Changes. On SQLite nobody else writes meanwhile; on the others it sees, after the first row
    /// that it locked, what was committed until then.
    Write,
    /// The same for what may take long, which nobody's answer shall wait for.
    LongWrite,
}

/// The connections to one database.
pub(super) trait Driver: Send + Sync {
    /// Begins a transaction on a connection that was free by then.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection became free or others write for too long,
    /// [`DbError::Lost`] when a connection turned out to be dead (there may be others), and
    /// [`DbError::Open`] when there is none and none can be made.
    fn begin(&self, access: Access, until: Instant) -> Result<Box<dyn Transaction>, DbError>;

    /// What differs in the SQL that it understands.
    fn dialect(&self) -> Dialect;
}

/// A transaction that owns its connection; rolled back when it is dropped.
pub(super) trait Transaction: Send {
    /// Runs a statement that answers no rows; returns how many rows it found to change.
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError>;

    /// Runs one statement with each of several lists of parameters, which have the same names in
    /// the same order; tells `found` of each how many rows it found to change.
    fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
        found: &mut dyn FnMut(usize),
    ) -> Result<(), DbError> {
        for params in all {
            found(self.execute(sql, params)?);
        }
        Ok(())
    }

    /// Runs several statements without parameters.
    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError>;

    /// Lends each row to `visit` until that breaks or there are no more.
    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError>;

    /// Lets the statements that follow take as long as they take, where waiting for a server is
    /// bounded otherwise.
    fn unhurried(&mut self) {}

    /// Undoes the changes, if need be after waiting for what others have changed that this one saw.
    ///
    /// # Errors
    /// [`DbError::Conflict`] when that was given up, so that what was seen is not so.
    fn roll_back(self: Box<Self>) -> Result<(), DbError> {
        Ok(())
    }

    /// Makes the changes last: on disk, as far as the database is asked for that, when it is `Ok`.
    fn commit(self: Box<Self>) -> Result<(), DbError>;
}

/// What a driver's row must tell of its columns, which count from 0.
pub(super) trait Columns {
    /// See [`Row::int`].
    fn int(&self, column: usize) -> Option<i64>;

    /// See [`Row::text`].
    fn text(&self, column: usize) -> Option<&str>;
}

/// One row, for as long as the query stands on it. Columns count from 0.
///
/// An old database may hold anything anywhere (SQLite does not check types), so reading never
/// fails: a value of another type is absent.
pub struct Row<'a> {
    columns: &'a dyn Columns,
}

impl<'a> Row<'a> {
    pub(super) fn new(columns: &'a dyn Columns) -> Self {
        Self { columns }
    }

    /// The integer in a column; absent when NULL or something else.
    #[must_use]
    pub fn int(&self, column: usize) -> Option<i64> {
        self.columns.int(column)
    }

    /// The text in a column; absent when NULL, something else, or not UTF-8.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&str> {
        self.columns.text(column)
    }
}
