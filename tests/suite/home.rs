//! Where a server's files lie and where its database is.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::database::Ground;
use super::database::Kind;
use super::database::ServedDatabase;
use super::weaved::Options;

/// A temporary folder and a database, which may both outlive a server. Several servers may have
/// the same.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    folder: Arc<TempDir>,
    ground: Arc<Ground>,
}

impl Home {
    /// A new folder, with a SQLite file in it.
    pub(crate) fn new() -> Self {
        let folder = folder();
        Self {
            ground: Arc::new(Ground::File(Arc::clone(&folder))),
            folder,
        }
    }

    /// A new folder, and an empty database of this kind.
    pub(crate) fn on(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::new(),
            Kind::Served(_) => Self::before(Ground::fresh(kind)),
        }
    }

    /// A new folder before this database.
    pub(crate) fn served(database: ServedDatabase) -> Self {
        Self::before(Ground::Served(database))
    }

    fn before(ground: Ground) -> Self {
        Self {
            folder: folder(),
            ground: Arc::new(ground),
        }
    }

    /// A new folder before the same database, as another machine has it.
    pub(crate) fn elsewhere(&self) -> Self {
        Self {
            folder: folder(),
            ground: Arc::clone(&self.ground),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Accounts and records.
    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The SQLite file with accounts and records.
    #[track_caller]
    pub(crate) fn database(&self) -> PathBuf {
        self.ground.file()
    }

    /// The log of programs whose stderr goes nowhere.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("weaved.log")
    }

    /// Writes development.ini and sync.conf, and returns the path of the former.
    pub(crate) fn configure(&self, options: &Options) -> PathBuf {
        let ini = self.path().join("development.ini");
        fs::write(&ini, options.ini()).unwrap();
        let conf = options.conf(&self.ground.uri());
        fs::write(self.path().join("sync.conf"), conf).unwrap();
        ini
    }
}

fn folder() -> Arc<TempDir> {
    let folder = tempfile::Builder::new().prefix("weaved-test-").tempdir();
    Arc::new(folder.unwrap())
}
