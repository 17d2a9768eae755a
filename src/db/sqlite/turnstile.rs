//! How the writers of several processes pass the lock of one SQLite file on to each other.
//!
//! SQLite's lock has no queue: who waits asks again and again, with pauses of up to 100 ms, and
//! finds it taken whenever the holder writes again at once. On a slow disk a process could wait
//! for minutes beside a busy one. So there is a second, advisory lock in front, which the one
//! that waits holds until it has the first: the process that has just written finds it taken and
//! lets the other pass. It lies on the folder of the file (`flock`), which leaves nothing behind
//! and is none of the locks that SQLite takes itself.
//!
//! It is a courtesy, not a guard: where it is not to be had, SQLite's lock still holds, and the
//! original beside us knows nothing of it.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// The first and the longest pause between two attempts: short, as the gap between two writes of
/// another process is.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(1));

/// The lock in front of the lock of one database; absent for one in memory.
#[derive(Debug, Default)]
pub(super) struct Turnstile {
    folder: Option<File>,
}

impl Turnstile {
    /// The one of a database file that exists.
    pub(super) fn before(path: &Path) -> Self {
        let folder = fs::canonicalize(path)
            .ok()
            .and_then(|path| File::open(path.parent()?).ok());
        if folder.is_none() {
            log::debug!("no turnstile before {}", path.display());
        }
        Self { folder }
    }

    /// Waits, with the turnstile, until `enter` answers something or it is too late; then it is
    /// asked for the last time.
    pub(super) fn pass<T>(
        &self,
        until: Instant,
        mut enter: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let Some(folder) = &self.folder else {
            return insist(until, enter);
        };
        let free = insist(until, || match folder.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            // Where such locks do not work, nobody is let through first.
            Ok(()) | Err(TryLockError::Error(_)) => Some(()),
        });
        if free.is_none() {
            return enter();
        }
        let entered = insist(until, enter);
        if let Err(error) = folder.unlock() {
            log::debug!("cannot leave the turnstile: {error}");
        }
        entered
    }
}

/// Asks again and again, with growing pauses, until there is an answer or it is too late.
pub(super) fn insist<T>(until: Instant, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let (mut pause, longest) = PAUSES;
    loop {
        let answer = ask();
        let left = until.saturating_duration_since(Instant::now());
        if answer.is_some() || left.is_zero() {
            return answer;
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_late_asks_once() {
        let turnstile = Turnstile::before(&std::env::current_exe().unwrap());
        let mut asked = 0;
        let none = turnstile.pass(Instant::now(), || {
            asked += 1;
            None::<()>
        });
        assert_eq!((none, asked), (None, 1));
        assert_eq!(turnstile.pass(Instant::now(), || Some(1)), Some(1));
    }

    #[test]
    fn who_waits_goes_before_who_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        File::create(&path).unwrap();
        let (first, second) = (Turnstile::before(&path), Turnstile::before(&path));
        let until = Instant::now() + Duration::from_secs(60);
        let waits = || first.folder.as_ref().unwrap().try_lock().is_err();
        thread::scope(|scope| {
            let (open, opened) = std::sync::mpsc::channel::<()>();
            let waiting = scope.spawn(move || second.pass(until, || opened.try_recv().ok()));
            while !waits() {
                first.folder.as_ref().unwrap().unlock().unwrap();
                thread::yield_now();
            }
            assert_eq!(first.pass(Instant::now(), || None::<()>), None);
            open.send(()).unwrap();
            assert_eq!(waiting.join().unwrap(), Some(()));
            assert_eq!(first.pass(until, || Some(())), Some(()));
        });
    }
}
