//! The server's and the driver's errors in a person's words, for statements.

use std::error::Error as StdError;
use std::fmt;
use std::io;

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
            mysql::Error::DriverError(error) => error.fmt(f),
            error => match io_error(error) {
                Some(error) if is_timeout(error) => f.write_str("the server does not answer"),
                Some(error) => error.fmt(f),
                None => error.fmt(f),
            },
        }
    }
}

impl StdError for StatementCause {}

/// What to do about an error of the server, as the end of a sentence; mostly nothing.
pub(super) fn advice(code: u16) -> &'static str {
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

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

/// What the system said, which the driver wraps up.
pub(super) fn io_error(error: &mysql::Error) -> Option<&io::Error> {
    match error {
        mysql::Error::CodecError(error) => error.source()?.downcast_ref(),
        mysql::Error::IoError(error) => Some(error),
        _ => None,
    }
}
