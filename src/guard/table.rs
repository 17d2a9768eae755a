//! The guard's tables: made at a start, and swept of what has ended.

use super::GuardError;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Session;
use crate::sync::Timestamp;

/// A table whose rows end: each has a column `until`, in centiseconds.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The statement that makes it, with the placeholders of [`Dialect::table`](crate::db::Dialect::table).
    pub(super) schema: &'static str,
}

impl Table {
    /// Makes the table where it is missing.
    pub(super) fn make(&self, database: &Database) -> Result<(), GuardError> {
        let schema = database.dialect().table(self.schema);
        database.ensure(|session| session.has_table(self.name), &schema)?;
        Ok(())
    }

    /// Deletes what has ended.
    pub(super) fn sweep(&self, session: &mut Session<'_>, now: Timestamp) -> Result<(), DbError> {
        let sql = format!("DELETE FROM {} WHERE until < :now", self.name);
        session.execute(&sql, &[(":now", now.centis().into())])?;
        Ok(())
    }
}
