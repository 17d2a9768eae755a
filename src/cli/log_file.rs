//! The file of `--log-file`, to which the output and the error output lead.
//!
//! Descriptors 1 and 2 are put onto the file, so that whatever the process writes gets there, and
//! what the processes that it starts write as well. When the file was moved or removed, the next
//! line goes to a new one, as with the files of the `[loggers]` sections.

use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::server::Identity;

/// Which file it is, whatever it is called: its device and its inode.
pub(super) type Id = (u64, u64);

pub(super) fn id(found: &Metadata) -> Id {
    (found.dev(), found.ino())
}

/// Opens a log for appending; one that is made now belongs to `owner`.
///
/// A log tells who uses the server and when: not for everybody on the machine.
pub(super) fn open(path: &Path, owner: Option<&Identity>) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.append(true).mode(0o640);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if let Some(owner) = owner {
                owner.hand_over(&file)?;
            }
            Ok(file)
        }
        // Made by others, and theirs.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options.create(true).open(path)
        }
        Err(error) => Err(error),
    }
}

/// The file on descriptors 1 and 2, once there is one.
static OUTPUT: Mutex<Option<Output>> = Mutex::new(None);

struct Output {
    path: PathBuf,
    id: Id,
}

/// Lets everything that is printed from now on go to the file.
pub(super) fn become_output(path: &Path, owner: Option<&Identity>) -> io::Result<()> {
    let file = open(path, owner)?;
    let id = take_place(&file)?;
    let path = path.to_owned();
    *OUTPUT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Output { path, id });
    Ok(())
}

/// The same, where the error output leads to the file already, as it did for who has started us.
///
/// Where the file has been put aside and none can be made in its place, as in a folder of root's,
/// the next line tries again.
pub(super) fn share_output(path: &Path) -> io::Result<()> {
    let file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let (path, id) = (path.to_owned(), id(&file.metadata()?));
    *OUTPUT.lock().unwrap_or_else(PoisonError::into_inner) = Some(Output { path, id });
    follow();
    Ok(())
}

/// Opens the file anew when somebody has put it aside; to be called before each line.
pub(super) fn follow() {
    let mut output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(output) = &mut *output else { return };
    if !fs::metadata(&output.path).is_ok_and(|found| id(&found) == output.id) {
        // Where that fails, the file that was put aside takes the lines.
        if let Ok(id) = open(&output.path, None).and_then(|file| take_place(&file)) {
            output.id = id;
        }
    }
}

fn take_place(file: &File) -> io::Result<Id> {
    rustix::stdio::dup2_stdout(file)?;
    rustix::stdio::dup2_stderr(file)?;
    Ok(id(&file.metadata()?))
}
