//! SQLite's errors in a person's words: what it is, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

use rusqlite::ErrorCode;

/// An error of SQLite, told once.
#[derive(Debug)]
pub(super) struct Cause(pub(super) rusqlite::Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0.sqlite_error_code() {
            Some(ErrorCode::CannotOpen) => {
                "the file cannot be opened; look at the owner and the rights of the file and of \
                 its folder"
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program holds the file"
            }
            Some(ErrorCode::DatabaseCorrupt) => {
                "the file is damaged; restore a backup, or save what can be read with \
                 `sqlite3 FILE .recover`"
            }
            Some(ErrorCode::DiskFull) => "the disk is full",
            Some(ErrorCode::NotADatabase) => "the file is no SQLite database",
            Some(ErrorCode::ReadOnly) => {
                "the file cannot be written to; look at the owner and the rights of the file and \
                 of its folder"
            }
            // The driver's own text, which holds SQLite's already.
            _ => return self.0.fmt(f),
        };
        f.write_str(text)
    }
}

impl StdError for Cause {}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::causes::chain;
    use crate::config::DatabaseUri;
    use crate::db::Database;
    use crate::db::PoolOptions;

    #[test]
    fn a_file_of_another_kind_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        fs::write(
            &path,
            "no database, but long enough to be looked at ".repeat(100),
        )
        .unwrap();
        let uri = DatabaseUri::SqliteFile(path.clone());
        let options = PoolOptions::default();
        let path = path.display();
        let text = format!("cannot open the database {path}: the file is no SQLite database");
        let opened = Database::open(&uri, &options).map(drop);
        for failed in [opened, Database::probe(&uri, &options)] {
            assert_eq!(chain(&failed.unwrap_err()), text);
        }
    }
}
