//! The driver's errors in a person's words: what it is, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::places::Place;
use crate::config::MySqlUri;

/// An error of a statement.
#[derive(Debug)]
pub(super) struct StatementCause(pub(super) mysql::Error);

impl fmt::Display for StatementCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            mysql::Error::MySqlError(error) => {
                write!(f, "{} (error {})", error.message, error.code)?;
                f.write_str(advice(error.code))
            }
            mysql::Error::IoError(error) if is_timeout(error) => {
                f.write_str("the server does not answer in time")
            }
            mysql::Error::IoError(error) => error.fmt(f),
            mysql::Error::DriverError(error) => error.fmt(f),
            other => other.fmt(f),
        }
    }
}

impl StdError for StatementCause {}

/// What to do about an error of the server, as the end of a sentence; mostly nothing.
fn advice(code: u16) -> &'static str {
    match code {
        1021 | 1041 | 1114 => "; is the server's disk full?",
        1040 | 1203 => {
            "; raise max_connections of the server, or lower pool_size and the number of processes"
        }
        1142 | 1143 | 1227 => "; GRANT the user ALL on the database",
        1146 => "; was the table dropped while weaved was running?",
        1153 => "; raise max_allowed_packet of the server",
        1290 | 1792 | 1836 => "; the server takes no writes: is it a replica?",
        1461 => "; raise max_prepared_stmt_count of the server",
        _ => "",
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// Why a place could not be used.
#[derive(Debug)]
pub(super) enum Reason {
    /// What the driver said.
    Driver(mysql::Error),
    /// `init_command` failed; the server's text may hold what is in it, which may be a password.
    InitCommand(Option<u16>),
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
            mysql::Error::MySqlError(error) => Self::InitCommand(Some(error.code)),
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
pub(super) struct ConnectCause(String);

impl ConnectCause {
    pub(super) fn new(uri: &MySqlUri, failures: Vec<(Place, Reason)>) -> Self {
        let texts = failures
            .iter()
            .map(|(place, reason)| text(uri, place, reason));
        Self(texts.collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for ConnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for ConnectCause {}

fn text(uri: &MySqlUri, place: &Place, reason: &Reason) -> String {
    match reason {
        Reason::Driver(mysql::Error::MySqlError(error)) => format!("{place}: {}", error.message),
        Reason::Driver(error) => format!("{place}: {error} {}", uri.server.database),
        Reason::InitCommand(code) => {
            let code = code.map_or(String::new(), |code| format!(" (error {code})"));
            format!("{place}: the server refuses init_command{code}")
        }
        Reason::Name(error) => format!("{place}: the name is not known: {error}"),
        Reason::NoAddress => format!("{place}: the name has no address"),
        Reason::ReadOnly => format!("{place}: the server takes no writes; is it a replica?"),
    }
}
