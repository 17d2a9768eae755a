//! Database URIs as SQLAlchemy spells them (spec/config.md, 3; spec/storage-1.1.md, 8).
//!
//! `driver[+adapter]://user:password@host:port/database?options`; the adapter's name is ignored.
//! All of it is checked here, so that `db` gets values and no text. Nothing of this shows a
//! password: not `Display`, not `Debug`, no error. Which databases can be opened is `db`'s matter.

mod authority;
mod error;
mod options;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use error::BadDatabaseUri;
pub use tls::ClientCertificate;
pub use tls::Tls;
pub use tls::Verify;

use super::Secret;
use super::problem::Severity;
use options::Given;

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
            "sqlite" => sqlite(rest, &mut remarks)?,
            "mysql" | "pymysql" | "mariadb" => Self::MySql(mysql(rest, &mut remarks)?),
            "postgres" | "postgresql" => Self::PostgreSql(postgresql(rest, &mut remarks)?),
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

fn sqlite(rest: &str, remarks: &mut Vec<Remark>) -> Result<DatabaseUri, BadDatabaseUri> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !host.is_empty() {
        return Err(BadDatabaseUri::Host);
    }
    // Not percent-decoded, as in SQLAlchemy; what follows the ? are options of its driver.
    let (path, options) = path.split_once('?').unwrap_or((path, ""));
    if !options.is_empty() {
        remarks.push(Remark {
            severity: Severity::Notice,
            text: "what follows the question mark of the URI has no effect".to_owned(),
        });
    }
    Ok(match path {
        "" | ":memory:" => DatabaseUri::SqliteMemory,
        _ => DatabaseUri::SqliteFile(PathBuf::from(path)),
    })
}

fn mysql(rest: &str, remarks: &mut Vec<Remark>) -> Result<MySqlUri, BadDatabaseUri> {
    let names = tls::Names {
        on: "ssl=true",
        off: "ssl=false",
        ca: "ssl_ca",
        cert: "ssl_cert",
        key: "ssl_key",
    };
    let (server, rest) = server(rest, options::MYSQL, &names, remarks)?;
    Ok(MySqlUri {
        server,
        init_command: rest.init_command,
        read_timeout: rest.read_timeout,
        write_timeout: rest.write_timeout,
    })
}

fn postgresql(rest: &str, remarks: &mut Vec<Remark>) -> Result<PostgreSqlUri, BadDatabaseUri> {
    let names = tls::Names {
        on: "sslmode=verify-full",
        off: "sslmode=disable",
        ca: "sslrootcert",
        cert: "sslcert",
        key: "sslkey",
    };
    let (server, rest) = server(rest, options::POSTGRESQL, &names, remarks)?;
    let target = match rest.target {
        Some(target) => target,
        None if server.hosts.len() > 1 => TargetSession::ReadWrite,
        None => TargetSession::Any,
    };
    Ok(PostgreSqlUri {
        server,
        application_name: rest.application_name,
        settings: rest.settings,
        target,
    })
}

/// Reads what follows the `://`; answers the options that are the driver's own, too.
fn server(
    rest: &str,
    table: &[options::Known],
    names: &tls::Names,
    remarks: &mut Vec<Remark>,
) -> Result<(ServerUri, Given), BadDatabaseUri> {
    let (authority, path) = rest.split_once('/').ok_or(BadDatabaseUri::NoDatabase)?;
    if path.contains('@') {
        return Err(BadDatabaseUri::AtSign);
    }
    let authority = authority::read(authority)?;
    let (database, query) = path.split_once('?').unwrap_or((path, ""));
    let mut given = options::read(query, table, remarks)?;
    let database = Some(database.to_owned()).filter(|name| !name.is_empty());
    let mut server = ServerUri {
        hosts: authority.hosts,
        user: given.user.take().or(authority.user),
        password: given.password.take().or(authority.password),
        database: database
            .or(given.database.take())
            .ok_or(BadDatabaseUri::NoDatabase)?,
        connect_timeout: given.connect_timeout,
        ..ServerUri::default()
    };
    place(&mut server, &mut given)?;
    let tls = std::mem::take(&mut given.tls);
    let is_open = tls.mode.is_none();
    server.tls = tls.settle(names)?;
    check(&server)?;
    if is_open {
        tell_of_clear_text(&server, names, remarks);
    }
    if server.socket.is_some() && server.tls != Tls::Off {
        server.tls = Tls::Off;
        remarks.push(Remark {
            severity: Severity::Notice,
            text: "the URI asks for TLS, which has no effect on a Unix socket".to_owned(),
        });
    }
    if let Tls::On {
        verify: Verify::Nothing,
        ..
    } = server.tls
    {
        let text = "the URI has the option ssl_verify_cert=false: whoever gets in between can \
                    read and change everything. Name the authority's file instead";
        remarks.push(Remark {
            severity: Severity::Warning,
            text: text.to_owned(),
        });
    }
    Ok((server, given))
}

/// Warns of passwords and records on a network, unless somebody has said that it shall be so.
fn tell_of_clear_text(server: &ServerUri, names: &tls::Names, remarks: &mut Vec<Remark>) {
    let is_near = |host: &ServerHost| {
        let name = host.name.as_deref().unwrap_or("localhost");
        let address = name.parse().map(|address: IpAddr| address.is_loopback());
        address.unwrap_or(name.eq_ignore_ascii_case("localhost"))
    };
    if server.tls != Tls::Off || server.hosts.iter().all(is_near) {
        return;
    }
    remarks.push(Remark {
        severity: Severity::Warning,
        text: format!(
            "the way to the database server is not encrypted: add {}, or {} if nobody else is on \
             that network",
            names.on, names.off
        ),
    });
}

