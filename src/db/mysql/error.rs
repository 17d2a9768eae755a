//! What an error of the server or of the connection means for us.

use super::super::DbError;
use super::cause::StatementCause;
use super::cause::io_error;
use super::cause::is_timeout;

/// An error of a statement.
pub(super) fn of_statement(error: mysql::Error) -> DbError {
    let kind = kind(&error);
    let cause = Box::new(StatementCause(error));
    match kind {
        Kind::Busy => DbError::Busy(cause),
        Kind::Conflict => DbError::Conflict(cause),
        Kind::Constraint => DbError::Constraint(cause),
        Kind::Lost => DbError::Lost(cause),
        Kind::Unstorable(what) => DbError::Unstorable(what),
        Kind::Other => DbError::Driver(cause),
    }
}

/// An error of a commit. Only a deadlock (a node of a cluster says so when others were first)
/// tells for sure that nothing was changed.
pub(super) fn of_commit(error: DbError) -> DbError {
    let is_deadlock = |cause: &(dyn std::error::Error + 'static)| {
        let cause = cause.downcast_ref::<StatementCause>();
        matches!(cause, Some(StatementCause(mysql::Error::MySqlError(error))) if error.code == DEADLOCK)
    };
    match error {
        DbError::Conflict(cause) if !is_deadlock(cause.as_ref()) => DbError::Lost(cause),
        other => other,
    }
}

/// Whether the connection is of no more use.
pub(super) fn breaks(error: &mysql::Error) -> bool {
    kind(error) == Kind::Lost
        || matches!(error, mysql::Error::MySqlError(error) if error.code == PACKET_TOO_LARGE)
}

/// Whether the server answers no more, or takes no writes any more: another one may.
pub(super) fn is_of_server(error: &mysql::Error) -> bool {
    match error {
        mysql::Error::MySqlError(error) => matches!(error.code, 1047 | 1290 | 1836),
        error => io_error(error).is_some_and(is_timeout),
    }
}

const DEADLOCK: u16 = 1213;
const PACKET_TOO_LARGE: u16 = 1153;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Busy,
    Conflict,
    Constraint,
    Lost,
    Unstorable(&'static str),
    Other,
}

fn kind(error: &mysql::Error) -> Kind {
    match error {
        mysql::Error::MySqlError(error) => of_code(error.code),
        // Packets out of step, time-outs, broken pipes, TLS: whatever comes next is not an answer
        // to what we ask next.
        mysql::Error::CodecError(_)
        | mysql::Error::DriverError(_)
        | mysql::Error::IoError(_)
        | mysql::Error::TlsError(_) => Kind::Lost,
        _ => Kind::Other,
    }
}

/// The server's numbers: MySQL's and MariaDB's are the same up to 1900.
fn of_code(code: u16) -> Kind {
    match code {
        // Too many connections (of all, of a user); no thread for one more.
        1040 | 1135 | 1203 | 1226 => Kind::Busy,
        // Record has changed since last read; lock time-out; deadlock; table was changed after the
        // snapshot was made; statement to be prepared again; lock not granted at once.
        1020 | 1205 | DEADLOCK | 1412 | 1615 | 3572 => Kind::Conflict,
        // Duplicate keys, NULL where none may be, foreign keys, checks.
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1586 | 1761
        | 1762 | 3819 | 4025 => Kind::Constraint,
        1406 => Kind::Unstorable("a text as long as this"),
        1264 | 1690 => Kind::Unstorable("a number as large as this"),
        // The column's character set lacks it.
        1267 | 1300 | 1366 | 3988 => Kind::Unstorable("a character of this text"),
        // The server goes down, the connection was killed (1927: by MariaDB), or timed out.
        1053
        | 1077
        | 1079
        | 1094
        | 1152
        | 1158..=1161
        | 1184
        | 1317
        | 1927
        | 2006
        | 2013
        | 4031 => Kind::Lost,
        // A statement that the server does not know: something in between has changed it.
        1243 => Kind::Lost,
        // A node that is no part of its cluster, or has failed to commit in it.
        1047 | 1180 => Kind::Lost,
        // The server takes no writes (any more): after a fail-over another one does.
        1290 | 1792 | 1836 | 3100 | 3101 => Kind::Lost,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn server(code: u16) -> mysql::Error {
        mysql::Error::MySqlError(mysql::MySqlError {
            state: "HY000".to_owned(),
            message: String::new(),
            code,
        })
    }

    #[test]
    fn each_number_has_its_meaning() {
        for (code, expected) in [
            (1040, Kind::Busy),
            (1205, Kind::Conflict),
            (1213, Kind::Conflict),
            (1412, Kind::Conflict),
            (1062, Kind::Constraint),
            (4025, Kind::Constraint),
            (1406, Kind::Unstorable("a text as long as this")),
            (1366, Kind::Unstorable("a character of this text")),
            (1264, Kind::Unstorable("a number as large as this")),
            (1927, Kind::Lost),
            (1047, Kind::Lost),
            (1290, Kind::Lost),
            (1064, Kind::Other),
            (1146, Kind::Other),
        ] {
            assert_eq!(kind(&server(code)), expected, "{code}");
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(breaks(&mysql::Error::IoError(reset)));
        assert!(breaks(&server(PACKET_TOO_LARGE)));
        assert!(!breaks(&server(1064)));
    }

    #[test]
    fn a_commit_that_failed_is_done_again_only_when_nothing_was_changed() {
        let of = |code| of_commit(of_statement(server(code)));
        assert!(matches!(of(1213), DbError::Conflict(_)));
        assert!(matches!(of(1205), DbError::Lost(_)));
        assert!(matches!(of(1180), DbError::Lost(_)));
        assert!(matches!(of(1062), DbError::Constraint(_)));
    }
}
