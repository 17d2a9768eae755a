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

    /// The statement that makes a table, from one with placeholders where databases differ:
    /// `{SERIAL}` a number of 32 bits that the database can count by itself, `{EXACT}(64)` a text
    /// that is compared by its bytes, `{LONG}` a text of more than 64 KB, `{DATETIME}` a point in
    /// time, `{OPTIONS}` what follows the columns.
    #[must_use]
    pub fn table(self, text: &str) -> String {
        let [serial, exact, long, datetime, options] = match self {
            Self::MySql => [
                "INTEGER AUTO_INCREMENT",
                "VARBINARY",
                "MEDIUMTEXT",
                "DATETIME",
                " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
            ],
            Self::PostgreSql => ["SERIAL", "VARCHAR", "TEXT", "TIMESTAMP", ""],
            Self::Sqlite => ["INTEGER", "VARCHAR", "TEXT", "DATETIME", ""],
        };
        text.replace("{SERIAL}", serial)
            .replace("{EXACT}", exact)
            .replace("{LONG}", long)
            .replace("{DATETIME}", datetime)
            .replace("{OPTIONS}", options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_filled_in() {
        let text = "(a {SERIAL}, b {EXACT}(9), c {LONG}, d {DATETIME}){OPTIONS}";
        let made = "(a SERIAL, b VARCHAR(9), c TEXT, d TIMESTAMP)";
        assert_eq!(Dialect::PostgreSql.table(text), made);
        let made = "(a INTEGER, b VARCHAR(9), c TEXT, d DATETIME)";
        assert_eq!(Dialect::Sqlite.table(text), made);
        let made = Dialect::MySql.table(text);
        assert!(made.starts_with("(a INTEGER AUTO_INCREMENT, b VARBINARY(9), c MEDIUMTEXT, "));
        assert!(
            made.ends_with("d DATETIME) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
        );
    }
}
