//! Writes that queue share a transaction, and so one wait for the disk.
//!
//! Whoever has the turn to write and sees others behind him leaves his transaction open to the
//! next and waits; the last one commits for all. Each write is within a savepoint of its own, so
//! that one that fails takes nothing of the others along. Nobody is told that his write was made
//! before the commit that made it.

use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::time::Duration;
use std::time::Instant;

use super::pools::Pooled;
use super::run;
use super::turns::Turn;
use super::write_ahead::Log;
use crate::causes::chain;
use crate::db::DbError;

/// How long the first one waits for others; whoever comes then is the last.
const LONGEST: Duration = Duration::from_millis(20);

/// A transaction that several writes share.
pub(super) struct Group {
    pub(super) connection: Pooled,
    /// The write-ahead log of the file; a database in memory has none.
    log: Option<Arc<Log>>,
    /// Rows that the connection had changed before.
    changed_before: u64,
    /// Who waits for the commit. Where it does not come, the senders are dropped.
    waiting: Vec<Sender<()>>,
    /// When the first one began to wait.
    since: Option<Instant>,
}

impl Group {
    /// A transaction that was just begun, for one write and those that will join it.
    pub(super) fn new(connection: Pooled, log: Option<&Arc<Log>>) -> Self {
        Self {
            changed_before: connection.total_changes(),
            connection,
            log: log.cloned(),
            waiting: Vec::new(),
            since: None,
        }
    }

    /// Whether nobody else is to join.
    fn is_due(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > LONGEST)
    }

    /// Lets somebody wait for the commit.
    fn wait(&mut self) -> Receiver<()> {
        self.since.get_or_insert_with(Instant::now);
        let (tell, told) = mpsc::channel();
        self.waiting.push(tell);
        told
    }

    /// Undoes all of it; whoever waits is told that nothing came of it.
    fn give_up(self, turn: Turn<Self>) {
        roll_back(&self.connection);
        drop(self);
        drop(turn);
    }

    /// Commits what there is; then the turn ends, and those who wait are told.
    fn commit(self, turn: Turn<Self>) -> Result<(), DbError> {
        self.commit_before(|| drop(turn))
    }

    /// Commits what there is; then `next` happens, and those who wait are told.
    pub(super) fn commit_before(self, next: impl FnOnce()) -> Result<(), DbError> {
        let Self {
            connection,
            log,
            changed_before,
            waiting,
            ..
        } = self;
        let committed = run(&connection, "COMMIT");
        if committed.is_err() {
            roll_back(&connection);
        }
        let changes = connection.total_changes().saturating_sub(changed_before);
        // In this order: whoever has the next turn finds the connection free.
        drop(connection);
        next();
        committed?;
        for one in waiting {
            // He waits as long as it takes.
            let _ = one.send(());
        }
        if let Some(log) = log {
            log.grew(changes);
        }
        Ok(())
    }
}

/// One write in a group, and the turn to write.
pub(super) struct Part {
    group: Group,
    turn: Turn<Group>,
    /// Whether others were here before, so that what this write does is within a savepoint.
    is_joint: bool,
    /// Whether others may join.
    is_open: bool,
}

impl Part {
    /// The first write of a group, which others may join if it is open.
    pub(super) const fn first(group: Group, turn: Turn<Group>, is_open: bool) -> Self {
        Self {
            group,
            turn,
            is_joint: false,
            is_open,
        }
    }

    /// A write that joins others. Where it cannot, those are committed without it.
    pub(super) fn join(group: Group, turn: Turn<Group>) -> Result<Self, DbError> {
        match run(&group.connection, "SAVEPOINT part") {
            Ok(()) => Ok(Self {
                group,
                turn,
                is_joint: true,
                is_open: true,
            }),
            Err(error) => {
                group.commit(turn)?;
                Err(error)
            }
        }
    }

    pub(super) fn connection(&self) -> &Pooled {
        &self.group.connection
    }

    /// Lets the write last, by itself or with those who are next; returns when it is on disk.
    pub(super) fn commit(self) -> Result<(), DbError> {
        let Self {
            group,
            turn,
            is_joint,
            is_open,
        } = self;
        if is_joint && let Err(error) = run(&group.connection, "RELEASE part") {
            group.give_up(turn);
            return Err(error);
        }
        if !is_open || group.is_due() || group.connection.is_autocommit() {
            return group.commit(turn);
        }
        pass_on(group, turn)
    }

