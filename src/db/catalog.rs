//! Which tables and indexes a database has.

use super::Database;
use super::DbError;
use super::Dialect;
use super::Session;

impl Database {
    /// Makes something that is missing; returns whether it was.
    ///
    /// Others may do the same at the same time: who comes second finds it made.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn ensure(
        &self,
        is_there: impl Fn(&mut Session<'_>) -> Result<bool, DbError>,
        sql: &str,
    ) -> Result<bool, DbError> {
        if self.read(&is_there)? {
            return Ok(false);
        }
        match self.write(|session| session.execute_batch(sql)) {
            Ok(()) => Ok(true),
            Err(_) if self.read(&is_there)? => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Session<'_> {
    /// Whether there is a table of this name.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn has_table(&mut self, name: &str) -> Result<bool, DbError> {
        let sql = match self.dialect() {
            Dialect::MySql => {
                "SELECT 1
                FROM information_schema.tables
                WHERE table_schema = DATABASE() AND table_name = :name"
            }
            // Where a name without a schema leads to.
            Dialect::PostgreSql => {
                "SELECT 1
                WHERE to_regclass(quote_ident(:name)) IS NOT NULL"
            }
            Dialect::Sqlite => {
                "SELECT 1
                FROM sqlite_master
                WHERE type = 'table' AND name = :name COLLATE NOCASE"
            }
        };
        let found = self.query_one(sql, &[(":name", name.into())], |_| ())?;
        Ok(found.is_some())
    }

    /// Whether a table has an index of this name.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub fn has_index(&mut self, table: &str, name: &str) -> Result<bool, DbError> {
        let sql = match self.dialect() {
            Dialect::MySql => {
                "SELECT 1
                FROM information_schema.statistics
                WHERE table_schema = DATABASE() AND table_name = :table AND index_name = :name
                LIMIT 1"
            }
            Dialect::PostgreSql => {
                "SELECT 1
                FROM pg_index
                WHERE indrelid = to_regclass(quote_ident(:table))
                    AND indexrelid = to_regclass(quote_ident(:name))"
            }
            Dialect::Sqlite => {
                "SELECT 1
                FROM sqlite_master
                WHERE type = 'index' AND tbl_name = :table COLLATE NOCASE AND name = :name"
            }
        };
        let params = [(":table", table.into()), (":name", name.into())];
        Ok(self.query_one(sql, &params, |_| ())?.is_some())
    }
}
