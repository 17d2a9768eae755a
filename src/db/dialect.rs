//! What differs from one database's SQL to another's, where it cannot be written once.

/// Whose SQL it is.
///
/// What all of them take is written once: standard SQL with double quotes around names that need
/// them (sessions with MySQL are told so), `LIMIT` and `OFFSET`, `COALESCE`, `OCTET_LENGTH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    PostgreSql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The condition that `column` is one of the texts of a parameter
    /// ([`Value::Texts`](super::Value::Texts)).
    #[must_use]
    pub fn among(self, column: &str, parameter: &str) -> String {
        match self {
            // Written out by the driver, in sizes of powers of two: few texts to prepare.
            Self::MySql => format!("{column} IN ({parameter})"),
            Self::PostgreSql => format!("{column} = ANY({parameter})"),
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each({parameter}))"),
        }
    }
}
