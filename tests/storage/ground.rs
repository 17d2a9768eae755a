//! What a storage stands on: a fresh database of each kind.

use rusqlite::Connection;
use tempfile::TempDir;
use weaved::config::DatabaseUri;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::ServedDatabase;

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
            $(#[test] fn $name() { super::$name(crate::ground::Kind::Sqlite); })*
        }
        mod mariadb {
            $(#[test] fn $name() { super::$name(crate::ground::Kind::MARIADB); })*
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name(crate::ground::Kind::POSTGRESQL); })*
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

    pub(crate) fn uri(&self) -> DatabaseUri {
        match self {
            Self::File(folder) => DatabaseUri::SqliteFile(folder.path().join("sync.db")),
            Self::Served(database) => database.socket_uri().parse().unwrap(),
        }
    }

    /// Runs statements as another program would.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) {
        match self {
            Self::File(folder) => Connection::open(folder.path().join("sync.db"))
                .unwrap()
                .execute_batch(statements)
                .unwrap(),
            Self::Served(database) => drop(database.run_sql(statements)),
        }
    }

    /// The number that a query answers.
    #[track_caller]
    pub(crate) fn number(&self, query: &str) -> i64 {
        match self {
            Self::File(folder) => Connection::open(folder.path().join("sync.db"))
                .unwrap()
                .query_row(query, [], |row| row.get(0))
                .unwrap(),
            Self::Served(database) => database.run_sql(query).trim().parse().unwrap(),
        }
    }
}
