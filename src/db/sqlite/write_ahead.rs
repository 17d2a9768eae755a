//! The write-ahead log is brought into the file beside the writes, and not by them.
//!
//! SQLite does that within the commit that makes the log a thousand pages long, so that one of a
//! hundred writers waits for all of these pages. Here a thread does it meanwhile, which holds up
//! nobody. Where writes go on and on there is always some new of the log, and SQLite cannot begin
//! it anew: then a commit brings over what is left ([`LONGEST_LOG`]), which is little.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use super::cause::Cause;
use super::pools::Pool;
use crate::causes::chain;

/// The pages of a log that a commit brings into the file by itself.
pub(super) const LONGEST_LOG: u32 = 8000;

/// After so many changed rows the log is brought into the file: about a thousand pages if they came
/// in large writes, and a few thousand if each came alone.
const ENOUGH: u64 = 1000;

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much was written to the log of one file.
pub(super) struct Log {
    /// Connections to the file.
    connections: Pool,
    /// Rows that were changed since the log was last brought into the file.
    changes: AtomicU64,
    /// Whether that is being done.
    is_busy: AtomicBool,
    /// The thread that does it, or did it last.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    pub(super) fn of(connections: &Pool) -> Arc<Self> {
        Arc::new(Self {
            connections: connections.clone(),
            changes: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
            thread: Mutex::new(None),
        })
    }

    /// Takes note of rows that a commit has changed.
    pub(super) fn grew(self: &Arc<Self>, changes: u64) {
        let before = self.changes.fetch_add(changes, Ordering::Relaxed);
        let is_enough = before.saturating_add(changes) >= ENOUGH;
        if !is_enough || self.is_busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let work = Work(Arc::clone(self));
        let named = thread::Builder::new().name("weaved-log".to_owned());
        match named.spawn(move || work.0.bring_over()) {
            Ok(thread) => *self.thread() = Some(thread),
            Err(error) => {
                log::debug!("cannot start a thread for the write-ahead log: {error}");
            }
        }
    }

    /// Waits until nothing is being brought over any more.
    pub(super) fn finish(&self) {
        let thread = self.thread().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread for the write-ahead log has failed");
        }
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bring_over(&self) {
        self.changes.store(0, Ordering::Relaxed);
        let Ok(connection) = self.connections.get_timeout(PATIENCE) else {
            return;
        };
        // What it could not bring over now, because somebody still reads it, is done another time.
        let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = done {
            log::warn!(
                "cannot bring the write-ahead log into the file: {}",
                chain(&Cause(error))
            );
        }
    }
}

/// That the log is being brought into the file, until this is dropped.
struct Work(Arc<Log>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.is_busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::config::DatabaseUri;
    use crate::db::Database;
    use crate::db::PoolOptions;
    use crate::db::Session;

    use super::*;

    /// Far less is written than what a commit would bring into the file.
    #[test]
    fn what_was_written_comes_into_the_file_soon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let uri = DatabaseUri::SqliteFile(path.clone());
        let database = Database::open(&uri, &PoolOptions::default()).unwrap();
        let make = |session: &mut Session<'_>| session.execute_batch("CREATE TABLE a (b)");
        database.write(make).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let text = "x".repeat(1000);
        // The log of a thousand such rows has 250 pages.
        while std::fs::metadata(&path).unwrap().len() < 500_000 {
            assert!(Instant::now() < until, "nothing came into the file");
            let insert = |session: &mut Session<'_>| {
                for _ in 0..300 {
                    session.execute("INSERT INTO a VALUES (:b)", &[(":b", (&*text).into())])?;
                }
                Ok::<_, crate::db::DbError>(())
            };
            let count = "SELECT COUNT(*) FROM a";
            let rows = database.read(|session| session.query_one(count, &[], |row| row.int(0)));
            if rows.unwrap().flatten().unwrap_or_default() < 1200 {
                database.write(insert).unwrap();
            }
            thread::yield_now();
        }
        drop(database);
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let left = names.filter(|name| name.ends_with("-wal")).count();
        assert_eq!(left, 0, "the log is removed with the last connection");
    }
}
