//! Where weaved keeps what it stores while it is measured.
//!
//! The servers are those of the tests, with data folders of their own, but as durable as they
//! are when they are installed: a commit waits for the disk, as SQLite's does.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::Durability;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    MariaDb,
    PostgreSql,
    /// A file in the responder's folder.
    Sqlite,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MariaDb => "MariaDB",
            Self::PostgreSql => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// An empty database on a server.
pub(crate) struct Served {
    /// As `sqluri` has it: by TCP.
    pub(crate) uri: String,
    /// The id of the server's first process.
    pub(crate) server: u32,
}

/// The servers, each started when it is needed first; dropping this ends them.
#[derive(Default)]
pub(crate) struct Databases {
    mariadb: OnceCell<Arc<DatabaseServer>>,
    postgresql: OnceCell<Arc<DatabaseServer>>,
}

impl Databases {
    /// Makes an empty database; nothing for a file, which weaved makes.
    pub(crate) fn make(&self, store: Store) -> Option<Served> {
        let (cell, backend) = match store {
            Store::MariaDb => (&self.mariadb, Backend::MariaDb),
            Store::PostgreSql => (&self.postgresql, Backend::PostgreSql),
            Store::Sqlite => return None,
        };
        let server = cell.get_or_init(|| DatabaseServer::start(backend, Durability::Real));
        Some(Served {
            uri: server.database("bench").uri(),
            server: server.process(),
        })
    }
}
