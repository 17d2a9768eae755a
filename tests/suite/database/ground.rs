//! A fresh database of each kind, for tests of what stands on one.

use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::Backend;
use super::DatabaseServer;
use super::ServedDatabase;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Served(Backend),
}

impl Kind {
    pub(crate) const MARIADB: Self = Self::Served(Backend::MariaDb);
    pub(crate) const POSTGRESQL: Self = Self::Served(Backend::PostgreSql);
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

/// One database, empty at first.
pub(crate) enum Ground {
    File(TempDir),
    Served(ServedDatabase),
}

impl Ground {
    pub(crate) fn fresh(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::File(TempDir::new().unwrap()),
            Kind::Served(backend) => {
                Self::Served(DatabaseServer::shared(backend).database("storage"))
            }
        }
    }

    /// Its URI as `sqluri` has it.
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:///{}", file(folder).display()),
            Self::Served(database) => database.socket_uri(),
        }
    }

    /// The file of SQLite's.
    #[track_caller]
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::File(folder) => file(folder),
            Self::Served(_) => panic!("there is no file"),
        }
    }

    /// Runs statements as another program would. Double quotes are around names.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) {
        match self {
            Self::File(_) => self.connection().execute_batch(statements).unwrap(),
            Self::Served(database) => drop(ask(database, statements)),
        }
    }

    /// The one value that a query answers, as text.
    #[track_caller]
    pub(crate) fn value(&self, query: &str) -> String {
        match self {
            Self::File(_) => {
                let read = |row: &rusqlite::Row<'_>| row.get::<_, Value>(0);
                match self.connection().query_row(query, [], read).unwrap() {
                    Value::Integer(number) => number.to_string(),
                    Value::Text(text) => text,
                    other => format!("{other:?}"),
                }
            }
            Self::Served(database) => ask(database, query),
        }
    }

    /// The number that a query answers.
    #[track_caller]
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.value(query).parse().unwrap()
    }

    fn connection(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}

#[track_caller]
fn ask(database: &ServedDatabase, statements: &str) -> String {
    let quotes = match database.server().backend() {
        Backend::MariaDb => "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES'); ",
        Backend::PostgreSql => "",
    };
    let answer = database.run_sql(&format!("{quotes}{statements}"));
    answer.trim_end().to_owned()
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("sync.db")
}
