//! Making the file of a new database.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::chown;
use std::path::Path;

/// Creates the file with mode 0600 when it does not exist, and its folder with mode 0700: they
/// hold people's data. No more than one folder, which a mistyped path seldom asks for.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        && !folder.exists()
    {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .map_err(|error| {
                let text = format!("cannot create the folder {}: {error}", folder.display());
                io::Error::new(error.kind(), text)
            })?;
        log::info!("created the folder {}", folder.display());
    }
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => give_to_owner_of_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Root often runs the first command by hand: the file must be the server's all the same, whose
/// folder it lies in. SQLite gives the files beside it the same owner.
fn give_to_owner_of_folder(path: &Path) -> io::Result<()> {
    let (file, folder) = (fs::metadata(path)?, path.parent());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::metadata(folder.unwrap_or(Path::new(".")))?;
    if file.uid() == 0 && folder.uid() != 0 {
        chown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}
