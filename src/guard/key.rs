//! The key of an installation: `weaved_keys`, one random text, made at the first start.
//!
//! Who can read the database can make seals. That is no loss: he can read everything that they
//! protect.

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::GuardError;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Session;

const TABLE: &str = "weaved_keys";
const NAME: &str = "seal";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_keys (
        name VARCHAR(32) NOT NULL,
        value VARCHAR(64) NOT NULL,
        PRIMARY KEY (name)
    ){OPTIONS}";

const READ: &str = "SELECT value FROM weaved_keys WHERE name = :name";
const INSERT: &str = "INSERT INTO weaved_keys (name, value) VALUES (:name, :value)";

/// Makes the table and the key where they are missing.
pub(super) fn prepare(database: &Database) -> Result<Zeroizing<[u8; 32]>, GuardError> {
    let schema = database.dialect().table(SCHEMA);
    database.ensure(|session| session.has_table(TABLE), &schema)?;
    if let Some(key) = database.read(read)? {
        return Ok(key);
    }
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(GuardError::Random)?;
    let text = Zeroizing::new(HEXLOWER.encode(&*key));
    let noted = database.write(|session| {
        let params = [(":name", NAME.into()), (":value", text.as_str().into())];
        session.execute(INSERT, &params)
    });
    match noted {
        Ok(_) => Ok(key),
        // Another process was faster.
        Err(error) => database.read(read)?.ok_or_else(|| error.into()),
    }
}

fn read(session: &mut Session<'_>) -> Result<Option<Zeroizing<[u8; 32]>>, DbError> {
    let key = session.query_one(READ, &[(":name", NAME.into())], |row| {
        let text = Zeroizing::new(HEXLOWER.decode(row.text(0)?.as_bytes()).ok()?);
        <[u8; 32]>::try_from(text.as_slice())
            .ok()
            .map(Zeroizing::new)
    })?;
    Ok(key.flatten())
}
