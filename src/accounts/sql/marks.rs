//! The one table that the original does not know: `weaved_marks`, two numbers by name.
//!
//! `highest_id` is at or above the id of every account that was ever removed, so that no id is
//! given twice (spec/user-1.0.md, 12). `decoy_key` is a random number that picks the stand-in for
//! a name that nobody has; it is kept so that all processes pick the same.

use crate::accounts::AccountsError;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Dialect;
use crate::db::Session;

const TABLE: &str = "weaved_marks";
const DECOY_KEY: &str = "decoy_key";
const HIGHEST_ID: &str = "highest_id";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_marks (
        name VARCHAR(32) NOT NULL,
        value BIGINT NOT NULL,
        PRIMARY KEY (name)
    ){OPTIONS}
";

const READ: &str = "SELECT value FROM weaved_marks WHERE name = :name";
const INSERT: &str = "INSERT INTO weaved_marks (name, value) VALUES (:name, :value)";
const RAISE: &str = "
    UPDATE weaved_marks
    SET value = :value
    WHERE name = :name AND value < :value
";

/// Makes the table where it is missing, and answers the key that picks decoys.
pub(in crate::accounts) fn prepare(database: &Database) -> Result<i64, AccountsError> {
    let schema = database.dialect().table(SCHEMA);
    if database.ensure(|session| session.has_table(TABLE), &schema)? {
        log::info!("database={} made the table {TABLE}", database.name());
    }
    let known = || database.read(|session| read(session, DECOY_KEY));
    if let Some(key) = known()? {
        return Ok(key);
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(AccountsError::Random)?;
    let random = i64::from_le_bytes(random);
    let noted = database.write(|session| {
        insert(session, DECOY_KEY, random)?;
        insert(session, HIGHEST_ID, 0)
    });
    match noted {
        Ok(()) => Ok(random),
        // Another process was faster.
        Err(error) => known()?.ok_or_else(|| error.into()),
    }
}

/// Makes whoever else gives ids or names, on this machine or another, wait until this transaction
/// ends. Goes before everything else in it.
pub(in crate::accounts) fn lock(session: &mut Session<'_>) -> Result<(), DbError> {
    const LOCK: &str = "SELECT value FROM weaved_marks WHERE name = :name FOR UPDATE";
    // There the whole transaction is alone.
    if session.dialect() != Dialect::Sqlite {
        session.query_one(LOCK, &[(":name", HIGHEST_ID.into())], |_| ())?;
    }
    Ok(())
}

/// The highest id that was noted.
pub(in crate::accounts) fn highest_id(session: &mut Session<'_>) -> Result<i64, DbError> {
    Ok(read(session, HIGHEST_ID)?.unwrap_or(0))
}

/// Notes that ids up to this one were given.
pub(in crate::accounts) fn raise_highest_id(
    session: &mut Session<'_>,
    id: i64,
) -> Result<(), DbError> {
    let params = [(":name", HIGHEST_ID.into()), (":value", id.into())];
    session.execute(RAISE, &params)?;
    Ok(())
}

fn read(session: &mut Session<'_>, name: &str) -> Result<Option<i64>, DbError> {
    let value = session.query_one(READ, &[(":name", name.into())], |row| row.int(0))?;
    Ok(value.flatten())
}

fn insert(session: &mut Session<'_>, name: &str, value: i64) -> Result<(), DbError> {
    let params = [(":name", name.into()), (":value", value.into())];
    session.execute(INSERT, &params)?;
    Ok(())
}
