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
mod refusal;
mod rows;
mod transaction;
mod trust;

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use super::DbError;
use super::Dialect;
use super::PoolOptions;
use super::driver::Access;
use super::driver::Driver;
use super::driver::Transaction;
use crate::config::MySqlUri;
use manager::Manager;
use manager::Shared;
use options::Pace;
use transaction::Held;
use transaction::Open;

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
        let options = &PoolOptions {
            recycle: options.recycle.filter(|age| !age.is_zero()),
            ..options.clone()
        };
        let manager = Arc::new(Manager::new(uri, options));
        let open_error = |cause| DbError::Open {
            name: manager.name().to_owned(),
            cause,
        };
        options::check_tls(&uri.server.tls).map_err(|text| open_error(text.into()))?;
        // The first connection is made by hand: the pool would retry and hide the reason.
        manager
            .connect(Pace::Usual)
            .map_err(|cause| open_error(cause.into()))?;
        let pool = r2d2::Pool::builder()
            .max_size(options.size.max(1))
            .min_idle(Some(0))
            .max_lifetime(options.recycle)
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
        if !connection.is_trusted() {
            connection.give_up();
            return Err(DbError::Lost("the server has failed others".into()));
        }
        let open = Open::begin(Held::Pooled(connection), access, Arc::clone(&self.manager))?;
        Ok(Box::new(open))
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }
}
