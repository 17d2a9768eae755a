//! The user to whom a database server belongs: these programs refuse to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::User;

/// Whom the server runs as.
#[derive(Debug)]
pub(super) enum Owner {
    /// The user of the tests.
    Ourselves,
    /// Somebody else, because the tests run as root.
    Other { user: u32, group: u32 },
}

impl Owner {
    /// As root this user, whom Debian's package has made, or else nobody.
    pub(super) fn choose(name: &str) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Ourselves;
        }
        let known = |name| User::from_name(name).unwrap();
        let user = known(name).or_else(|| known("nobody"));
        let user = user.unwrap_or_else(|| panic!("neither {name} nor nobody is a user"));
        Self::Other {
            user: user.uid.as_raw(),
            group: user.gid.as_raw(),
        }
    }

    /// Makes a file his.
    pub(super) fn give(&self, path: &Path) {
        if let Self::Other { user, group } = self {
            chown(path, Some(*user), Some(*group)).unwrap();
        }
    }

    /// The command becomes him, and keeps no group of root's.
    pub(super) fn become_by(&self, command: &mut Command) {
        if let Self::Other { user, group } = self {
            command.uid(*user).gid(*group);
        }
    }
}
