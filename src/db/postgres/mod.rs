//! PostgreSQL.
//!
//! Reads see one snapshot (`REPEATABLE READ READ ONLY`); writes run under `READ COMMITTED`, so
//! that what they read after they have locked the row by which they meet is what the one before
//! them has committed.
//!
//! Invariant: nobody waits for a server without a bound. Waiting for another's locks is bounded
//! by the server itself (`lock_timeout`, the pool's time-out), which leaves the connection good;
//! a server that says nothing for longer than that is given up together with the connection.

mod connection;
mod error;
mod numeric;
mod pool;
mod refusal;
mod server;
mod transaction;
mod value;
mod wire;

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use r2d2::ManageConnection;

use super::DbError;
use super::Dialect;
use super::PoolOptions;
use super::driver::Access;
use super::driver::Driver;
use super::driver::Transaction;
use super::tls;
use crate::config::PostgreSqlUri;
use pool::Manager;
use pool::Refused;
use transaction::Open;

/// How much longer than for another's locks a server is waited for that says nothing.
const MARGIN: Duration = Duration::from_secs(5);

/// What the answer to BEGIN may take at least, however late the connection was found: one that
/// is given up for nothing costs more.
const BRIEFLY: Duration = Duration::from_millis(100);

/// Of this, half is the longest pause between two attempts to connect.
const RETRY: Duration = Duration::from_secs(1);

type Pooled = r2d2::PooledConnection<Manager>;

/// The connections to one database.
pub(super) struct PostgreSql {
    name: String,
    pool: r2d2::Pool<Manager>,
    refused: Arc<Refused>,
    waits: Waits,
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
struct Waits {
    /// To BEGIN, for which nobody has to wait: as long as an attempt to connect.
    begin: Duration,
    /// To everything else.
    other: Duration,
}

impl PostgreSql {
    /// Finds out whether a server lets us in.
    pub(super) fn open(
        uri: &PostgreSqlUri,
        name: &str,
        options: &PoolOptions,
    ) -> Result<Self, DbError> {
        let open_error = |cause| DbError::Open {
            name: name.to_owned(),
            cause,
        };
        let tls = tls::client_config(&uri.server.tls).map_err(|cause| open_error(cause.into()))?;
        let servers = server::servers(uri, options);
        let waits = Waits {
            begin: servers
                .iter()
                .map(|server| server.patience)
                .max()
                .unwrap_or(MARGIN),
            other: options.timeout + MARGIN,
        };
        let recycle = options.recycle.filter(|age| !age.is_zero());
        let manager = Manager::new(servers, tls, recycle);
        // The first connection is made by hand: the pool would retry and hide the reason.
        let first = manager
            .connect()
            .map_err(|cause| open_error(cause.into()))?;
        drop(first);
        let refused = manager.refused();
        let pool = r2d2::Pool::builder()
            .max_size(options.size.max(1))
            .min_idle(Some(0))
            .max_lifetime(recycle)
            .test_on_check_out(false)
            .connection_timeout(RETRY)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        Ok(Self {
            name: name.to_owned(),
            pool,
            refused,
            waits,
        })
    }

    /// Why there was no connection in time.
    fn none(&self) -> DbError {
        match self.refused.why() {
            Some(refusal) => DbError::Open {
                name: self.name.clone(),
                cause: refusal.into(),
            },
            None => DbError::Busy("all connections of the pool are in use".into()),
        }
    }
}

impl Driver for PostgreSql {
    fn begin(&self, access: Access, until: Instant) -> Result<Box<dyn Transaction>, DbError> {
        let left = until.saturating_duration_since(Instant::now());
        let connection = self.pool.get_timeout(left).map_err(|_| self.none())?;
        let left = until.saturating_duration_since(Instant::now());
        let waits = Waits {
            begin: left.min(self.waits.begin).max(BRIEFLY),
            ..self.waits
        };
        let open = Open::begin(connection, access, waits)?;
        Ok(Box::new(open))
    }

    fn dialect(&self) -> Dialect {
        Dialect::PostgreSql
    }
}