    /// Undoes the write, and nothing that others have done; returns when that is on disk, because
    /// the write may have failed for what it saw of theirs.
    pub(super) fn roll_back(self) -> Result<(), DbError> {
        let Self {
            group,
            turn,
            is_joint,
            ..
        } = self;
        // SQLite itself gives up the whole transaction after some errors.
        if !is_joint || group.connection.is_autocommit() {
            group.give_up(turn);
            return Ok(());
        }
        let undone = run(&group.connection, "ROLLBACK TO part")
            .and_then(|()| run(&group.connection, "RELEASE part"));
        if let Err(error) = undone {
            log::error!("cannot undo a write: {}", chain(&error));
            group.give_up(turn);
            return Err(error);
        }
        if group.is_due() {
            return group.commit(turn);
        }
        pass_on(group, turn)
    }
}

/// Leaves the group to the next one and waits for the commit; commits where nobody is next.
fn pass_on(mut group: Group, turn: Turn<Group>) -> Result<(), DbError> {
    let outcome = group.wait();
    match turn.bequeath(group) {
        Ok(()) => outcome
            .recv()
            .map_err(|_| DbError::Conflict("the transaction that it shared was given up".into())),
        Err((turn, mut group)) => {
            // Nobody is next: it is for this one to commit.
            group.waiting.pop();
            group.commit(turn)
        }
    }
}

