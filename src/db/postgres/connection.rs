//! One connection: its prepared statements, and whether it is still good.

use std::collections::HashMap;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use rustls::ClientConfig;
use tokio_postgres::Row;
use tokio_postgres::RowStream;

use super::super::DbError;
use super::super::Params;
use super::super::statement::Places;
use super::super::statement::Statement;
use super::error;
use super::refusal::Why;
use super::server::Server;
use super::value::Param;
use super::wire::Unanswered;
use super::wire::Wire;

/// Prepared statements kept for each connection; there are fewer in the whole program.
const STATEMENTS: usize = 256;

/// The rows of a query that are yet to come.
pub(super) type Rows = Pin<Box<RowStream>>;

/// A connection to a server.
pub(super) struct Connection {
    wire: Wire,
    /// By our own text.
    statements: HashMap<String, Prepared>,
    /// Whether something went wrong that leaves it in an unknown state.
    is_broken: bool,
    /// Whether a statement was found useless, and all were forgotten since.
    was_stale: bool,
    made: Instant,
    /// How long an answer may take; absent: as long as it takes.
    pub(super) patience: Option<Duration>,
}

/// A statement that the server knows.
#[derive(Clone)]
struct Prepared {
    statement: tokio_postgres::Statement,
    places: Arc<Statement>,
}

impl Connection {
    /// Connects and logs in.
    pub(super) fn open(server: &Server, tls: Option<&ClientConfig>) -> Result<Self, Why> {
        Ok(Self {
            wire: Wire::open(server, tls)?,
            statements: HashMap::new(),
            is_broken: false,
            was_stale: false,
            made: Instant::now(),
            patience: None,
        })
    }

    /// Whether it must not be used again.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken || self.wire.is_closed()
    }

    /// Gives it up: nothing is asked any more.
    pub(super) fn give_up(&mut self) {
        self.is_broken = true;
        self.wire.give_up();
    }

    /// How long ago it was made.
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// Whether a statement was useless since this was asked last; the next time it is prepared
    /// anew.
    pub(super) fn was_stale(&mut self) -> bool {
        mem::take(&mut self.was_stale)
    }

    /// Runs statements without parameters.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), DbError> {
        let asked = self.wire.wait(self.patience, async |client| {
            client.batch_execute(sql).await
        });
        asked.map_err(|unanswered| self.noted(unanswered))
    }

    /// Sends a statement whose success shows in the answer to the next one.
    pub(super) fn send(&self, sql: &str) {
        self.wire
            .send(async |client| client.batch_execute(sql).await);
    }

    /// Runs a statement; returns how many rows it found to change.
    pub(super) fn execute(&mut self, sql: &str, params: &Params<'_>) -> Result<usize, DbError> {
        let Prepared { statement, places } = self.prepared(sql, params)?;
        let values = places.values(params);
        let asked = self.wire.wait(self.patience, async |client| {
            client
                .execute_raw(&statement, values.into_iter().map(Param))
                .await
        });
        match asked {
            // Nobody changes so many rows.
            Ok(found) => Ok(usize::try_from(found).unwrap_or(usize::MAX)),
            Err(unanswered) => Err(self.noted(unanswered)),
        }
    }

    /// Runs a statement with each of these, without waiting in between; returns how many rows each
    /// found to change.
    pub(super) fn execute_each(
        &mut self,
        sql: &str,
        all: &[&Params<'_>],
    ) -> Result<Vec<usize>, DbError> {
        let Some(first) = all.first() else {
            return Ok(Vec::new());
        };
        let Prepared { statement, places } = self.prepared(sql, first)?;
        let asked = self.wire.wait(self.patience, async |client| {
            try_join_all(all.iter().map(|params| {
                let values = places.values(params);
                client.execute_raw(&statement, values.into_iter().map(Param))
            }))
            .await
        });
        match asked {
            Ok(found) => Ok(found
                .into_iter()
                .map(|found| usize::try_from(found).unwrap_or(usize::MAX))
                .collect()),
            Err(unanswered) => Err(self.noted(unanswered)),
        }
    }

    /// Asks for rows.
    pub(super) fn query(&mut self, sql: &str, params: &Params<'_>) -> Result<Rows, DbError> {
        let Prepared { statement, places } = self.prepared(sql, params)?;
        let values = places.values(params);
        let asked = self.wire.wait(self.patience, async |client| {
            client
                .query_raw(&statement, values.into_iter().map(Param))
                .await
        });
        match asked {
            Ok(rows) => Ok(Box::pin(rows)),
            Err(unanswered) => Err(self.noted(unanswered)),
        }
    }

    /// The next row, if there is one.
    pub(super) fn next(&mut self, rows: &mut Rows) -> Result<Option<Row>, DbError> {
        // Rows come many at a time: mostly the next one is here already.
        let next = match rows.next().now_or_never() {
            Some(next) => next.transpose().map_err(Unanswered::Error),
            None => self
                .wire
                .wait(self.patience, async |_| rows.next().await.transpose()),
        };
        next.map_err(|unanswered| self.noted(unanswered))
    }

    /// The statement as the server knows it.
    fn prepared(&mut self, sql: &str, params: &Params<'_>) -> Result<Prepared, DbError> {
        if let Some(prepared) = self.statements.get(sql) {
            return Ok(prepared.clone());
        }
        let places = Statement::parse(sql, Places::Numbered, params);
        let asked = self.wire.wait(self.patience, async |client| {
            client.prepare(&places.text).await
        });
        let statement = asked.map_err(|unanswered| self.noted(unanswered))?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let prepared = Prepared {
            statement,
            places: Arc::new(places),
        };
        self.statements.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// What a failure means, and what becomes of the connection.
    fn noted(&mut self, unanswered: Unanswered) -> DbError {
        let error = match unanswered {
            Unanswered::Error(error) => {
                if error::is_stale(&error) {
                    self.statements.clear();
                    self.was_stale = true;
                }
                error::meaning(error)
            }
            Unanswered::Silence => DbError::Lost("the server does not answer".into()),
        };
        if matches!(error, DbError::Lost(_)) {
            self.give_up();
        }
        error
    }
}
