//! Where a server's files lie and where its database is.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Batch;
use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::database::Backend;
use super::database::DatabaseServer;
use super::database::Hold;
use super::database::ServedDatabase;
use super::weaved::Options;

/// A temporary folder and a database, which may both outlive a server. Several servers may have
/// the same.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    folder: Arc<TempDir>,
    stored: Stored,
}

/// Accounts and records.
#[derive(Clone, Debug)]
enum Stored {
    /// In a file; the folder is that of the home in which it was made.
    File(Arc<TempDir>),
    Served(ServedDatabase),
}

fn folder() -> Arc<TempDir> {
    let folder = tempfile::Builder::new().prefix("weaved-test-").tempdir();
    Arc::new(folder.unwrap())
}

impl Home {
    /// A new folder with its own SQLite file.
    pub(crate) fn new() -> Self {
        let folder = folder();
        Self {
            stored: Stored::File(Arc::clone(&folder)),
            folder,
        }
    }

    /// A new folder, and an empty database on the shared server of this kind.
    pub(crate) fn on(backend: Backend) -> Self {
        Self::served(DatabaseServer::shared(backend).database("weaved"))
    }

    /// A new folder before this database.
    pub(crate) fn served(database: ServedDatabase) -> Self {
        Self {
            folder: folder(),
            stored: Stored::Served(database),
        }
    }

    /// A new folder before the same database, as another machine has it.
    pub(crate) fn elsewhere(&self) -> Self {
        Self {
            folder: folder(),
            stored: self.stored.clone(),
        }
    }

    /// The server of its database; `None` is a SQLite file.
    pub(crate) fn backend(&self) -> Option<Backend> {
        match &self.stored {
            Stored::File(_) => None,
            Stored::Served(database) => Some(database.server().backend()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file with accounts and records.
    #[track_caller]
    pub(crate) fn database(&self) -> PathBuf {
        match &self.stored {
            Stored::File(folder) => folder.path().join("sync.db"),
            Stored::Served(database) => panic!("{} is no file", database.name()),
        }
    }

    /// The log of programs whose stderr goes nowhere.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("weaved.log")
    }

    /// Writes development.ini and sync.conf, and returns the path of the former.
    pub(crate) fn configure(&self, options: &Options) -> PathBuf {
        let uri = match &self.stored {
            Stored::File(_) => format!("sqlite:///{}", self.database().display()),
            Stored::Served(database) => database.uri(),
        };
        let ini = self.path().join("development.ini");
        fs::write(&ini, options.ini()).unwrap();
        fs::write(self.path().join("sync.conf"), options.conf(&uri)).unwrap();
        ini
    }

    /// Runs statements behind the server's back, as another program would. Returns a line for
    /// each row, with tabs between columns. "Names" are quoted as in standard SQL.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) -> String {
        match &self.stored {
            Stored::File(_) => run(&self.connection(), statements),
            Stored::Served(database) => database.run_sql(statements),
        }
    }

    /// Locks the records of all users who ever wrote, as another writer would, until the lock is
    /// dropped.
    #[track_caller]
    pub(crate) fn lock(&self) -> Lock {
        const USERS: &str = "BEGIN; SELECT userid FROM weaved_users FOR UPDATE";

        match &self.stored {
            Stored::Served(database) => Lock::Users(database.hold(USERS)),
            Stored::File(_) => {
                let connection = self.connection();
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                Lock::File(connection)
            }
        }
    }

    #[track_caller]
    fn connection(&self) -> Connection {
        let connection = Connection::open(self.database()).unwrap();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection
    }
}

/// What keeps writers waiting.
pub(crate) enum Lock {
    /// A write transaction on a SQLite file.
    File(Connection),
    /// A transaction that has locked the rows by which writers meet.
    Users(Hold),
}

#[track_caller]
fn run(connection: &Connection, statements: &str) -> String {
    let mut lines = String::new();
    let mut batch = Batch::new(connection, statements);
    while let Some(mut statement) = batch.next().unwrap() {
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let columns: Vec<String> = (0..columns).map(|column| text(row, column)).collect();
            lines.push_str(&columns.join("\t"));
            lines.push('\n');
        }
    }
    lines
}

fn text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column).unwrap() {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Real(number) => number.to_string(),
    }
}
