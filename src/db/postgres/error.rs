//! What PostgreSQL's errors mean to us, and in a person's words.

use std::error::Error as StdError;
use std::fmt;

use tokio_postgres::Error;

use super::super::DbError;
use super::value::Unfit;
use crate::causes::chain;

/// An error of the driver or the server, told once, and without the values that the server tells
/// in its details.
pub(super) struct Cause(pub(super) Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(told) = self.0.as_db_error() else {
            return f.write_str(&chain(&self.0));
        };
        write!(f, "{} (SQLSTATE {})", told.message(), told.code().code())?;
        match told.code().code() {
            "25006" => f.write_str(
                "; the server is a standby, or was told to take no writes: name all servers in \
                 the URI",
            ),
            "3F000" => f.write_str(
                "; no schema of search_path exists: make it with CREATE SCHEMA, or mend options \
                 in the URI",
            ),
            "42501" => f.write_str(
                "; let the user of the URI own the database and its tables: ALTER DATABASE ... \
                 OWNER TO ..., ALTER TABLE ... OWNER TO ...",
            ),
            "53100" => f.write_str("; the server's disk is full"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Cause {}

/// What no column holds that has fewer places.
const LONG: &str = "a value: it is longer than its column";

/// What no column holds that is of a smaller type.
pub(super) const LARGE: &str = "a value: the number is too large for its column";

/// What no database holds that is not in UTF-8.
const CHARACTERS: &str = "a value: it has characters that the database's encoding lacks";

/// What an error means.
pub(super) fn meaning(error: Error) -> DbError {
    let unfit = error.source().and_then(|cause| cause.downcast_ref());
    if let Some(Unfit::Unstorable(what)) = unfit {
        return DbError::Unstorable(what);
    }
    let class = match error.as_db_error() {
        // With the statement prepared anew it will do.
        Some(_) if is_stale(&error) => Class::Conflict,
        Some(told) => class(told.code().code()),
        None if is_fault_of_connection(&error) => Class::Lost,
        None => Class::Driver,
    };
    let cause = Box::new(Cause(error));
    match class {
        Class::Conflict => DbError::Conflict(cause),
        Class::Constraint => DbError::Constraint(cause),
        Class::Driver => DbError::Driver(cause),
        Class::Lost => DbError::Lost(cause),
        Class::Unstorable(what) => DbError::Unstorable(what),
    }
}

/// Whether a prepared statement has become useless: a table was changed, or the statements were
/// taken away from the connection.
pub(super) fn is_stale(error: &Error) -> bool {
    error.as_db_error().is_some_and(|told| {
        let code = told.code().code();
        code == "26000" || code == "0A000" && told.message().contains("cached plan")
    })
}

/// Whether the connection is of no further use, or of less use than another.
fn is_fault_of_connection(error: &Error) -> bool {
    error.is_closed()
        || error
            .source()
            .is_some_and(|cause| cause.is::<std::io::Error>())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Conflict,
    Constraint,
    Driver,
    Lost,
    Unstorable(&'static str),
}

/// By SQLSTATE (PostgreSQL's manual, appendix A).
fn class(code: &str) -> Class {
    match code {
        // Serialisation failure, deadlock, lock time-out, statement time-out or cancelled.
        "40001" | "40P01" | "55P03" | "57014" => Class::Conflict,
        "22001" => Class::Unstorable(LONG),
        "22003" => Class::Unstorable(LARGE),
        "22021" | "22P05" => Class::Unstorable(CHARACTERS),
        // Read-only after a fail-over, idle for too long, too many connections, and the server
        // or the session coming to its end.
        "25006" | "25P03" | "25P04" | "53300" => Class::Lost,
        _ if code.starts_with("08") || code.starts_with("57P") => Class::Lost,
        _ if code.starts_with("23") => Class::Constraint,
        _ => Class::Driver,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class() {
        for (code, expected) in [
            ("08006", Class::Lost),
            ("22001", Class::Unstorable(LONG)),
            ("22003", Class::Unstorable(LARGE)),
            ("22012", Class::Driver),
            ("22021", Class::Unstorable(CHARACTERS)),
            ("22P05", Class::Unstorable(CHARACTERS)),
            ("23502", Class::Constraint),
            ("23505", Class::Constraint),
            ("25006", Class::Lost),
            ("25P02", Class::Driver),
            ("25P03", Class::Lost),
            ("40001", Class::Conflict),
            ("40P01", Class::Conflict),
            ("42601", Class::Driver),
            ("42P01", Class::Driver),
            ("53100", Class::Driver),
            ("53300", Class::Lost),
            ("55P03", Class::Conflict),
            ("57014", Class::Conflict),
            ("57P01", Class::Lost),
            ("57P03", Class::Lost),
            ("XX000", Class::Driver),
            ("", Class::Driver),
        ] {
            assert_eq!(class(code), expected, "{code}");
        }
    }
}