/// Gives a transaction up, if there still is one.
pub(super) fn roll_back(connection: &rusqlite::Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = run(connection, "ROLLBACK") {
        log::error!("cannot roll back: {}", chain(&error));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::thread;

    use super::super::Sqlite;
    use super::*;
    use crate::config::DatabaseUri;
    use crate::db::Database;
    use crate::db::PoolOptions;
    use crate::db::driver::Access;
    use crate::db::driver::Driver;
    use crate::db::driver::Transaction;

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn begin(driver: &Sqlite, access: Access) -> Box<dyn Transaction> {
        driver.begin(access, in_a_minute()).unwrap()
    }

    fn insert(transaction: &mut dyn Transaction, number: i64) {
        let params = [(":number", number.into())];
        let sql = "INSERT INTO a (number) VALUES (:number)";
        transaction.execute(sql, &params).unwrap();
    }

    /// The numbers that somebody else sees, who opens the file now.
    fn seen(path: &Path) -> Vec<i64> {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare("SELECT number FROM a").unwrap();
        let numbers = statement.query_map([], |row| row.get(0)).unwrap();
        numbers.map(Result::unwrap).collect()
    }

    /// How many transactions are in the write-ahead log: the last frame of each has the size of
    /// the file (<https://www.sqlite.org/fileformat2.html>, 4.1).
    fn commits(path: &Path) -> usize {
        let log = fs::read(path.with_extension("db-wal")).unwrap();
        let frames = log[32..].chunks_exact(24 + 4096);
        frames.filter(|frame| frame[4..8] != [0; 4]).count()
    }

    fn file() -> (tempfile::TempDir, std::path::PathBuf, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let driver = Sqlite::open_file(&path, &PoolOptions::default()).unwrap();
        let mut first = begin(&driver, Access::Write);
        first
            .execute_batch("CREATE TABLE a (number UNIQUE)")
            .unwrap();
        first.commit().unwrap();
        (folder, path, driver)
    }

    #[test]
    fn who_queues_shares_a_commit_and_only_what_failed_is_missing() {
        let (_folder, path, driver) = file();
        let before = commits(&path);
        let mut first = begin(&driver, Access::Write);
        insert(first.as_mut(), 0);
        thread::scope(|scope| {
            for number in 1..=9 {
                let (driver, path) = (&driver, &path);
                scope.spawn(move || {
                    let mut write = begin(driver, Access::Write);
                    insert(write.as_mut(), number);
                    if number % 3 == 0 {
                        return;
                    }
                    write.commit().unwrap();
                    assert!(seen(path).contains(&number));
                });
            }
            while driver.writer.length() < 10 {
                thread::yield_now();
            }
            assert!(seen(&path).is_empty());
            first.commit().unwrap();
        });
        let mut seen = seen(&path);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 4, 5, 7, 8]);
        let shared = commits(&path) - before;
        assert!((1..7).contains(&shared), "{shared} commits");
    }

    /// SQLite gives the whole transaction up after some errors, here because it was told to.
    #[test]
    fn nobody_is_told_of_a_write_that_was_given_up() {
        let (_folder, path, driver) = file();
        let first = begin(&driver, Access::Write);
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut write = begin(&driver, Access::Write);
                insert(write.as_mut(), 1);
                write.commit()
            });
            while driver.writer.length() < 2 {
                thread::yield_now();
            }
            let breaks = scope.spawn(|| {
                while driver.writer.length() < 2 {
                    thread::yield_now();
                }
                let mut write = begin(&driver, Access::Write);
                let _ = write.execute_batch("ROLLBACK");
                write.commit()
            });
            while driver.writer.length() < 3 {
                thread::yield_now();
            }
            let ended = first.commit();
            assert!(matches!(ended, Err(DbError::Conflict(_))), "{ended:?}");
            let ended = waits.join().unwrap();
            assert!(matches!(ended, Err(DbError::Conflict(_))), "{ended:?}");
            assert!(breaks.join().unwrap().is_err());
        });
        assert!(seen(&path).is_empty());
        let mut next = begin(&driver, Access::Write);
        insert(next.as_mut(), 5);
        next.commit().unwrap();
        assert_eq!(seen(&path), [5]);
    }

    #[test]
    fn nobody_waits_for_what_may_take_long() {
        let (_folder, path, driver) = file();
        let mut first = begin(&driver, Access::Write);
        insert(first.as_mut(), 0);
        thread::scope(|scope| {
            let long = scope.spawn(|| {
                let mut write = begin(&driver, Access::LongWrite);
                // Committed before, and without this one.
                assert_eq!(seen(&path), [0]);
                insert(write.as_mut(), 1);
                write.commit().unwrap();
            });
            while driver.writer.length() < 2 {
                thread::yield_now();
            }
            first.commit().unwrap();
            long.join().unwrap();
        });
        assert_eq!(seen(&path), [0, 1]);
    }

    /// Whoever is refused goes at once, also when others who will be refused are behind him.
    #[test]
    fn refused_writes_hold_up_no_other() {
        let (_folder, path, driver) = file();
        let mut first = begin(&driver, Access::Write);
        insert(first.as_mut(), 0);
        let (over, done) = (AtomicUsize::new(0), mpsc::channel());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while over.load(Ordering::SeqCst) == 0 {
                        let _ = begin(&driver, Access::Write).roll_back();
                    }
                });
            }
            while driver.writer.length() < 3 {
                thread::yield_now();
            }
            let tell = done.0;
            scope.spawn(move || tell.send(first.commit().is_ok()));
            let told = done.1.recv_timeout(Duration::from_secs(10));
            over.store(1, Ordering::SeqCst);
            assert_eq!(told, Ok(true));
        });
        assert_eq!(seen(&path), [0]);
    }

    #[test]
    fn a_crowd_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let uri = DatabaseUri::SqliteFile(path.clone());
        let databases = [(); 2].map(|()| Database::open(&uri, &PoolOptions::default()).unwrap());
        let make = "CREATE TABLE IF NOT EXISTS a (number UNIQUE)";
        databases[0]
            .write(|session| session.execute_batch(make))
            .unwrap();
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..8 {
                let (database, done) = (&databases[number % 2], &done);
                scope.spawn(move || {
                    for turn in 0..40 {
                        // Every other write fails after it has changed something.
                        let wanted = (turn % 2 == 0).then_some(());
                        let place = i64::try_from(turn * 8 + number).unwrap();
                        let written = database.write(|session| {
                            let sql = "INSERT INTO a (number) VALUES (:number)";
                            session.execute(sql, &[(":number", place.into())])?;
                            wanted.ok_or(DbError::Driver("no".into()))
                        });
                        assert_eq!(written.is_ok(), wanted.is_some(), "{written:?}");
                        done.fetch_add(usize::from(written.is_ok()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(seen(&path).len(), done.into_inner());
    }
}
