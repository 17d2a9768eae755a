//! A fresh database and short words for what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use weaved::db::Database;
use weaved::db::DbError;
use weaved::db::Params;
use weaved::db::PoolOptions;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::Durability;

/// Longer than anything takes on a busy machine that is not to be waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The server that nobody stops.
pub(crate) fn server() -> Arc<DatabaseServer> {
    DatabaseServer::shared(Backend::PostgreSql)
}

/// A server of one's own, to stop or to freeze.
pub(crate) fn own_server() -> Arc<DatabaseServer> {
    DatabaseServer::start(Backend::PostgreSql, Durability::Fast)
}

/// Opens a database that is there.
#[track_caller]
pub(crate) fn open(uri: &str) -> Database {
    open_with(uri, &PoolOptions::default()).unwrap()
}

/// Tries to open a database.
pub(crate) fn open_with(uri: &str, options: &PoolOptions) -> Result<Database, DbError> {
    Database::open(&uri.parse().unwrap(), options)
}

/// A pool that gives up waiting after some seconds.
pub(crate) fn waiting(seconds: u64) -> PoolOptions {
    PoolOptions {
        timeout: Duration::from_secs(seconds),
        ..PoolOptions::default()
    }
}

/// A fresh database with a table, asked by way of TCP.
#[track_caller]
pub(crate) fn with_table(columns: &str) -> Database {
    let database = open(&server().database("driver").uri());
    batch(&database, &format!("CREATE TABLE t ({columns})"));
    database
}

/// Runs statements without parameters.
#[track_caller]
pub(crate) fn batch(database: &Database, sql: &str) {
    database
        .write::<_, DbError>(|session| session.execute_batch(sql))
        .unwrap();
}

/// Runs one statement in a transaction of its own.
pub(crate) fn execute(
    database: &Database,
    sql: &str,
    params: &Params<'_>,
) -> Result<usize, DbError> {
    database.write(|session| session.execute(sql, params))
}

/// The integer in the first column of the first row.
pub(crate) fn int(
    database: &Database,
    sql: &str,
    params: &Params<'_>,
) -> Result<Option<i64>, DbError> {
    let row = database.read(|session| session.query_one(sql, params, |row| row.int(0)))?;
    Ok(row.flatten())
}

/// The text in the first column of the first row.
pub(crate) fn text(
    database: &Database,
    sql: &str,
    params: &Params<'_>,
) -> Result<Option<String>, DbError> {
    let owned = |row: &weaved::db::Row<'_>| row.text(0).map(str::to_owned);
    let row = database.read(|session| session.query_one(sql, params, owned))?;
    Ok(row.flatten())
}
