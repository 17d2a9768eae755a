//! Users and groups by their names or numbers.

use std::io;

use nix::unistd::Group;
use nix::unistd::User;

use super::ListenError;

/// The number of a user.
pub(super) fn user(name: &str) -> Result<u32, ListenError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = User::from_name(name).map_err(|error| unknown("user", name, Some(error.into())))?;
    found
        .map(|user| user.uid.as_raw())
        .ok_or_else(|| unknown("user", name, None))
}

/// The number of a group.
pub(super) fn group(name: &str) -> Result<u32, ListenError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found =
        Group::from_name(name).map_err(|error| unknown("group", name, Some(error.into())))?;
    found
        .map(|group| group.gid.as_raw())
        .ok_or_else(|| unknown("group", name, None))
}

fn unknown(kind: &'static str, name: &str, source: Option<io::Error>) -> ListenError {
    ListenError::Unknown {
        kind,
        name: name.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_understood() {
        assert_eq!((user("root").unwrap(), user("17").unwrap()), (0, 17));
        assert_eq!((group("root").unwrap(), group("17").unwrap()), (0, 17));
    }

    #[test]
    fn who_is_unknown_is_named() {
        assert_eq!(
            user("nobody-of-that-name").unwrap_err().to_string(),
            "this machine has no user nobody-of-that-name; correct the name, or create the user"
        );
        assert!(group("nobody-of-that-name").is_err());
    }
}
