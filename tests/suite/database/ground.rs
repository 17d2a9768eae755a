//! A fresh database of each kind, for tests of what stands on one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Batch;
use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::Backend;
use super::DatabaseServer;
use super::Hold;
use super::ServedDatabase;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Sqlite,
    Served(Backend),
}

impl Kind {
    pub(crate) const MARIADB: Self = Self::Served(Backend::MariaDb);
    pub(crate) const POSTGRESQL: Self = Self::Served(Backend::PostgreSql);

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Served(Backend::MariaDb) => "MariaDB",
            Self::Served(Backend::PostgreSql) => "PostgreSQL",
        }
    }
}

/// Makes of each function a test on each kind of database.
macro_rules! on_every_database {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(crate::suite::Kind::Sqlite); })*
        }
        mod mariadb {
            $(#[test] fn $name() { super::$name(crate::suite::Kind::MARIADB); })*
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name(crate::suite::Kind::POSTGRESQL); })*
        }
    };
}
pub(crate) use on_every_database;

/// Makes of each function a test on each database server.
macro_rules! on_every_server {
    ($($name:ident)*) => {
        mod mariadb {
            $(#[test] fn $name() { super::$name(crate::suite::Backend::MariaDb); })*
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name(crate::suite::Backend::PostgreSql); })*
        }
    };
}
pub(crate) use on_every_server;

/// One database, empty at first.
#[derive(Debug)]
pub(crate) enum Ground {
    /// A SQLite file in this folder.
    File(Arc<TempDir>),
    Served(ServedDatabase),
}

impl Ground {
    pub(crate) fn fresh(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::File(Arc::new(TempDir::new().unwrap())),
            Kind::Served(backend) => {
                Self::Served(DatabaseServer::shared(backend).database("weaved"))
            }
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::Sqlite,
            Self::Served(database) => Kind::Served(database.server().backend()),
        }
    }

    /// Its URI as `sqluri` has it.
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::File(_) => format!("sqlite:///{}", self.file().display()),
            Self::Served(database) => database.socket_uri(),
        }
    }

    /// The file of SQLite's.
    #[track_caller]
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("sync.db"),
            Self::Served(database) => panic!("{} is no file", database.name()),
        }
    }

    /// Runs statements as another program would. Double quotes are around names. Returns a line
    /// for each row, with tabs between columns.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) -> String {
        match self {
            Self::File(_) => run(&self.connection(), statements),
            Self::Served(database) => database.run_sql(statements),
        }
    }

    /// The one value that a query answers, as text.
    #[track_caller]
    pub(crate) fn value(&self, query: &str) -> String {
        self.run_sql(query).trim_end().to_owned()
    }

    /// The number that a query answers.
    #[track_caller]
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.value(query).parse().unwrap()
    }

    /// Locks the records of all users who ever wrote, as another writer would, until the lock is
    /// dropped.
    #[track_caller]
    pub(crate) fn lock(&self) -> Lock {
        const USERS: &str = "BEGIN; SELECT userid FROM weaved_users FOR UPDATE";

        match self {
            Self::Served(database) => Lock::Users(database.hold(USERS)),
            Self::File(_) => {
                let connection = self.connection();
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                Lock::File(connection)
            }
        }
    }

    #[track_caller]
    fn connection(&self) -> Connection {
        let connection = Connection::open(self.file()).unwrap();
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
