//! What was used and must not be used again: `weaved_spent`, a row each until it would have
//! ended anyway.

use super::Guard;
use super::GuardError;
use super::table::Table;
use crate::db::DbError;
use crate::sync::Timestamp;

pub(super) const TABLE: Table = Table {
    name: "weaved_spent",
    schema: "
    CREATE TABLE IF NOT EXISTS weaved_spent (
        token {EXACT}(64) NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (token)
    ){OPTIONS}",
};

const INSERT: &str = "INSERT INTO weaved_spent (token, until) VALUES (:token, :until)";
const RELEASE: &str = "DELETE FROM weaved_spent WHERE token = :token";
const FIND: &str = "SELECT until FROM weaved_spent WHERE token = :token";

impl Guard {
    /// Uses something up: true for the first one to ask, of all processes. `token` has at most 64
    /// characters of ASCII; after `until` it may be forgotten, for nobody accepts it any more.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be used up or not.
    pub fn spend(&self, token: &str, until: Timestamp) -> Result<bool, GuardError> {
        let params = [(":token", token.into()), (":until", until.centis().into())];
        let now = self.now();
        let spent = self.database.write(|session| {
            // What has ended is in nobody's way.
            TABLE.sweep(session, now)?;
            session.execute(INSERT, &params)
        });
        match spent {
            Ok(_) => Ok(true),
            Err(DbError::Constraint(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether something was used up.
    ///
    /// # Errors
    /// [`GuardError::Database`].
    pub fn is_spent(&self, token: &str) -> Result<bool, GuardError> {
        let params = [(":token", token.into())];
        let found = self
            .database
            .read(|session| session.query_one(FIND, &params, |_| ()))?;
        Ok(found.is_some())
    }

    /// Takes back that something was used up.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be taken back or not.
    pub fn release(&self, token: &str) -> Result<(), GuardError> {
        let params = [(":token", token.into())];
        self.database
            .write(|session| session.execute(RELEASE, &params))?;
        Ok(())
    }
}
