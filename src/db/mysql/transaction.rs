//! An open transaction.

use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;

use super::super::DbError;
use super::super::Flow;
use super::super::Params;
use super::super::Row;
use super::super::driver::Access;
use super::super::driver::Transaction;
use super::Pooled;
use super::connection::Connection;
use super::manager::Manager;
use super::options::Pace;
use crate::causes::chain;

/// A transaction that owns its connection; rolled back when it is dropped.
pub(super) struct Open {
    connection: Held,
    access: Access,
    manager: Arc<Manager>,
    state: State,
}

/// The connection of a transaction.
pub(super) enum Held {
    /// One that is thrown away afterwards.
    Own(Box<Connection>),
    Pooled(Pooled),
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was asked yet.
    Begun,
    /// Statements may follow.
    Asked,
    /// The server gave it up, wholly or in part: what followed might be done on its own.
    GivenUp,
    /// Committed, or as good as.
    Ended,
}

impl Open {
    /// Begins a transaction.
    pub(super) fn begin(
        mut connection: Held,
        access: Access,
        manager: Arc<Manager>,
    ) -> Result<Self, DbError> {
        match access {
            // A single query sees one state by itself.
            Access::Glance => {}
            Access::Read => {
                connection.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
            }
            Access::Write | Access::LongWrite => connection.run("START TRANSACTION")?,
        }
        Ok(Self {
            connection,
            access,
            manager,
            state: State::Begun,
        })
    }

    fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self.state == State::GivenUp {
            return Err(DbError::Conflict("the transaction was given up".into()));
        }
        self.state = State::Asked;
        let result = ask(&mut self.connection);
        if matches!(result, Err(DbError::Conflict(_) | DbError::Lost(_))) {
            self.state = State::GivenUp;
        }
        result
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
        self.ask(|connection| connection.execute_each(sql, all, found))
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
        self.ask(|connection| connection.query(sql, params, visit))
    }

    /// How long a connection waits is settled when it is made: this takes another one, so that
    /// it has no effect after the first statement.
    fn unhurried(&mut self) {
        if self.state != State::Begun || matches!(self.connection, Held::Own(_)) {
            return;
        }
        let made = self.manager.connect(Pace::Unhurried);
        let begun = made
            .map_err(|cause| DbError::Lost(cause.into()))
            .and_then(|connection| {
                let connection = Held::Own(Box::new(connection));
                Self::begin(connection, self.access, Arc::clone(&self.manager))
            });
        match begun {
            Ok(begun) => *self = begun,
            // What follows fails as well, and is told then; or it is done in time all the same.
            Err(error) => log::debug!("{}: {}", self.manager.name(), chain(&error)),
        }
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        self.ask(Connection::commit)?;
        self.state = State::Ended;
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let is_over = self.state == State::Ended || self.access == Access::Glance;
        if is_over || self.connection.is_broken() {
            return;
        }
        if let Err(error) = self.connection.run("ROLLBACK") {
            // The server rolls back when it sees that the connection is gone.
            self.connection.give_up();
            log::debug!(
                "{}: cannot roll back: {}",
                self.manager.name(),
                chain(&error)
            );
        }
    }
}

impl Deref for Held {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}
