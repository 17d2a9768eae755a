//! Database URIs as SQLAlchemy spells them (spec/config.md, 3; spec/storage-1.1.md, 8).
//!
//! `driver[+adapter]://user:password@host:port/database?options`; the adapter's name is ignored.
//! `Display` and `Debug` never show a password. Which databases can be opened is `db`'s matter.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::Secret;

/// Which database, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUri {
    /// `mysql://user:password@host:port/database`: MySQL or MariaDB.
    MySql(ServerUri),
    /// `postgresql://user:password@host:port/database`.
    PostgreSql(ServerUri),
    /// `sqlite:////absolute/file` or `sqlite:///relative/file`.
    SqliteFile(PathBuf),
    /// `sqlite://`: a database that lives as long as the process.
    SqliteMemory,
}

/// A database behind a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerUri {
    /// Name or address; absent: the driver's default, mostly this machine.
    pub host: Option<String>,
    /// TCP port; absent: the driver's default.
    pub port: Option<u16>,
    /// Whom to log in as.
    pub user: Option<String>,
    /// Percent-decoded.
    pub password: Option<Secret>,
    /// The database's name.
    pub database: String,
    /// What follows the question mark, decoded, in the order given; a value may be a password.
    pub options: Vec<(String, Secret)>,
}

/// Why a text is no database URI that we take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDatabaseUri {
    /// There is no database of this kind.
    #[error(
        "names a database of the kind {0}, which is not supported: use sqlite, mysql or postgresql"
    )]
    Driver(String),
    /// A SQLite URI with a host, mostly a slash too few.
    #[error(
        "has a host: an absolute file is sqlite:////path (four slashes), a relative one sqlite:///path"
    )]
    Host,
    /// No database name.
    #[error("has no database name after the host")]
    NoDatabase,
    /// The port is no number.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// Not of the form at all.
    #[error("is not a database URI, e.g. sqlite:////var/lib/weaved/weaved.db")]
    Shape,
}

impl FromStr for DatabaseUri {
    type Err = BadDatabaseUri;

    fn from_str(text: &str) -> Result<Self, BadDatabaseUri> {
        let (scheme, rest) = text.split_once("://").ok_or(BadDatabaseUri::Shape)?;
        let driver = scheme.split('+').next().unwrap_or_default();
        let driver = driver.to_ascii_lowercase();
        if rest.contains(char::is_control) {
            return Err(BadDatabaseUri::Shape);
        }
        match &*driver {
            "sqlite" => sqlite(rest),
            "mysql" | "pymysql" | "mariadb" => server(rest).map(Self::MySql),
            "postgres" | "postgresql" => server(rest).map(Self::PostgreSql),
            "" => Err(BadDatabaseUri::Shape),
            _ if driver.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Err(BadDatabaseUri::Driver(driver))
            }
            _ => Err(BadDatabaseUri::Shape),
        }
    }
}

fn sqlite(rest: &str) -> Result<DatabaseUri, BadDatabaseUri> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !host.is_empty() {
        return Err(BadDatabaseUri::Host);
    }
    // Not percent-decoded, as in SQLAlchemy; what follows the ? are options of its driver.
    let path = path.split('?').next().unwrap_or_default();
    Ok(match path {
        "" | ":memory:" => DatabaseUri::SqliteMemory,
        _ => DatabaseUri::SqliteFile(PathBuf::from(path)),
    })
}

fn server(rest: &str) -> Result<ServerUri, BadDatabaseUri> {
    // As SQLAlchemy: everything up to the last @ before the path is user:password, so that an @
    // in a password needs no encoding; a slash in it does.
    let (authority, path) = rest.split_once('/').ok_or(BadDatabaseUri::NoDatabase)?;
    let (login, place) = match authority.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, authority),
    };
    let mut uri = ServerUri::default();
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        uri.user = some(user).map(decoded);
        uri.password = password.map(|text| Secret::new(decoded(text)));
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(BadDatabaseUri::Shape)?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    uri.host = some(host).map(str::to_owned);
    if let Some(port) = port.and_then(some) {
        let port = port.parse().ok().filter(|&port| port != 0);
        uri.port = Some(port.ok_or(BadDatabaseUri::Port)?);
    }
    let (database, options) = path.split_once('?').unwrap_or((path, ""));
    if database.is_empty() {
        return Err(BadDatabaseUri::NoDatabase);
    }
    database.clone_into(&mut uri.database);
    let options: Vec<(String, String)> =
        serde_urlencoded::from_str(options).map_err(|_| BadDatabaseUri::Shape)?;
    uri.options = options
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    Ok(uri)
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Percent-decoding; what is no valid escape stays as it is.
fn decoded(text: &str) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let [b'%', high, low, after @ ..] = rest
            && let Some(high) = digit(*high)
            && let Some(low) = digit(*low)
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

