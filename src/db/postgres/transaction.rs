//! An open transaction.

use super::super::DbError;
use super::super::Flow;
use super::super::Params;
use super::super::Row;
use super::super::driver::Access;
use super::super::driver::Transaction;
use super::Pooled;
use super::Waits;
use super::connection::Connection;
use super::connection::Rows;

/// How many bytes of rows that nobody wants are read at the end of a transaction. Where there are
/// more, it is cheaper to give up the connection.
const UNWANTED: usize = 4 << 20;

/// A transaction that owns its connection; rolled back when it is dropped.
pub(super) struct Open {
    connection: Pooled,
    /// What the last query left over. It comes before the next answer.
    rest: Option<Rows>,
    access: Access,
    waits: Waits,
    /// Whether a statement was answered.
    has_answered: bool,
    /// Whether a statement failed: PostgreSQL then answers COMMIT with ROLLBACK, and no error.
    has_failed: bool,
    has_ended: bool,
}

impl Open {
    /// Begins a transaction.
    pub(super) fn begin(
        mut connection: Pooled,
        access: Access,
        waits: Waits,
    ) -> Result<Self, DbError> {
        begin(&mut connection, access, waits)?;
        Ok(Self {
            connection,
            rest: None,
            access,
            waits,
            has_answered: false,
            has_failed: false,
            has_ended: false,
        })
    }

    /// Asks the server. When a table was changed since the statement was prepared, PostgreSQL
    /// gives the transaction up; if nothing was seen of it or changed in it yet, it is begun
    /// again, and nobody notices.
    fn ask<T>(
        &mut self,
        mut ask: impl FnMut(&mut Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.settle()?;
        let mut result = ask(&mut self.connection);
        if result.is_err() && self.connection.was_stale() && !self.has_answered {
            if self.access != Access::Glance {
                self.connection.run("ROLLBACK")?;
            }
            let patience = self.connection.patience;
            begin(&mut self.connection, self.access, self.waits)?;
            self.connection.patience = patience;
            result = ask(&mut self.connection);
        }
        self.has_answered = true;
        self.has_failed |= result.is_err();
        result
    }

    /// Reads what the last query left over: an error in it has ended the transaction.
    fn settle(&mut self) -> Result<(), DbError> {
        let settled = self.read_rest(usize::MAX);
        self.has_failed |= settled.is_err();
        settled.map(|_| ())
    }

    /// Reads what the last query left over, as far as that many bytes; answers whether that was all.
    fn read_rest(&mut self, most: usize) -> Result<bool, DbError> {
        let Some(mut rest) = self.rest.take() else {
            return Ok(true);
        };
        let mut read = 0;
        while read < most {
            match self.connection.next(&mut rest)? {
                Some(row) => read = read.saturating_add(row.raw_size_bytes()),
                None => return Ok(true),
            }
        }
        Ok(false)
    }
}

impl Transaction for Open {
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        self.ask(|connection| connection.execute(sql, params))
    }

    fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
        found: &mut dyn FnMut(usize),
    ) -> Result<(), DbError> {
        let each = self.ask(|connection| connection.execute_each(sql, all))?;
        each.into_iter().for_each(found);
        Ok(())
    }

    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.ask(|connection| connection.run(sql))
    }

    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        let mut rows = self.ask(|connection| connection.query(sql, params))?;
        loop {
            let next = self.connection.next(&mut rows);
            self.has_failed |= next.is_err();
            let Some(row) = next? else {
                return Ok(());
            };
            if visit(&Row::new(&row)).is_break() {
                self.rest = Some(rows);
                return Ok(());
            }
        }
    }

    fn unhurried(&mut self) {
        self.connection.patience = None;
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        self.settle()?;
        if self.has_failed {
            let text = "a statement of the transaction had failed";
            return Err(DbError::Driver(text.into()));
        }
        // What failed to be committed was rolled back.
        self.has_ended = true;
        self.connection.run("COMMIT")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if matches!(self.read_rest(UNWANTED), Ok(false)) {
            self.connection.give_up();
        }
        if !self.connection.is_broken() && self.access != Access::Glance {
            // A connection on which this fails shows it at the next BEGIN.
            self.connection.send("ROLLBACK");
        }
    }
}

fn begin(connection: &mut Connection, access: Access, waits: Waits) -> Result<(), DbError> {
    let sql = match access {
        // A single query sees one state by itself. It finds out whether the connection is alive.
        Access::Glance => {
            connection.patience = Some(waits.begin);
            return Ok(());
        }
        Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Access::Write | Access::LongWrite => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    };
    connection.patience = Some(waits.begin);
    connection.run(sql)?;
    connection.patience = Some(waits.other);
    Ok(())
}
