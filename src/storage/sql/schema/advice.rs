//! What an operator should know of the server of his database, told when weaved begins to serve.

use crate::db::Database;
use crate::db::Dialect;
use crate::db::Flow;
use crate::storage::StorageError;
use crate::sync::Timestamp;

/// How far clocks may be apart before it is told, in centiseconds.
const TOO_FAR: i64 = 50;

/// Tells the log what the server of a database is not set for: clocks that agree, and keeping
/// what it has acknowledged.
///
/// # Errors
/// Those of the database.
pub fn advise(database: &Database, now: Timestamp) -> Result<(), StorageError> {
    let (clock, settings) = match database.dialect() {
        Dialect::MySql => (
            "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(2)) * 100 AS SIGNED)",
            "SELECT 'innodb_flush_log_at_trx_commit', '1'
            FROM information_schema.schemata
            WHERE schema_name = DATABASE() AND @@innodb_flush_log_at_trx_commit <> 1",
        ),
        Dialect::PostgreSql => (
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 100 AS BIGINT)",
            "SELECT name, 'on'
            FROM pg_settings
            WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
                AND setting = 'off'",
        ),
        Dialect::Sqlite => return Ok(()),
    };
    let name = database.name();
    let theirs = database.read(|session| session.query_one(clock, &[], |row| row.int(0)))?;
    if let Some(text) = difference(now, theirs.flatten().map(Timestamp::from_centis)) {
        log::warn!(
            "the clock of this machine is {text} that of {name}; let both follow a time server, \
             above all when several machines serve one database"
        );
    }
    database.read(|session| {
        session.query(settings, &[], |row| {
            let (setting, safe) = (row.text(0).unwrap_or_default(), row.text(1));
            log::warn!(
                "{name}: {setting} is not {}: what browsers were told is stored may be lost when \
                 the server's machine goes down",
                safe.unwrap_or_default()
            );
            Ok(Flow::Continue(()))
        })
    })
}

/// How this machine and that of the database disagree about the time. Then several machines at one
/// database may not agree either, and what a read promises (`promise`) is true for clocks that
/// differ by little.
fn difference(ours: Timestamp, theirs: Option<Timestamp>) -> Option<String> {
    let ahead = ours.centis() - theirs?.centis();
    let apart = Timestamp::from_centis(ahead.abs());
    match ahead {
        _ if ahead.abs() <= TOO_FAR => None,
        1.. => Some(format!("{apart} s ahead of")),
        _ => Some(format!("{apart} s behind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_by_little_are_fine() {
        #[track_caller]
        fn check(ours: i64, theirs: Option<i64>, expected: Option<&str>) {
            let theirs = theirs.map(Timestamp::from_centis);
            let found = difference(Timestamp::from_centis(ours), theirs);
            assert_eq!(found.as_deref(), expected);
        }
        check(1000, None, None);
        check(1000, Some(950), None);
        check(1000, Some(1050), None);
        check(1000, Some(700), Some("3.00 s ahead of"));
        check(1000, Some(1060), Some("0.60 s behind"));
    }
}
