//! A file that is there as a whole or not at all, readable for nobody else.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process;

use rustix::fs::FlockOperation;
use rustix::fs::flock;

use super::Failure;
use super::failure::CANNOT_CREATE;

/// A file that is being written beside the place where it shall be.
pub(super) struct NewFile {
    file: File,
    beside: PathBuf,
    place: PathBuf,
    is_there: bool,
}

impl NewFile {
    /// Begins a file; nothing that is there is written over.
    pub(super) fn begin(place: &Path) -> Result<Self, Failure> {
        let shown = place.display();
        if place.symlink_metadata().is_ok() {
            return Err(Failure::new(
                CANNOT_CREATE,
                format!("{shown} is there already; nothing was written"),
            ));
        }
        let Some(name) = place.file_name() else {
            return Err(Failure::new(CANNOT_CREATE, format!("{shown} is no file")));
        };
        sweep(place, name);
        let mut beside = name.to_owned();
        beside.push(format!(".{}.part", process::id()));
        let beside = place.with_file_name(beside);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .map_err(|error| failed(place, &error))?;
        // So it is seen that somebody is at it.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        Ok(Self {
            file,
            beside,
            place: place.to_owned(),
            is_there: false,
        })
    }

    /// Brings it to the disk, and then to its place.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let synced = self.file.sync_all();
        synced.map_err(|error| failed(&self.place, &error))?;
        // Fails where somebody was faster, as a rename would not.
        let moved = match fs::hard_link(&self.beside, &self.place) {
            Ok(()) => fs::remove_file(&self.beside),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links.
            Err(_) => fs::rename(&self.beside, &self.place),
        };
        moved.map_err(|error| failed(&self.place, &error))?;
        self.is_there = true;
        let folder = self.place.parent().filter(|path| *path != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(&self.place, &error))
    }
}

/// Removes what those left behind who were cut short at the same place. What cannot be removed
/// does no harm, and says what it is.
fn sweep(place: &Path, name: &OsStr) {
    let folder = place.parent().filter(|path| *path != Path::new(""));
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return;
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let tail = file_name.as_bytes().strip_prefix(name.as_bytes());
        let number = tail.and_then(|tail| tail.strip_prefix(b".")?.strip_suffix(b".part"));
        let is_part = number.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit));
        if !is_part || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let lock = |file: &File| flock(file, FlockOperation::NonBlockingLockExclusive);
        if File::open(entry.path()).is_ok_and(|file| lock(&file).is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_there {
            // What is left over does no harm, and says what it is.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn failed(place: &Path, error: &io::Error) -> Failure {
    Failure::new(
        CANNOT_CREATE,
        format!("cannot write {}: {error}", place.display()),
    )
}
