//! The PID file: who serves, and that nobody else does (spec/config.md, 5).
//!
//! A server holds a lock on its file for as long as it lives, so a file that was left behind by a
//! crash or a power cut is no obstacle, and two servers cannot start at once. The lock is one of
//! those that say who holds them (`fcntl`), and so it is the system's word and not the file's
//! content that decides whom `stop` sends a signal.
//!
//! The original did not lock. Its files have no line end, ours have one; an unlocked file of the
//! original whose process lives is respected.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process;

use rustix::fs::FlockOperation;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::Flock;
use rustix::process::FlockType;
use rustix::process::Pid;

use super::log_file;

/// A PID file of this process, removed when it is dropped.
///
/// Invariant: nothing else in the process opens the file, for closing it would end the lock.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    file: File,
}

/// What a PID file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is no file.
    Missing,
    /// It is something else.
    Foreign,
    /// A server runs.
    Running(Pid),
    /// It was left behind; by whom, if it says so.
    Stale(Option<Pid>),
}

/// Why a PID file cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum PidFileError {
    #[error("{} is no PID file", .0.display())]
    Foreign(PathBuf),
    #[error("already running: PID {} ({})", .1.as_raw_nonzero(), .0.display())]
    Running(PathBuf, Pid),
    #[error("cannot use the PID file {}", .0.display())]
    System(PathBuf, #[source] io::Error),
}

/// The longest content that is a process number.
const LONGEST: usize = 20;

impl PidFile {
    /// Takes the file for this process, and writes its number.
    pub(super) fn take(path: &Path) -> Result<Self, PidFileError> {
        let failed = |error| PidFileError::System(path.to_owned(), error);
        loop {
            let file = open(path, true).map_err(failed)?;
            match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::AGAIN | Errno::ACCESS) => {
                    if let Some(pid) = holder(&file).map_err(failed)? {
                        return Err(PidFileError::Running(path.to_owned(), pid));
                    }
                    // Whoever held it has gone since.
                    continue;
                }
                Err(error) => return Err(failed(error.into())),
            }
            if !is_at(&file, path) {
                // It was removed between opening and locking.
                continue;
            }
            match unlocked(&file).map_err(failed)? {
                State::Foreign => return Err(PidFileError::Foreign(path.to_owned())),
                State::Running(pid) => return Err(PidFileError::Running(path.to_owned(), pid)),
                State::Missing | State::Stale(_) => {}
            }
            file.set_len(0).map_err(failed)?;
            file.write_all_at(format!("{}\n", process::id()).as_bytes(), 0)
                .map_err(failed)?;
            let path = path.to_owned();
            return Ok(Self { path, file });
        }
    }

    /// What a file tells, left as it is.
    pub(super) fn look(path: &Path) -> Result<State, PidFileError> {
        let failed = |error| PidFileError::System(path.to_owned(), error);
        let file = match open(path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Missing),
            opened => opened.map_err(failed)?,
        };
        match holder(&file).map_err(failed)? {
            Some(pid) => Ok(State::Running(pid)),
            None => unlocked(&file).map_err(failed),
        }
    }

    /// Removes a file that was left behind, unless somebody takes it in this moment.
    pub(super) fn remove_stale(path: &Path) -> Result<(), PidFileError> {
        match Self::take(path) {
            Ok(file) => fs::remove_file(&file.path)
                .map_err(|error| PidFileError::System(path.to_owned(), error)),
            Err(PidFileError::Running(..)) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let ours = is_at(&self.file, &self.path);
        if ours && fs::remove_file(&self.path).is_err() {
            // After root has made it where its successor may not delete. An empty one says as much.
            let _ = self.file.set_len(0);
        }
    }
}

/// Opens the file, which must be one, and one of a single name: as root we are about to write
/// where others may have put links.
fn open(path: &Path, to_take: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .write(to_take)
        .create(to_take)
        .truncate(false)
        .mode(0o644)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(io::Error::other("it is no plain file"));
    }
    Ok(file)
}

