//! A file that is there as a whole or not at all, readable for nobody else.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process;

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
        let mut beside = name.to_owned();
        beside.push(format!(".{}.part", process::id()));
        let beside = place.with_file_name(beside);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .map_err(|error| failed(place, &error))?;
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
