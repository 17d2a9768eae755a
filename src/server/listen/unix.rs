//! Listening on a Unix socket: stale ones, permissions, and removal at the end.
//!
//! The socket is never more open than asked. Its mode is given to the unbound socket, which
//! Linux passes on to the file that `bind` makes; what the umask took away, and all of it on
//! other systems, is set by `chmod` before `listen`, and until `listen` a connection is refused
//! whatever the mode says. So the process's umask is left alone.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::lchown;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use rustix::fs::Mode;
use socket2::Domain;
use socket2::SockAddr;
use socket2::Socket;
use socket2::Type;

use super::ListenError;
use super::Listener;
use super::Local;

/// The file of a socket that this process has bound.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    device: u64,
    inode: u64,
    process: u32,
    released: AtomicBool,
}

impl Claim {
    fn new(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
            process: process::id(),
            released: AtomicBool::new(false),
        })
    }

    /// Removes the file, once, and only if it is still the one that we made.
    pub(super) fn release(&self) {
        if self.process != process::id() || self.released.swap(true, Ordering::AcqRel) {
            return;
        }
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            // Whoever has given up root's rights may not be able to; the next start does it.
            let level = if error.kind() == io::ErrorKind::PermissionDenied {
                log::Level::Debug
            } else {
                log::Level::Warn
            };
            log::log!(level, "cannot remove unix:{}: {error}", self.path.display());
        }
    }
}

/// Who may do what with the socket's file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rights {
    /// Its permissions; absent: those that the umask leaves.
    pub(super) mode: Option<u32>,
    /// Its user's number; absent: whoever binds it.
    pub(super) owner: Option<u32>,
    /// Its group's number.
    pub(super) group: Option<u32>,
}