/// Who holds the lock, other than this process.
fn holder(file: &File) -> io::Result<Option<Pid>> {
    let held = rustix::process::fcntl_getlk(file, &Flock::from(FlockType::WriteLock))?;
    let Some(held) = held else { return Ok(None) };
    let unseen = || io::Error::other("a process that cannot be seen from here has locked it");
    held.pid.ok_or_else(unseen).map(Some)
}

/// Whether the path still leads to the file.
fn is_at(file: &File, path: &Path) -> bool {
    let at_path = fs::symlink_metadata(path);
    let ours = file.metadata();
    matches!((at_path, ours), (Ok(at_path), Ok(ours))
        if log_file::id(&at_path) == log_file::id(&ours))
}

/// What the content says, where nobody holds the lock.
fn unlocked(file: &File) -> io::Result<State> {
    let mut text = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut text)?;
    Ok(judge(&text, |pid| {
        // Somebody else's process, which we may not even signal, lives as well.
        let gone = rustix::process::test_kill_process(pid) == Err(Errno::SRCH);
        !gone && pid != rustix::process::getpid()
    }))
}

fn judge(text: &[u8], lives: impl Fn(Pid) -> bool) -> State {
    let Some(text) = str::from_utf8(text)
        .ok()
        .filter(|text| text.len() <= LONGEST)
    else {
        return State::Foreign;
    };
    if text.trim().is_empty() {
        return State::Stale(None);
    }
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    let Some(pid) = number.and_then(Pid::from_raw) else {
        return State::Foreign;
    };
    if text.ends_with('\n') || !lives(pid) {
        return State::Stale(Some(pid));
    }
    State::Running(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: State) {
        let lives = |pid: Pid| pid.as_raw_nonzero().get() < 100;
        assert_eq!(judge(text.as_bytes(), lives), expected, "{text:?}");
    }

    #[test]
    fn a_file_that_nobody_holds_is_judged_by_its_content() {
        let pid = |number| Pid::from_raw(number).unwrap();
        check("", State::Stale(None));
        check("\n", State::Stale(None));
        check("12", State::Running(pid(12)));
        check("123", State::Stale(Some(pid(123))));
        check("12\n", State::Stale(Some(pid(12))));
        for foreign in [
            "0",
            "-1",
            "+-1",
            "x",
            "12 13",
            "99999999999",
            "1234567890 1234567890",
        ] {
            check(foreign, State::Foreign);
        }
    }

    #[test]
    fn a_file_is_written_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        assert_eq!(PidFile::look(&path).unwrap(), State::Missing);
        let taken = PidFile::take(&path).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, format!("{}\n", process::id()));
        drop(taken);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_file_is_taken_over_and_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        fs::write(&path, "12345678901\n").unwrap();
        assert!(matches!(
            PidFile::take(&path),
            Err(PidFileError::Foreign(_))
        ));
        fs::write(&path, "1234567\n").unwrap();
        drop(PidFile::take(&path).unwrap());
        fs::write(&path, "1234567\n").unwrap();
        PidFile::remove_stale(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn nothing_else_is_ever_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let dear = folder.path().join("dear");
        fs::write(&dear, "data").unwrap();
        let (link, name) = (folder.path().join("link"), folder.path().join("name"));
        assert!(PidFile::take(&dear).is_err());
        std::os::unix::fs::symlink(&dear, &link).unwrap();
        fs::write(&dear, "").unwrap();
        assert!(PidFile::take(&link).is_err());
        fs::hard_link(&dear, &name).unwrap();
        assert!(PidFile::take(&name).is_err());
        assert!(PidFile::take(folder.path()).is_err());
    }

    #[test]
    fn a_successor_s_file_survives_our_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let ours = PidFile::take(&path).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        fs::write(&path, "theirs").unwrap();
        drop(ours);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }
}