/// Settles hosts, ports and socket, of which options win over what stands before the path.
fn place(server: &mut ServerUri, given: &mut Given) -> Result<(), BadDatabaseUri> {
    let wrong = |name, wanted: &str| BadDatabaseUri::Option {
        name,
        wanted: wanted.to_owned(),
    };
    if !given.hosts.is_empty() {
        // `//:5433/name?host=/run/postgresql`: the port is not the option's, and stays.
        let port = server.hosts.first().and_then(|host| host.port);
        server.hosts = std::mem::take(&mut given.hosts);
        for host in &mut server.hosts {
            host.port = host.port.or(port);
        }
    }
    match &*given.ports {
        [] => {}
        [port] => server
            .hosts
            .iter_mut()
            .for_each(|host| host.port = Some(*port)),
        ports if ports.len() == server.hosts.len() => {
            for (host, port) in server.hosts.iter_mut().zip(ports) {
                host.port = Some(*port);
            }
        }
        _ => return Err(wrong("port", "has not as many ports as there are hosts")),
    }
    let is_path = |host: &ServerHost| host.name.as_ref().is_some_and(|name| name.starts_with('/'));
    match &mut *server.hosts {
        // `%2Fvar%2Frun%2Fpostgresql` before the path, or `host=/var/run/postgresql` after it.
        [host] if is_path(host) => server.socket = host.name.take().map(PathBuf::from),
        hosts if hosts.iter().any(is_path) => {
            let text = "has a socket among several hosts: name one socket, or hosts";
            return Err(wrong("host", text));
        }
        _ => {}
    }
    if let Some(socket) = given.socket.take() {
        if !socket.is_absolute() {
            return Err(wrong("unix_socket", "is no absolute path"));
        }
        server.hosts.truncate(1);
        server.hosts.iter_mut().for_each(|host| host.name = None);
        server.socket = Some(socket);
    }
    Ok(())
}

/// Refuses what would spoil a line of the log, or could not be anything.
fn check(server: &ServerUri) -> Result<(), BadDatabaseUri> {
    let control = |text: &str| text.contains(char::is_control);
    // A name has no such characters; options whose question mark was forgotten have.
    let is_odd = |c: char| c.is_control() || "&=:;#\"'`\\/".contains(c);
    for host in &server.hosts {
        let name = host.name.as_deref().unwrap_or_default();
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte))
        {
            return Err(BadDatabaseUri::Characters("host"));
        }
    }
    if server.user.as_deref().is_some_and(control) {
        return Err(BadDatabaseUri::Characters("user"));
    }
    if server.database.contains(is_odd) {
        return Err(BadDatabaseUri::Characters("database"));
    }
    Ok(())
}

/// As it could be written, with stars for what may be a password.
impl fmt::Display for DatabaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(uri) => uri.fmt(f),
            Self::PostgreSql(uri) => uri.fmt(f),
            Self::SqliteFile(path) => write!(f, "sqlite:///{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite://"),
        }
    }
}

impl fmt::Display for MySqlUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://{}", self.server)?;
        let mut options = Options::default();
        options.add("unix_socket", path(self.server.socket.as_ref()));
        if let Tls::On { verify, ca, client } = &self.server.tls {
            options.add("ssl", Some("true".to_owned()));
            options.add("ssl_ca", path(ca.as_ref()));
            options.add(
                "ssl_cert",
                path(client.as_ref().map(|client| &client.chain)),
            );
            options.add("ssl_key", path(client.as_ref().map(|client| &client.key)));
            options.add_verify(*verify);
        }
        options.add("connect_timeout", seconds(self.server.connect_timeout));
        options.add("read_timeout", seconds(self.read_timeout));
        options.add("write_timeout", seconds(self.write_timeout));
        options.add(
            "init_command",
            self.init_command.as_ref().map(Secret::to_string),
        );
        f.write_str(&options.text)
    }
}

impl fmt::Display for PostgreSqlUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgresql://{}", self.server)?;
        let mut options = Options::default();
        options.add("host", path(self.server.socket.as_ref()));
        if let Tls::On { verify, ca, client } = &self.server.tls {
            options.add("sslmode", Some("verify-full".to_owned()));
            options.add("sslrootcert", path(ca.as_ref()));
            options.add("sslcert", path(client.as_ref().map(|client| &client.chain)));
            options.add("sslkey", path(client.as_ref().map(|client| &client.key)));
            options.add_verify(*verify);
        }
        options.add("connect_timeout", seconds(self.server.connect_timeout));
        options.add("application_name", self.application_name.clone());
        options.add("options", self.settings.as_ref().map(Secret::to_string));
        if self.target == TargetSession::ReadWrite {
            options.add("target_session_attrs", Some("read-write".to_owned()));
        }
        f.write_str(&options.text)
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
        for (at, host) in self.hosts.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            host.fmt(f)?;
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Display for ServerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_deref() {
            Some(name) if name.contains(':') => write!(f, "[{name}]")?,
            Some(name) => f.write_str(name)?,
            None => {}
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// `?name=value&name=value`.
#[derive(Default)]
struct Options {
    text: String,
}

impl Options {
    fn add(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.text.push(if self.text.is_empty() { '?' } else { '&' });
            self.text.push_str(&format!("{name}={value}"));
        }
    }

    fn add_verify(&mut self, verify: Verify) {
        let name = match verify {
            Verify::Name => return,
            Verify::Chain => tls::IDENTITY,
            Verify::Nothing => tls::CERT,
        };
        self.add(name, Some("false".to_owned()));
    }
}

fn path(path: Option<&PathBuf>) -> Option<String> {
    path.map(|path| path.display().to_string())
}

fn seconds(time: Option<Duration>) -> Option<String> {
    time.map(|time| time.as_secs().to_string())
}
