//! One connection: its prepared statements, and whether it is still in step with the server.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;
use std::time::Instant;

use mysql::Conn;
use mysql::consts::ColumnType;
use mysql::prelude::Queryable;

use super::super::DbError;
use super::super::Flow;
use super::super::Params;
use super::super::Row;
use super::super::Value;
use super::super::driver::Columns;
use super::super::statement::Places;
use super::super::statement::Statement;
use super::error;
use super::rows;
use super::trust::Trusted;

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 128;

/// A connection to a server.
pub(super) struct Connection {
    conn: Conn,
    /// When to make it anew; absent: never.
    expires: Option<Instant>,
    /// Whether nothing may be asked of it any more.
    is_broken: bool,
    statements: Statements,
    server: Trusted,
}

impl Connection {
    pub(super) fn new(conn: Conn, server: Trusted, recycle: Option<Duration>) -> Self {
        Self {
            conn,
            server,
            expires: recycle.and_then(|age| Instant::now().checked_add(age)),
            is_broken: false,
            statements: Statements::default(),
        }
    }

    /// Whether nothing may be asked of it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether its server is believed to be of use.
    pub(super) fn is_trusted(&self) -> bool {
        self.server.holds()
    }

    /// Whether it should be made anew.
    pub(super) fn is_old(&self) -> bool {
        self.expires.is_some_and(|end| Instant::now() >= end)
    }

    /// Never uses it again.
    pub(super) fn give_up(&mut self) {
        self.is_broken = true;
    }

    /// Runs statements without parameters, whose answers do not matter.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), DbError> {
        let mut run = || {
            let mut answers = self.conn.query_iter(sql)?;
            // Each statement's failure shows itself when its answer is read.
            while let Some(mut answer) = answers.iter() {
                answer.try_for_each(|row| row.map(drop))?;
            }
            Ok(())
        };
        let done = run();
        self.noted(done)
    }

    pub(super) fn commit(&mut self) -> Result<(), DbError> {
        self.run("COMMIT").map_err(error::of_commit)
    }

    /// Runs a statement that answers no rows; returns how many rows it found to change.
    pub(super) fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        let mut execute = || {
            let (handle, values) = self.statements.prepare(&mut self.conn, sql, params)?;
            let mut answer = self.conn.exec_iter(&handle, values)?;
            let found = answer.affected_rows();
            answer.try_for_each(|row| row.map(drop))?;
            Ok(usize::try_from(found).unwrap_or(usize::MAX))
        };
        let done = execute();
        self.noted(done)
    }

    /// Runs one statement with each of these, and tells `found` of each how many rows it found to
    /// change. Rows that are made are made many at a time.
    pub(super) fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
        found: &mut dyn FnMut(usize),
    ) -> Result<(), DbError> {
        let Some(row) = rows::Row::of(sql) else {
            for params in all {
                found(self.execute(sql, params)?);
            }
            return Ok(());
        };
        for some in rows::portions(all) {
            let mut make = || {
                let (handle, values) = self.statements.prepare_rows(&mut self.conn, row, some)?;
                let mut answer = self.conn.exec_iter(&handle, values)?;
                answer.try_for_each(|row| row.map(drop))
            };
            let made = make();
            self.noted(made)?;
            // It makes all of them or fails.
            some.iter().for_each(|_| found(1));
        }
        Ok(())
    }

    /// Lends each row to `visit` until that breaks or there are no more. What is left then is
    /// read all the same: the server sends it before it hears of anything else.
    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        let mut query = || {
            let (handle, values) = self.statements.prepare(&mut self.conn, sql, params)?;
            let mut flow = Flow::Continue(());
            for row in self.conn.exec_iter(&handle, values)? {
                let row = row?;
                if flow.is_continue() {
                    flow = visit(&Row::new(&row));
                }
            }
            Ok(())
        };
        let done = query();
        self.noted(done)
    }

    fn noted<T>(&mut self, result: Result<T, mysql::Error>) -> Result<T, DbError> {
        result.map_err(|cause| {
            self.is_broken |= error::breaks(&cause);
            if error::is_of_server(&cause) {
                self.server.lose();
            }
            error::of_statement(cause)
        })
    }
}

/// A statement that the server knows.
struct Prepared {
    statement: Statement,
    handle: mysql::Statement,
    /// When it was used last, as a count of uses.
    used: u64,
}

