//! Much at once, written straight into weaved's SQLite file while nobody serves.
//!
//! What is written are copies of rows that weaved itself wrote, whatever their columns are; only
//! names, ids and times are other ones. weaved mends its own sums when it starts.

use std::io;
use std::ops::Range;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::site::Account;

/// What belongs to an account, and the column that says to whose.
const TABLES: [(&str, &str); 4] = [
    ("collections", "userid"),
    ("weaved_users", "userid"),
    ("weaved_collections", "userid"),
    ("wbo", "username"),
];

/// A column of a copy: its name, and how number `n` comes from the first one's value, `{}`.
type Change<'a> = (&'a str, &'a str);

/// Adds accounts like the first, with its password and copies of all that it has.
pub(crate) fn accounts(file: &Path, others: Range<usize>) -> io::Result<()> {
    let first = Account::FIRST.name();
    write(file, |connection| {
        let id: i64 = connection.query_row(
            "SELECT userid FROM user WHERE username = ?1",
            [&first],
            |row| row.get(0),
        )?;
        let name = format!("'{}' || n", Account::NAME);
        let changes = [("userid", "{} + n"), ("username", name.as_str())];
        copy(connection, "user", "userid", id, &changes, &others)?;
        for (table, owner) in TABLES {
            copy(connection, table, owner, id, &[(owner, "{} + n")], &others)?;
        }
        Ok(())
    })
}

/// Adds records to the collection of the one record that has this id.
pub(crate) fn records(file: &Path, id: &str, others: Range<usize>) -> io::Result<()> {
    let changes = [
        ("id", "printf('%08d%04d', n / 100, n % 100)"),
        ("modified", "{} - n"),
    ];
    write(file, |connection| {
        copy(connection, "wbo", "id", id.to_owned(), &changes, &others)
    })
}

/// Nothing of this needs to survive a power cut.
fn write(file: &Path, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> io::Result<()> {
    let write = || {
        let mut connection = Connection::open(file)?;
        connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        let transaction = connection.transaction()?;
        work(&transaction)?;
        transaction.commit()
    };
    write().map_err(io::Error::other)
}

/// Copies each row that has this value in a column, once for each number.
fn copy(
    connection: &Connection,
    table: &str,
    column: &str,
    value: impl Into<Value>,
    changes: &[Change<'_>],
    numbers: &Range<usize>,
) -> rusqlite::Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    let mut select = connection.prepare(&format!("SELECT * FROM {table} WHERE {column} = ?1"))?;
    let columns: Vec<String> = select
        .column_names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let values = columns.iter().enumerate().map(|(place, column)| {
        let value = format!("?{}", place + 1);
        match changes.iter().find(|(name, _)| name == column) {
            Some((_, change)) => change.replace("{}", &value),
            None => value,
        }
    });
    let insert = format!(
        "WITH RECURSIVE numbers (n) AS
            (SELECT {} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {})
        INSERT INTO {table} (\"{}\") SELECT {} FROM numbers",
        numbers.start,
        numbers.end,
        columns.join("\", \""),
        values.collect::<Vec<_>>().join(", "),
    );
    let mut insert = connection.prepare(&insert)?;
    let rows: Vec<Vec<Value>> = select
        .query_map([value.into()], |row| {
            (0..columns.len()).map(|place| row.get(place)).collect()
        })?
        .collect::<Result<_, _>>()?;
    // A parameter that no copy needs is still one of the statement's: the highest counts.
    for row in rows {
        let used = row.into_iter().take(insert.parameter_count());
        insert.execute(params_from_iter(used))?;
    }
    Ok(())
}
