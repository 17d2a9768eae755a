//! Becoming the user and the group who serve, after root has done what only root can.
//!
//! Names or numbers go in, and an [`Identity`] comes out, that a process can assume and that files
//! made before can be handed over to. Which of both are wanted, and when, is the caller's matter:
//! bind and open first, then assume. (The original dropped first, and kept root's groups;
//! spec/config.md, 5.)

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd;
use nix::unistd::Gid;
use nix::unistd::Group;
use nix::unistd::Uid;
use nix::unistd::User;
use rustix::fs::AtFlags;
use rustix::fs::CWD;

/// Why a process cannot become somebody else.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegesError {
    /// A user without an entry in the user database has no group of his own.
    #[error("user {0} has no entry in the user database; give a group as well")]
    GroupMissing(String),
    /// Another user than the one we are, and we are not root.
    #[error("only root can become {0}; start as root, or as that user without naming him")]
    NotRoot(String),
    /// The system refused.
    #[error("cannot become {name}")]
    System {
        /// The user or the group.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such group.
    #[error("there is no group {0}")]
    UnknownGroup(String),
    /// There is no such user.
    #[error("there is no user {0}")]
    UnknownUser(String),
}

/// A user and a group to become, or a group alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As it was asked for, for messages.
    name: String,
    user: Option<Uid>,
    group: Gid,
    /// Whose further groups are taken as well; a number without an entry has none.
    login: Option<CString>,
}

/// Whether this process may do everything.
#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

impl Identity {
    /// Looks up names or numbers; without both there is nobody to become.
    ///
    /// # Errors
    /// When one of them is unknown, or a user brings no group.
    pub fn look_up(
        user: Option<&str>,
        group: Option<&str>,
    ) -> Result<Option<Self>, PrivilegesError> {
        let group = group.map(find_group).transpose()?;
        let Some(user) = user else {
            return Ok(group.map(|(group, name)| Self {
                name: format!("group {name}"),
                user: None,
                group,
                login: None,
            }));
        };
        let (uid, entry) = find_user(user)?;
        let own = entry.as_ref().map(|entry| entry.gid);
        let Some(gid) = group.map(|(gid, _)| gid).or(own) else {
            return Err(PrivilegesError::GroupMissing(user.to_owned()));
        };
        Ok(Some(Self {
            name: format!("user {user}"),
            user: Some(uid),
            group: gid,
            // A name with a zero byte is in no user database.
            login: entry.and_then(|entry| CString::new(entry.name).ok()),
        }))
    }

    /// Becomes this user, with his groups and no others, for good.
    ///
    /// # Errors
    /// When the system refuses; the process must end then, being neither the one nor the other.
    pub fn assume(&self) -> Result<(), PrivilegesError> {
        let refused = |errno: Errno| PrivilegesError::System {
            name: self.name.clone(),
            source: errno.into(),
        };
        if !is_root() {
            let is_us = self.user.is_none_or(|user| user == Uid::effective())
                && self.group == Gid::effective();
            return if is_us {
                Ok(())
            } else {
                Err(PrivilegesError::NotRoot(self.name.clone()))
            };
        }
        match &self.login {
            Some(login) => unistd::initgroups(login, self.group),
            None => unistd::setgroups(&[self.group]),
        }
        .map_err(refused)?;
        unistd::setgid(self.group).map_err(refused)?;
        let Some(user) = self.user else { return Ok(()) };
        unistd::setuid(user).map_err(refused)?;
        if !user.is_root() && unistd::setuid(Uid::from_raw(0)).is_ok() {
            // There are systems where root is not given up by asking once.
            return Err(refused(Errno::EPERM));
        }
        Ok(())
    }

    /// Gives an open file to this user, where we are root; otherwise it is as it should be.
    ///
    /// # Errors
    /// The system's.
    pub fn hand_over(&self, file: impl AsFd) -> io::Result<()> {
        if is_root() {
            let (owner, group) = self.raw();
            rustix::fs::fchown(file, owner, Some(group))?;
        }
        Ok(())
    }

    /// Gives what is at a path to this user, where we are root: its owner, its group, or both.
    /// A link is not followed.
    ///
    /// # Errors
    /// The system's.
    pub fn hand_over_path(&self, path: &Path, owner: bool, group: bool) -> io::Result<()> {
        if !is_root() {
            return Ok(());
        }
        let (user, own_group) = self.raw();
        rustix::fs::chownat(
            CWD,
            path,
            user.filter(|_| owner),
            group.then_some(own_group),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
        Ok(())
    }

    /// User and group in the words of the file functions.
    fn raw(&self) -> (Option<rustix::fs::Uid>, rustix::fs::Gid) {
        let user = self.user.map(Uid::as_raw).map(rustix::fs::Uid::from_raw);
        (user, rustix::fs::Gid::from_raw(self.group.as_raw()))
    }
}

/// A user's number, and his entry if he has one.
fn find_user(text: &str) -> Result<(Uid, Option<User>), PrivilegesError> {
    let unknown = |errno: Option<Errno>| match errno {
        None => PrivilegesError::UnknownUser(text.to_owned()),
        Some(errno) => PrivilegesError::System {
            name: format!("user {text}"),
            source: errno.into(),
        },
    };
    if let Some(user) = User::from_name(text).map_err(|errno| unknown(Some(errno)))? {
        return Ok((user.uid, Some(user)));
    }
    let number = text.parse().map_err(|_| unknown(None))?;
    let uid = Uid::from_raw(number);
    let entry = User::from_uid(uid).map_err(|errno| unknown(Some(errno)))?;
    Ok((uid, entry))
}

/// A group's number, and what it was called.
fn find_group(text: &str) -> Result<(Gid, &str), PrivilegesError> {
    let found = Group::from_name(text).map_err(|errno| PrivilegesError::System {
        name: format!("group {text}"),
        source: errno.into(),
    })?;
    if let Some(group) = found {
        return Ok((group.gid, text));
    }
    let number = text.parse();
    let number = number.map_err(|_| PrivilegesError::UnknownGroup(text.to_owned()))?;
    Ok((Gid::from_raw(number), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_looked_up() {
        let root = Identity::look_up(Some("root"), None).unwrap().unwrap();
        assert_eq!(root.user, Some(Uid::from_raw(0)));
        assert_eq!(root.group, Gid::from_raw(0));
        let same = Identity::look_up(Some("0"), None).unwrap().unwrap();
        assert_eq!((same.login, same.group), (root.login, root.group));
        let other = Identity::look_up(Some("root"), Some("54321")).unwrap();
        assert_eq!(other.unwrap().group, Gid::from_raw(54321));
        let group = Identity::look_up(None, Some("0")).unwrap().unwrap();
        assert_eq!((group.user, group.login), (None, None));
        assert_eq!(Identity::look_up(None, None).unwrap(), None);
    }

    #[track_caller]
    fn refused(user: Option<&str>, group: Option<&str>, expected: &str) {
        let error = Identity::look_up(user, group).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn who_is_unknown_is_refused() {
        refused(Some("no such"), None, "there is no user no such");
        refused(Some("-1"), None, "there is no user -1");
        refused(Some(""), None, "there is no user ");
        refused(None, Some("no such"), "there is no group no such");
        refused(
            Some("54321"),
            None,
            "user 54321 has no entry in the user database; give a group as well",
        );
    }
}
