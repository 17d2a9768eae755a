//! An open transaction.

use std::time::Duration;

use super::super::DbError;
use super::super::Flow;
use super::super::Params;
use super::super::Row;
use super::super::driver::Access;
use super::super::driver::Transaction;
use super::Pooled;
use super::connection::Rows;
use crate::causes::chain;

/// Rows that are read and thrown away at the end of a transaction that did not want them. Where
/// there are more, it is cheaper to give up the connection.
const UNWANTED: usize = 100;

/// A transaction that owns its connection; rolled back when it is dropped.
pub(super) struct Open {
    connection: Pooled,
    /// What the last query left over. It is read by the driver before the next answer.
    rest: Option<Rows>,
    /// Whether a statement failed: PostgreSQL then answers COMMIT with ROLLBACK, and no error.
    has_failed: bool,
    has_ended: bool,
}

impl Open {
    /// Begins a transaction; the server must answer within the time that a connection may take.
    pub(super) fn begin(
        mut connection: Pooled,
        access: Access,
        longest: Duration,
    ) -> Result<Self, DbError> {
        let sql = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        connection.run(sql, Some(longest))?;
        Ok(Self {
            connection,
            rest: None,
            has_failed: false,
            has_ended: false,
        })
    }

    fn noted<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.has_failed |= result.is_err();
        result
    }

    /// Reads what the last query left over, if that is little.
    fn finish_rest(&mut self) {
        let Some(mut rest) = self.rest.take() else {
            return;
        };
        for _ in 0..UNWANTED {
            if !matches!(self.connection.next(&mut rest), Ok(Some(_))) {
                return;
            }
        }
        self.connection.give_up();
    }
}

impl Transaction for Open {
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        self.rest = None;
        let result = self.connection.execute(sql, params);
        self.noted(result)
    }

    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.rest = None;
        // Schemas may take their time.
        let result = self.connection.run(sql, None);
        self.noted(result)
    }

    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        self.rest = None;
        let result = self.connection.query(sql, params);
        let mut rows = self.noted(result)?;
        loop {
            let next = self.connection.next(&mut rows);
            let Some(row) = self.noted(next)? else {
                return Ok(());
            };
            if visit(&Row::new(&row)).is_break() {
                self.rest = Some(rows);
                return Ok(());
            }
        }
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        if self.has_failed {
            let text = "a statement of the transaction had failed";
            return Err(DbError::Driver(text.into()));
        }
        self.rest = None;
        let longest = Some(self.connection.patience());
        let result = self.connection.run("COMMIT", longest);
        // What failed to be committed was rolled back.
        self.has_ended = true;
        result
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.finish_rest();
        if self.connection.is_broken() {
            return;
        }
        let longest = Some(self.connection.patience());
        if let Err(error) = self.connection.run("ROLLBACK", longest) {
            self.connection.give_up();
            log::warn!("cannot roll back: {}", chain(&error));
        }
    }
}