impl fmt::Display for DatabaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(uri) => write!(f, "mysql://{uri}"),
            Self::PostgreSql(uri) => write!(f, "postgresql://{uri}"),
            Self::SqliteFile(path) => write!(f, "sqlite:///{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite://"),
        }
    }
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if let Some(password) = &self.password {
            write!(f, ":{password}")?;
        }
        if self.user.is_some() || self.password.is_some() {
            f.write_str("@")?;
        }
        match self.host.as_deref() {
            Some(host) if host.contains(':') => write!(f, "[{host}]")?,
            Some(host) => f.write_str(host)?,
            None => {}
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database)?;
        for (index, (name, value)) in self.options.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: DatabaseUri, shown: &str) {
        let uri: DatabaseUri = text.parse().unwrap();
        assert_eq!(uri, expected);
        assert_eq!(uri.to_string(), shown);
    }

    #[track_caller]
    fn refused(text: &str, expected: BadDatabaseUri) {
        assert_eq!(text.parse::<DatabaseUri>(), Err(expected), "{text}");
    }

    fn file(path: &str) -> DatabaseUri {
        DatabaseUri::SqliteFile(path.into())
    }

    #[test]
    fn sqlite_counts_slashes_as_sqlalchemy_does() {
        check("sqlite:////a/b.db", file("/a/b.db"), "sqlite:////a/b.db");
        check("sqlite:///a/b.db", file("a/b.db"), "sqlite:///a/b.db");
        check(
            "sqlite+pysqlite:///b%41.db",
            file("b%41.db"),
            "sqlite:///b%41.db",
        );
        check(
            "sqlite:////b.db?timeout=5",
            file("/b.db"),
            "sqlite:////b.db",
        );
        check("sqlite://", DatabaseUri::SqliteMemory, "sqlite://");
        check("sqlite:///", DatabaseUri::SqliteMemory, "sqlite://");
        check("sqlite:///:memory:", DatabaseUri::SqliteMemory, "sqlite://");
        refused("sqlite://tmp/b.db", BadDatabaseUri::Host);
    }

    #[test]
    fn servers_keep_their_parts_and_hide_their_password() {
        let uri = ServerUri {
            host: Some("localhost".to_owned()),
            user: Some("sync".to_owned()),
            password: Some(Secret::new("s@c:1/")),
            database: "sync".to_owned(),
            ..ServerUri::default()
        };
        check(
            "pymysql://sync:s@c:1%2F@localhost/sync",
            DatabaseUri::MySql(uri.clone()),
            "mysql://sync:***@localhost/sync",
        );
        let uri = ServerUri {
            host: Some("::1".to_owned()),
            port: Some(5433),
            options: vec![("passwd".to_owned(), Secret::new("secret"))],
            ..uri
        };
        check(
            "postgresql+psycopg2://sync:s%40c%3a1%2f@[::1]:5433/sync?passwd=secret",
            DatabaseUri::PostgreSql(uri),
            "postgresql://sync:***@[::1]:5433/sync?passwd=***",
        );
        let uri = ServerUri {
            database: "d".to_owned(),
            ..ServerUri::default()
        };
        check("mysql:///d", DatabaseUri::MySql(uri), "mysql:///d");
    }

    #[test]
    fn what_is_no_database_is_refused_with_its_reason() {
        refused("oracle://a/b", BadDatabaseUri::Driver("oracle".to_owned()));
        refused("mssql+x://a/b", BadDatabaseUri::Driver("mssql".to_owned()));
        refused("/var/lib/x.db", BadDatabaseUri::Shape);
        refused("", BadDatabaseUri::Shape);
        refused("mysql://u:p@h", BadDatabaseUri::NoDatabase);
        refused("mysql://u:p@h/", BadDatabaseUri::NoDatabase);
        refused("mysql://u:p@h:x/d", BadDatabaseUri::Port);
        refused("mysql://u:p@h:0/d", BadDatabaseUri::Port);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "(sqlite|mysql|postgres)?(://)?\\PC{0,40}") {
            let _ = text.parse::<DatabaseUri>();
        }

        #[test]
        fn a_password_is_never_printed(password in "[a-z%@:]{1,20}Q") {
            let text = format!("mysql://u:{password}@h/d?x={password}");
            if let Ok(uri) = text.parse::<DatabaseUri>() {
                let printed = format!("{uri} {uri:?}");
                prop_assert!(!printed.contains('Q'));
            }
        }
    }
}
