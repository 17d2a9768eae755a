//! Pools of connections to one file.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use r2d2_sqlite::SqliteConnectionManager;
use scheduled_thread_pool::ScheduledThreadPool;

use super::DbError;
use super::PoolOptions;

/// How often whoever has a connection is given the processor before another is made. Most need one
/// for microseconds: more connections than processors are of use only where some are kept for a
/// peer that is slow, and each takes memory for what all of them know.
const YIELDS: u32 = 16;

pub(super) type Pool = r2d2::Pool<SqliteConnectionManager>;

pub(super) type Pooled = r2d2::PooledConnection<SqliteConnectionManager>;

/// A pool of up to `size` connections, which are made when they are needed and never given up.
/// `threads` makes them.
pub(super) fn pool(
    size: u32,
    threads: &Arc<ScheduledThreadPool>,
    options: &PoolOptions,
) -> r2d2::Builder<SqliteConnectionManager> {
    Pool::builder()
        .thread_pool(Arc::clone(threads))
        .max_size(size)
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(options.timeout)
}

/// For the pools of one file, which would each start three.
pub(super) fn one_thread() -> Arc<ScheduledThreadPool> {
    let one = ScheduledThreadPool::builder()
        .num_threads(1)
        .thread_name_pattern("weaved-pool")
        .build();
    Arc::new(one)
}

/// Takes a connection that is free by then.
pub(super) fn take(pool: &Pool, until: Instant) -> Result<Pooled, DbError> {
    if let Some(connection) = pool.try_get() {
        return Ok(connection);
    }
    if pool.state().connections < pool.max_size() {
        for _ in 0..YIELDS {
            thread::yield_now();
            if let Some(connection) = pool.try_get() {
                return Ok(connection);
            }
        }
    }
    let left = until.saturating_duration_since(Instant::now());
    pool.get_timeout(left)
        .map_err(|cause| DbError::Busy(Box::new(cause)))
}