/// Binds `path` and gives the file its rights.
pub(super) fn bind(path: &Path, rights: Rights, backlog: i32) -> Result<Listener, ListenError> {
    let Rights { mode, owner, group } = rights;
    let failed = |source: io::Error| ListenError::System {
        local: format!("unix:{}", path.display()),
        hint: hint(&source),
        source,
    };
    // An empty path would be a socket without a name, which nobody can find.
    if path.as_os_str().is_empty() {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    let address = SockAddr::unix(path).map_err(failed)?;
    clear(path, &address)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    if let Some(mode) = mode {
        // Not every system has modes of unbound sockets; the file's mode is checked below.
        let _unsupported = rustix::fs::fchmod(&socket, Mode::from_raw_mode(mode & 0o777));
    }
    socket.bind(&address).map_err(failed)?;
    let claim = Claim::new(path).map_err(failed)?;
    let listener = Listener {
        socket,
        local: Local::Unix(path.to_owned()),
        claim: Some(claim),
    };
    if owner.is_some() || group.is_some() {
        lchown(path, owner, group).map_err(|source| ListenError::System {
            local: format!("unix:{}", path.display()),
            hint: "cannot give the socket to that user and group: only root may give it to \
                   another user, and others to a group of their own; correct owner and group",
            source,
        })?;
    }
    if let Some(mode) = mode {
        set_mode(path, mode & 0o777).map_err(failed)?;
    }
    listener.socket.listen(backlog).map_err(failed)?;
    Ok(listener)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_socket() {
        // Somebody has put a link in its place, to make us open the link's target.
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if found.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Removes a socket on which nobody answers.
fn clear(path: &Path, address: &SockAddr) -> Result<(), ListenError> {
    let failed = |source: io::Error| ListenError::System {
        local: format!("unix:{}", path.display()),
        hint: hint(&source),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    // A full queue would block; it is an answer as well.
    probe.set_nonblocking(true).map_err(failed)?;
    match probe
        .connect(address)
        .map_err(|error| (error.kind(), error))
    {
        Ok(()) | Err((io::ErrorKind::WouldBlock, _)) => Err(ListenError::Taken(path.to_owned())),
        Err((io::ErrorKind::ConnectionRefused, _)) => {
            log::info!("removing the stale socket unix:{}", path.display());
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            }
        }
        Err((io::ErrorKind::NotFound, _)) => Ok(()),
        Err((_, error)) => Err(failed(error)),
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists => {
            "another program has just taken the path; stop it first"
        }
        io::ErrorKind::InvalidInput => {
            "the path is empty, too long for a socket (107 bytes at most), or holds a zero byte; \
             choose another, such as /run/weaved/weaved.sock"
        }
        io::ErrorKind::NotFound => "its directory does not exist; create it first",
        io::ErrorKind::NotADirectory => "a part of the path is not a directory; correct it",
        io::ErrorKind::PermissionDenied => {
            "no permission; give the user whom the program runs as write access to the directory"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; choose a path below /run"
        }
        _ => "the system refuses; see its reason",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::os::unix::net::UnixStream;

    use super::super::Address;
    use super::super::listen;
    use super::*;

    fn with(mode: Option<u32>) -> Rights {
        Rights {
            mode,
            ..Rights::default()
        }
    }

    #[track_caller]
    fn check_mode(mode: Option<u32>, expected: u32) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _listener = bind(&path, with(mode), 8).unwrap();
        let found = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, expected, "{found:o} for {mode:?}");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn the_socket_has_the_mode_that_was_asked_for() {
        check_mode(Some(0o600), 0o600);
        check_mode(Some(0o660), 0o660);
        check_mode(Some(0o666), 0o666);
    }

    #[test]
    fn a_umask_takes_from_all_permissions_unless_there_is_a_mode() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, umask, expected) in [
            (None, Some(0o077), 0o700),
            (None, Some(0o117), 0o660),
            (Some(0o640), Some(0o077), 0o640),
        ] {
            let path = folder.path().join("s");
            let address = Address::Unix {
                path: path.clone(),
                mode,
                umask,
                owner: None,
                group: None,
            };
            let _listener = listen(&address, 8).unwrap();
            let found = fs::symlink_metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, expected, "{address:?}");
        }
    }

    #[test]
    fn the_socket_goes_to_its_owner_and_group_if_that_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let root = rustix::process::geteuid().is_root();
        let (user, group) = if root {
            (17, 18)
        } else {
            let mine = fs::metadata(folder.path()).unwrap();
            (mine.uid(), mine.gid())
        };
        let rights = Rights {
            mode: Some(0o660),
            owner: Some(user),
            group: Some(group),
        };
        let _listener = bind(&path, rights, 8).unwrap();
        let found = fs::symlink_metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), (user, group));
        assert_eq!(found.permissions().mode() & 0o777, 0o660);
        if !root {
            let rights = Rights {
                owner: Some(0),
                ..Rights::default()
            };
            let other = folder.path().join("other");
            let error = bind(&other, rights, 8).unwrap_err();
            assert!(error.to_string().contains("only root"), "{error}");
            assert!(!other.exists());
        }
    }

    #[test]
    fn bind_itself_makes_the_file_with_the_narrow_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        if rustix::fs::fchmod(&socket, Mode::from_raw_mode(0o600)).is_ok() {
            socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
            let found = fs::symlink_metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, 0o600);
        }
        assert!(
            UnixStream::connect(&path).is_err(),
            "nobody may connect before listen"
        );
    }

    #[test]
    fn a_stale_socket_is_replaced_and_ours_is_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "std leaves its sockets behind");
        let listener = bind(&path, Rights::default(), 8).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_on_which_somebody_answers_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _other = UnixListener::bind(&path).unwrap();
        let error = bind(&path, Rights::default(), 8).unwrap_err();
        assert!(matches!(error, ListenError::Taken(_)), "{error:?}");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_not_a_socket_is_never_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "dear data").unwrap();
        let error = bind(&path, Rights::default(), 8).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), b"dear data");

        let link = folder.path().join("l");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
        let error = bind(&link, Rights::default(), 8).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error:?}");
    }

    #[test]
    fn a_successor_s_socket_survives_our_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let ours = bind(&path, Rights::default(), 8).unwrap();
        // Moved, not removed: a freed inode number might be given to the successor.
        fs::rename(&path, folder.path().join("old")).unwrap();
        let _theirs = bind(&path, Rights::default(), 8).unwrap();
        drop(ours);
        UnixStream::connect(&path).unwrap();
    }

    #[track_caller]
    fn check_hint(path: &Path, expected: &str) {
        let error = bind(path, Rights::default(), 8).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn errors_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        check_hint(
            &folder.path().join("missing/s"),
            "its directory does not exist",
        );
        check_hint(
            &folder.path().join("x".repeat(120)),
            "too long for a socket",
        );
        check_hint(Path::new(""), "the path is empty");
        fs::write(folder.path().join("file"), "").unwrap();
        check_hint(&folder.path().join("file/s"), "not a directory");
    }
}