/// The statements that a connection has prepared, by their text.
///
/// A text with a list in it is known as it was written out; others as they were given, so that
/// they are read once.
#[derive(Default)]
struct Statements {
    known: HashMap<String, Prepared>,
    uses: u64,
}

impl Statements {
    fn prepare(
        &mut self,
        conn: &mut Conn,
        sql: &str,
        params: &Params<'_>,
    ) -> Result<(mysql::Statement, Vec<mysql::Value>), mysql::Error> {
        self.uses += 1;
        if let Some(known) = self.known.get_mut(sql) {
            return Ok(known.used(self.uses, params));
        }
        let statement = Statement::parse(sql, Places::Questions, params);
        if statement.is_sized
            && let Some(known) = self.known.get_mut(&statement.text)
        {
            return Ok(known.used(self.uses, params));
        }
        self.make_room(conn)?;
        let handle = conn.prep(&statement.text)?;
        let key = if statement.is_sized {
            statement.text.clone()
        } else {
            sql.to_owned()
        };
        let mut prepared = Prepared {
            statement,
            handle,
            used: 0,
        };
        let ready = prepared.used(self.uses, params);
        self.known.insert(key, prepared);
        Ok(ready)
    }

    /// A statement that makes so many rows, and all their values.
    fn prepare_rows(
        &mut self,
        conn: &mut Conn,
        row: rows::Row<'_>,
        all: &[&Params<'_>],
    ) -> Result<(mysql::Statement, Vec<mysql::Value>), mysql::Error> {
        self.uses += 1;
        let text = row.times(all.len());
        if !self.known.contains_key(&text) {
            self.make_room(conn)?;
        }
        let known = match self.known.entry(text) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let handle =
                    conn.prep(Statement::parse(unknown.key(), Places::Questions, &[]).text)?;
                unknown.insert(Prepared {
                    statement: Statement::parse(row.values, Places::Questions, &[]),
                    handle,
                    used: 0,
                })
            }
        };
        known.used = self.uses;
        let values = all.iter().flat_map(|params| known.values(params));
        Ok((known.handle.clone(), values.collect()))
    }

    /// Forgets the statement that was not used for longest, when there are too many.
    fn make_room(&mut self, conn: &mut Conn) -> Result<(), mysql::Error> {
        if self.known.len() < STATEMENTS {
            return Ok(());
        }
        let oldest = self.known.iter().min_by_key(|(_, known)| known.used);
        let oldest = oldest.map(|(key, _)| key.clone());
        match oldest.and_then(|key| self.known.remove(&key)) {
            Some(known) => conn.close(known.handle),
            None => Ok(()),
        }
    }
}

impl Prepared {
    fn used(&mut self, uses: u64, params: &Params<'_>) -> (mysql::Statement, Vec<mysql::Value>) {
        self.used = uses;
        (self.handle.clone(), self.values(params))
    }

    fn values(&self, params: &Params<'_>) -> Vec<mysql::Value> {
        let values = self.statement.values(params).into_iter();
        let values = values.map(|value| match value {
            Value::Int(number) => mysql::Value::Int(number),
            Value::Text(text) => mysql::Value::Bytes(text.into()),
            // Lists were written out.
            Value::Null | Value::Texts(_) => mysql::Value::NULL,
        });
        values.collect()
    }
}

impl Columns for mysql::Row {
    fn int(&self, column: usize) -> Option<i64> {
        match self.as_ref(column)? {
            mysql::Value::Int(number) => Some(*number),
            mysql::Value::UInt(number) => i64::try_from(*number).ok(),
            // Sums come as decimal numbers, and these as text.
            mysql::Value::Bytes(digits) => {
                let kind = self.columns_ref().get(column)?.column_type();
                if kind != ColumnType::MYSQL_TYPE_NEWDECIMAL {
                    return None;
                }
                std::str::from_utf8(digits).ok()?.parse().ok()
            }
            _ => None,
        }
    }

    fn text(&self, column: usize) -> Option<&str> {
        let mysql::Value::Bytes(bytes) = self.as_ref(column)? else {
            return None;
        };
        let kind = self.columns_ref().get(column)?.column_type();
        if kind == ColumnType::MYSQL_TYPE_NEWDECIMAL {
            return None;
        }
        std::str::from_utf8(bytes).ok()
    }
}
