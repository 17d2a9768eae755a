//! The baseline "raw": the database's driver alone inserts the rows that weaved stored.
//!
//! In: the file that weaved has made. Out of it come tables, indexes, page size and rows; they go
//! into a file of the same folder with the settings with which weaved writes (`weaved::db`), but
//! SQLite's own care of the write-ahead log, by one connection, a hundred rows a transaction.
//! Nothing looks at a request, a user or a time.

use std::io;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::load::Round;

/// How many rows a transaction has.
const BATCH: usize = 100;

/// A file of its own, and the rows for it.
pub(crate) struct Raw {
    connection: Connection,
    insert: String,
    /// Whole rows, with the id at this place.
    id: usize,
    rows: Vec<Vec<Value>>,
    /// How many times all rows were inserted.
    laps: u64,
}

impl Raw {
    /// Takes schema and rows from weaved's file; the rows are those that `condition` chooses.
    pub(crate) fn new(weaved: &Path, condition: &str) -> io::Result<Self> {
        Self::open(weaved, condition).map_err(io::Error::other)
    }

    fn open(weaved: &Path, condition: &str) -> rusqlite::Result<Self> {
        let source = Connection::open(weaved)?;
        let page: i64 = source.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let schema: Vec<String> = source
            .prepare("SELECT sql FROM sqlite_master WHERE tbl_name = 'wbo' AND sql NOT NULL")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut select = source.prepare(&format!("SELECT * FROM wbo WHERE {condition}"))?;
        let columns = select.column_count();
        let id = select.column_index("id")?;
        let rows: Vec<Vec<Value>> = select
            .query_map([], |row| (0..columns).map(|place| row.get(place)).collect())?
            .collect::<Result<_, _>>()?;
        let connection = Connection::open(weaved.with_file_name("raw.db"))?;
        connection.pragma_update(None, "page_size", page)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.execute_batch(&schema.join(";"))?;
        let places = vec!["?"; columns].join(", ");
        Ok(Self {
            connection,
            insert: format!("INSERT INTO wbo VALUES ({places})"),
            id,
            rows,
            laps: 0,
        })
    }

    /// Inserts all rows again and again; a transaction counts as a request.
    pub(crate) fn run(&mut self, duration: Duration) -> io::Result<Round> {
        let begin = Instant::now();
        let mut times = Vec::new();
        while begin.elapsed() < duration {
            times.extend(self.lap().map_err(io::Error::other)?);
        }
        let elapsed = begin.elapsed();
        Ok(Round::of(times, elapsed))
    }

    /// Inserts all rows once; the whole counts as a request.
    pub(crate) fn once(&mut self) -> io::Result<Round> {
        let elapsed = self.lap().map_err(io::Error::other)?.iter().sum();
        Ok(Round::of(vec![elapsed], elapsed))
    }

    fn lap(&mut self) -> rusqlite::Result<Vec<Duration>> {
        self.laps += 1;
        let mut times = Vec::new();
        for (batch, rows) in self.rows.chunks_mut(BATCH).enumerate() {
            for (place, row) in rows.iter_mut().enumerate() {
                if let Some(id) = row.get_mut(self.id) {
                    *id = Value::Text(format!("{:05}{batch:03}{place:04}", self.laps));
                }
            }
            let begin = Instant::now();
            let transaction = self.connection.transaction()?;
            let mut insert = transaction.prepare_cached(&self.insert)?;
            for row in &*rows {
                insert.execute(params_from_iter(row))?;
            }
            drop(insert);
            transaction.commit()?;
            times.push(begin.elapsed());
        }
        Ok(times)
    }
}
