//! MySQL and MariaDB: InnoDB's transactions over a pool of connections.
//!
//! A read sees one state (a consistent snapshot). A write runs under REPEATABLE READ, whose
//! snapshot is made by the first plain read: what it locked before (`FOR UPDATE`) was committed
//! by then. Invariant: a connection that is given back to the pool is in no transaction and has
//! read every answer; all others are thrown away.

mod cause;
mod connection;
mod error;
mod manager;
mod options;
mod places;

use std::sync::Arc;
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
use crate::causes::chain;
use crate::config::MySqlUri;
use manager::Manager;
use manager::Shared;

/// The longest pause between two attempts to connect while somebody waits for a connection.
const PAUSE: Duration = Duration::from_millis(500);

type Pooled = r2d2::PooledConnection<Shared>;

/// The connections to one database.
pub(super) struct MySql {
    manager: Arc<Manager>,
    pool: r2d2::Pool<Shared>,
}

impl MySql {
    /// Finds out whether the server lets us in.
    pub(super) fn open(uri: &MySqlUri, options: &PoolOptions) -> Result<Self, DbError> {
        let manager = Arc::new(Manager::new(uri, options));
        // The first connection is made by hand: the pool would retry and hide the reason.
        manager.connect().map_err(|cause| DbError::Open {
            name: manager.name().to_owned(),
            cause: Box::new(cause),
        })?;
        let pool = r2d2::Pool::builder()
            .max_size(options.size.max(1))
            .min_idle(Some(0))
            .max_lifetime(options.recycle.filter(|age| !age.is_zero()))
            // A dead connection shows itself when a transaction begins.
            .test_on_check_out(false)
            // The pool's pauses between attempts to connect grow up to half of this.
            .connection_timeout(PAUSE * 2)
            // The manager tells what there is to tell.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(Shared(Arc::clone(&manager)));
        Ok(Self { manager, pool })
    }

    fn connection(&self, until: Instant) -> Result<Pooled, DbError> {
        let left = until.saturating_duration_since(Instant::now());
        self.pool
            .get_timeout(left)
            .map_err(|_| match self.manager.failure() {
                Some(failure) => DbError::Open {
                    name: self.manager.name().to_owned(),
                    cause: failure.into(),
                },
                None => DbError::Busy("all connections of the pool are in use".into()),
            })
    }
}

impl Driver for MySql {
    fn begin(&self, access: Access, until: Instant) -> Result<Box<dyn Transaction>, DbError> {
        let mut connection = self.connection(until)?;
        connection.run(match access {
            Access::Read => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            Access::Write => "START TRANSACTION",
        })?;
        Ok(Box::new(Open {
            connection,
            state: State::Open,
        }))
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Statements may follow.
    Open,
    /// The server gave it up, wholly or in part: what followed might be done on its own.
    GivenUp,
    /// Committed, or as good as.
    Ended,
}

/// An open transaction.
struct Open {
    connection: Pooled,
    state: State,
}

impl Open {
    fn check(&self) -> Result<(), DbError> {
        match self.state {
            State::Open => Ok(()),
            _ => Err(DbError::Conflict("the transaction was given up".into())),
        }
    }

    fn noted<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        if let Err(DbError::Conflict(_)) = &result {
            self.state = State::GivenUp;
        }
        result
    }
}

impl Transaction for Open {
    fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        self.check()?;
        let result = self.connection.execute(sql, params);
        self.noted(result)
    }

    fn execute_batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.check()?;
        let result = self.connection.run(sql);
        self.noted(result)
    }

    fn query(
        &mut self,
        sql: &str,
        params: &Params<'_>,
        visit: &mut dyn FnMut(&Row<'_>) -> Flow,
    ) -> Result<(), DbError> {
        self.check()?;
        let result = self.connection.query(sql, params, visit);
        self.noted(result)
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        self.check()?;
        let result = self.connection.commit();
        if result.is_ok() {
            self.state = State::Ended;
        }
        result
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.state == State::Ended || self.connection.is_broken() {
            return;
        }
        if let Err(error) = self.connection.run("ROLLBACK") {
            // The server rolls back when it sees that the connection is gone.
            self.connection.give_up();
            log::debug!(
                "{}: cannot roll back: {}",
                self.connection.name(),
                chain(&error)
            );
        }
    }
}
