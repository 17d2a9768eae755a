//! Database URIs as SQLAlchemy spells them (spec/config.md, 3).

use std::path::PathBuf;

/// Which database, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUri {
    /// `sqlite:////absolute/file` or `sqlite:///relative/file`.
    SqliteFile(PathBuf),
    /// `sqlite://`: a database that lives as long as the process.
    SqliteMemory,
}
