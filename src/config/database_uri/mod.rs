//! Database URIs as SQLAlchemy spells them (spec/config.md, 3; spec/storage-1.1.md, 8).
//!
//! `driver[+adapter]://user:password@host:port/database?options`; the adapter's name is ignored.
//! All of it is checked here, so that `db` gets values and no text. Nothing of this shows a
//! password: not `Display`, not `Debug`, no error. Which databases can be opened is `db`'s matter.

mod authority;
mod error;
mod options;
mod read;
mod shown;
#[cfg(test)]
mod tests;
mod tls;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use error::BadDatabaseUri;
pub use tls::ClientCertificate;
pub use tls::Tls;
pub use tls::Verify;

use super::Secret;
use super::problem::Severity;

/// Which database, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUri {
    /// `mysql://user:password@host:port/database`: MySQL or MariaDB.
    MySql(MySqlUri),
    /// `postgresql://user:password@host:port/database`.
    PostgreSql(PostgreSqlUri),
    /// `sqlite:////absolute/file` or `sqlite:///relative/file`.
    SqliteFile(PathBuf),
    /// `sqlite://`: a database that lives as long as the process.
    SqliteMemory,
}

/// A database behind a server, of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUri {
    /// The servers, in the order in which they are tried; one at least, which may say nothing.
    pub hosts: Vec<ServerHost>,
    /// The Unix socket, or the folder in which it is; counts before the hosts, of which there is
    /// then one without a name.
    pub socket: Option<PathBuf>,
    /// Whom to log in as; absent: the driver's default.
    pub user: Option<String>,
    /// Percent-decoded.
    pub password: Option<Secret>,
    /// The database's name.
    pub database: String,
    /// Whether everything is encrypted. Default: no.
    pub tls: Tls,
    /// How long one attempt to connect may take; absent: our choice.
    pub connect_timeout: Option<Duration>,
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHost {
    /// Name or address, without brackets; absent: this machine.
    pub name: Option<String>,
    /// TCP port; absent: the usual one.
    pub port: Option<u16>,
}

impl Default for ServerUri {
    fn default() -> Self {
        Self {
            hosts: vec![ServerHost::default()],
            socket: None,
            user: None,
            password: None,
            database: String::new(),
            tls: Tls::Off,
            connect_timeout: None,
        }
    }
}

/// A database of MySQL or MariaDB. Everything is sent and kept as utf8mb4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MySqlUri {
    /// Where.
    pub server: ServerUri,
    /// A statement that begins each connection; it may hold a password.
    pub init_command: Option<Secret>,
    /// How long to wait for an answer; absent: our choice.
    pub read_timeout: Option<Duration>,
    /// How long a statement may take to be sent; absent: our choice.
    pub write_timeout: Option<Duration>,
}

/// A database of PostgreSQL. Everything is sent as UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgreSqlUri {
    /// Where.
    pub server: ServerUri,
    /// What the server calls our connections in its lists; absent: our choice.
    pub application_name: Option<String>,
    /// `options`: settings of each connection, e.g. `-csearch_path=sync`; it may hold a password.
    pub settings: Option<Secret>,
    /// `target_session_attrs`: which of several hosts will do. Default: any when there is one
    /// host, and one that takes writes when there are several.
    pub target: TargetSession,
}

/// Which of several hosts will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetSession {
    /// The first that answers.
    #[default]
    Any,
    /// The first that takes writes.
    ReadWrite,
}

/// What should be known about a URI that is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) severity: Severity,
    /// Never with a password in it.
    pub(super) text: String,
}

impl FromStr for DatabaseUri {
    type Err = BadDatabaseUri;

    fn from_str(text: &str) -> Result<Self, BadDatabaseUri> {
        Self::read(text).map(|(uri, _)| uri)
    }
}

/// Kinds of databases that SQLAlchemy serves and we do not.
const OTHER_KINDS: [&str; 10] = [
    "access",
    "cockroachdb",
    "db2",
    "drizzle",
    "firebird",
    "informix",
    "maxdb",
    "mssql",
    "oracle",
    "sybase",
];

impl DatabaseUri {
    /// Reads a URI, and what should be known about it.
    pub(super) fn read(text: &str) -> Result<(Self, Vec<Remark>), BadDatabaseUri> {
        let (scheme, rest) = text.split_once("://").ok_or(BadDatabaseUri::Shape)?;
        let driver = scheme.split('+').next().unwrap_or_default();
        let driver = driver.to_ascii_lowercase();
        if rest.contains(char::is_control) {
            return Err(BadDatabaseUri::Shape);
        }
        let mut remarks = Vec::new();
        let uri = match &*driver {
            "sqlite" => read::sqlite(rest, &mut remarks)?,
            "mysql" | "pymysql" | "mariadb" => Self::MySql(read::mysql(rest, &mut remarks)?),
            "postgres" | "postgresql" => Self::PostgreSql(read::postgresql(rest, &mut remarks)?),
            other => {
                let mut kinds = OTHER_KINDS.iter();
                let kind = kinds.find(|kind| **kind == other);
                return Err(kind.map_or(BadDatabaseUri::Shape, |kind| BadDatabaseUri::Driver(kind)));
            }
        };
        Ok((uri, remarks))
    }

    /// The files that are named beside the database: certificates and keys.
    pub(super) fn certificates(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::MySql(uri) => uri.server.tls.files(),
            Self::PostgreSql(uri) => uri.server.tls.files(),
            Self::SqliteFile(_) | Self::SqliteMemory => Vec::new(),
        }
    }
}
