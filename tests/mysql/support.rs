//! A database with one table, opened as weaved does it.

use std::sync::Arc;
use std::time::Duration;

use weaved::causes::chain;
use weaved::db::Database;
use weaved::db::DbError;
use weaved::db::PoolOptions;
use weaved::db::Value;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::ServedDatabase;

/// An empty table of a database of the shared server.
pub(crate) fn fresh() -> ServedDatabase {
    with_table(&DatabaseServer::shared(Backend::MariaDb))
}

/// An empty table of a database.
pub(crate) fn with_table(server: &Arc<DatabaseServer>) -> ServedDatabase {
    let database = server.database("driver");
    database.run_sql(
        "CREATE TABLE t (
            id VARBINARY(64) NOT NULL PRIMARY KEY,
            n BIGINT,
            short VARCHAR(4) CHARACTER SET utf8mb4,
            old VARCHAR(40) CHARACTER SET latin1,
            payload MEDIUMTEXT CHARACTER SET utf8mb4
        ) ENGINE = InnoDB;",
    );
    database
}

/// Options under which nobody waits for long.
pub(crate) fn options() -> PoolOptions {
    PoolOptions {
        size: 4,
        timeout: Duration::from_secs(2),
        recycle: Some(Duration::from_secs(60)),
    }
}

#[track_caller]
pub(crate) fn open(uri: &str) -> Database {
    opened(uri).unwrap()
}

/// The database, or the line that the log gets.
pub(crate) fn opened(uri: &str) -> Result<Database, String> {
    let uri = uri.parse().unwrap();
    Database::open(&uri, &options()).map_err(|error| chain(&error))
}

/// Puts a number under an id, whether there was one or not.
pub(crate) fn put(database: &Database, id: &str, n: i64) -> Result<usize, DbError> {
    database.write(|session| {
        session.execute(
            "INSERT INTO t (id, n) VALUES (:id, :n) ON DUPLICATE KEY UPDATE n = :n",
            &[(":id", id.into()), (":n", n.into())],
        )
    })
}

/// The number under an id.
pub(crate) fn get(database: &Database, id: &str) -> Result<Option<i64>, DbError> {
    let found = database.read(|session| {
        session.query_one(
            "SELECT n FROM t WHERE id = :id",
            &[(":id", id.into())],
            |row| row.int(0),
        )
    })?;
    Ok(found.flatten())
}

/// The first column of the first row, as a number.
#[track_caller]
pub(crate) fn number(database: &Database, sql: &str) -> Option<i64> {
    let found = database.read(|session| session.query_one(sql, &[], |row| row.int(0)));
    found.unwrap().flatten()
}

/// A list of texts as a value.
pub(crate) fn texts(texts: &[String]) -> Value<'_> {
    texts.into()
}
