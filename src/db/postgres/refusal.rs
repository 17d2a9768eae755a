//! Why no server let us in, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use tokio_postgres::Error;

use super::server::Server;
use crate::causes::chain;

/// Why no connection could be made: what each server said, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(Vec<String>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl StdError for Refusal {}

impl Refusal {
    /// No server was asked yet.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more server did not let us in.
    pub(super) fn add(&mut self, server: &Server, why: &Why) {
        self.0
            .push(format!("{}: {}", server.place, told(why, server)));
    }
}

/// What stands between us and a session.
#[derive(Debug)]
pub(super) enum Why {
    /// The database has this encoding.
    Encoding(String),
    /// The server or the driver said so.
    Error(Error),
    /// Somebody in between keeps our settings from the server.
    Pooler,
    /// The connection's runtime could not be made.
    Runtime(io::Error),
    /// No answer for this many seconds.
    Silence(u64),
}

fn told(why: &Why, server: &Server) -> String {
    match why {
        Why::Encoding(encoding) => format!(
            "the database has the encoding {encoding}, which cannot hold every text: make one \
             with {}",
            create(server)
        ),
        Why::Error(error) => match error.as_db_error() {
            Some(error) => {
                let hint = hint(error.code().code(), server);
                format!("{}{hint}", error.message())
            }
            None => failed(error),
        },
        Why::Pooler => format!("our settings do not reach the server{DIRECTLY}"),
        Why::Runtime(error) => format!("the driver cannot start: {error}"),
        Why::Silence(seconds) => format!("no answer within {seconds} s"),
    }
}

/// A pooler that gives each transaction another session does not only lose settings: under the name
/// of a prepared statement it may run another process's.
const DIRECTLY: &str = "; is there a pooler like PgBouncer in between? Name PostgreSQL itself in \
                        the URI: weaved has a pool of its own";

/// What to do about what a server said, by SQLSTATE.
fn hint(code: &str, server: &Server) -> String {
    match code {
        // How PgBouncer calls settings that it does not pass on; the server has other words.
        "08P01" => DIRECTLY.to_owned(),
        "28000" => "; who may come from where stands in the server's pg_hba.conf".to_owned(),
        "28P01" => match &server.user {
            Some(user) => format!("; set it with ALTER ROLE {} PASSWORD '...'", quoted(user)),
            None => String::new(),
        },
        "3D000" => format!("; make it with {}", create(server)),
        "42501" => match &server.user {
            Some(user) => format!(
                "; let the user in with GRANT CONNECT ON DATABASE {} TO {}",
                quoted(&server.database),
                quoted(user)
            ),
            None => String::new(),
        },
        "53300" => "; raise the server's max_connections, or lower pool_size".to_owned(),
        _ => String::new(),
    }
}

/// The statement that makes the database as we need it.
fn create(server: &Server) -> String {
    let owner = server.user.as_deref().map(quoted);
    let owner = owner.map_or(String::new(), |user| format!(" OWNER {user}"));
    format!(
        "CREATE DATABASE {}{owner} ENCODING 'UTF8' TEMPLATE template0",
        quoted(&server.database)
    )
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the driver says when it did not even come to talk with the server.
fn failed(error: &Error) -> String {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    let text = chain(error);
    let hint = match cause.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            "; is the server running, and does it listen there?"
        }
        // The driver's way to say it.
        Some(io::ErrorKind::PermissionDenied) if text.contains("does not allow writes") => {
            return "takes no writes, it is a standby".to_owned();
        }
        Some(io::ErrorKind::PermissionDenied) => "; look at the rights of the socket's folder",
        _ if text.contains("password missing") => {
            "; write it into the URI: postgresql://USER:PASSWORD@HOST/DATABASE"
        }
        _ if text.contains("server does not support TLS") => {
            "; switch it on with ssl = on in its postgresql.conf"
        }
        _ if text.contains("unexpected message") || text.contains("invalid message") => {
            "; is it PostgreSQL that listens there?"
        }
        _ if text.contains("UnknownIssuer") => {
            "; name the file of the authority that vouches for the server in sslrootcert"
        }
        _ => "",
    };
    format!("{text}{hint}")
}
