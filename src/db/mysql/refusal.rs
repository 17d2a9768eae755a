//! Why no server let us in, in a person's words: what each said, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::cause::advice;
use super::cause::io_error;
use super::cause::is_timeout;
use super::places::Place;
use crate::config::MySqlUri;

/// Why a place could not be used.
#[derive(Debug)]
pub(super) enum Reason {
    /// What the driver said.
    Driver(mysql::Error),
    /// `init_command` failed; the server's text may hold what is in it, which may be a password.
    InitCommand(u16),
    /// The name has no address.
    Name(io::Error),
    /// As before, without a reason.
    NoAddress,
    /// The server takes no writes, and others might.
    ReadOnly,
}

impl Reason {
    pub(super) fn init_command(error: mysql::Error) -> Self {
        match error {
            mysql::Error::MySqlError(error) => Self::InitCommand(error.code),
            other => Self::Driver(other),
        }
    }
}

impl From<mysql::Error> for Reason {
    fn from(error: mysql::Error) -> Self {
        Self::Driver(error)
    }
}

/// Why no connection could be made.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl Refusal {
    pub(super) fn new(uri: &MySqlUri, failures: &[(Place, Reason)]) -> Self {
        let texts = failures
            .iter()
            .map(|(place, reason)| text(uri, place, reason));
        Self(texts.collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Refusal {}

/// What a place said, and what to do about it.
fn text(uri: &MySqlUri, place: &Place, reason: &Reason) -> String {
    let told = match reason {
        Reason::Driver(mysql::Error::MySqlError(error)) => refused(uri, error),
        Reason::Driver(error) => failure(error),
        Reason::InitCommand(code) => {
            format!("the server refuses init_command of the URI (error {code})")
        }
        Reason::Name(error) => format!("the name is not known ({error})"),
        Reason::NoAddress => "the name has no address".to_owned(),
        Reason::ReadOnly => "the server takes no writes, it is a replica".to_owned(),
    };
    format!("{place}: {told}")
}

/// What a server said that did not let us in.
fn refused(uri: &MySqlUri, error: &mysql::MySqlError) -> String {
    let message = &error.message;
    let database = name(&uri.server.database);
    let account = account(message);
    let hint = match (error.code, account) {
        (1044, Some(account)) => format!(
            "; let it in with GRANT ALL ON {database}.* TO {account}, if there is such a database"
        ),
        (1045, Some(account)) => format!(
            "; set the password with ALTER USER {account} IDENTIFIED BY '...', or make the user \
             with CREATE USER {account} IDENTIFIED BY '...'"
        ),
        (1049, _) => {
            format!("; make it with CREATE DATABASE {database} CHARACTER SET utf8mb4")
        }
        (1129, _) => "; allow it again with FLUSH HOSTS on the server".to_owned(),
        (1130, _) => "; make a user for this host with CREATE USER 'user'@'host'".to_owned(),
        (1524, _) => "; install the plugin, or ALTER USER ... IDENTIFIED BY '...'".to_owned(),
        (1698, Some(account)) => format!(
            "; this account has no password: give it one with ALTER USER {account} IDENTIFIED BY \
             '...'"
        ),
        (3159, _) => "; add ssl=true to the URI".to_owned(),
        _ if message.contains("insecure transport") => "; add ssl=true to the URI".to_owned(),
        (code, _) => advice(code).to_owned(),
    };
    format!("{message} (error {}){hint}", error.code)
}

/// The account in a message like "Access denied for user 'sync'@'localhost' (using ...)".
fn account(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("for user ")?;
    let middle = rest.find("'@'")? + 3;
    let length = rest.get(middle..)?.find('\'')?;
    rest.get(..=middle + length)
}

/// A name as SQL writes it.
fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// What the driver said that did not come to talk with a server, or not as it should.
fn failure(error: &mysql::Error) -> String {
    match error {
        mysql::Error::DriverError(mysql::DriverError::ConnectTimeout) => {
            "no answer; is the server's machine up, and does a firewall let us through?".to_owned()
        }
        mysql::Error::DriverError(mysql::DriverError::CouldNotConnect(Some((_, text, kind)))) => {
            let hint = match kind {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                    "; is the server running, and does it listen there?"
                }
                io::ErrorKind::PermissionDenied => "; look at the rights of the socket's folder",
                _ => "",
            };
            format!("{text}{hint}")
        }
        mysql::Error::DriverError(mysql::DriverError::TlsNotSupported) => {
            "the server has no TLS; set ssl_cert and ssl_key in its configuration".to_owned()
        }
        mysql::Error::DriverError(mysql::DriverError::UnknownAuthPlugin(plugin)) => format!(
            "the account wants to be known by {plugin}, which weaved cannot do; give it a \
             password with ALTER USER ... IDENTIFIED BY '...'"
        ),
        mysql::Error::DriverError(error) => error.to_string(),
        mysql::Error::TlsError(error) => error.to_string(),
        error => match io_error(error) {
            Some(error) if is_timeout(error) => {
                "the server takes the connection and says nothing".to_owned()
            }
            Some(error) => broken(error),
            None => error.to_string(),
        },
    }
}

/// What the system, or TLS, said about a connection that came to nothing.
fn broken(error: &io::Error) -> String {
    let text = error.to_string();
    let hint = if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        "; name the file of the authority that vouches for the server in ssl_ca"
    } else if text.contains("not valid for") {
        "; write the name in the URI that its certificate has, or ssl_verify_identity=false"
    } else {
        ""
    };
    format!("{text}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUri;

    #[test]
    fn each_place_says_why_and_what_to_do() {
        let DatabaseUri::MySql(uri) = "mysql://sync:s3cret@a,b/d-b".parse().unwrap() else {
            panic!();
        };
        let server = |code, message: &str| {
            Reason::Driver(mysql::Error::MySqlError(mysql::MySqlError {
                state: "HY000".to_owned(),
                message: message.to_owned(),
                code,
            }))
        };
        let driver = |error| Reason::Driver(mysql::Error::DriverError(error));
        let system = |kind| Reason::Driver(mysql::Error::IoError(io::Error::from(kind)));
        let rows = [
            (
                server(1044, "Access denied for user 'sync'@'%' to database 'd-b'"),
                "(error 1044); let it in with GRANT ALL ON `d-b`.* TO 'sync'@'%', if there is such \
                 a database",
            ),
            (server(1045, "Access denied"), "Access denied (error 1045)"),
            (
                server(1698, "Access denied for user 'root'@'localhost'"),
                "; this account has no password: give it one with ALTER USER 'root'@'localhost' \
                 IDENTIFIED BY '...'",
            ),
            (
                server(1040, "Too many connections"),
                "; raise max_connections of the server, or lower pool_size and the number of \
                 processes",
            ),
            (
                server(3159, "Connections are prohibited"),
                "; add ssl=true to the URI",
            ),
            (
                driver(mysql::DriverError::UnknownAuthPlugin(
                    "auth_gssapi".to_owned(),
                )),
                "by auth_gssapi, which weaved cannot do; give it a password with ALTER USER ... \
                 IDENTIFIED BY '...'",
            ),
            (
                system(io::ErrorKind::WouldBlock),
                "the connection and says nothing",
            ),
            (
                Reason::ReadOnly,
                "the server takes no writes, it is a replica",
            ),
        ];
        for (reason, expected) in rows {
            let place = Place::Tcp("a".to_owned(), 1);
            let text = Refusal::new(&uri, &[(place, reason)]).to_string();
            assert!(
                text.starts_with("a:1: ") && text.ends_with(expected),
                "{text}"
            );
        }
        assert_eq!(account("for user 'a'@'b'"), Some("'a'@'b'"));
        assert_eq!(account("for user 'a'@'b"), None);
    }
}
