//! A URI as it could be written again, with stars for what may be a password.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::DatabaseUri;
use super::MySqlUri;
use super::PostgreSqlUri;
use super::Secret;
use super::ServerHost;
use super::ServerUri;
use super::TargetSession;
use super::Tls;
use super::Verify;
use super::tls;

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
