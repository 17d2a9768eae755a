//! Passwords: kept from logs, wiped after use, and judged before they are stored.
//!
//! A password is UTF-8, nothing else (spec/storage-1.1.md, 6). The rule for a new one is
//! spec/user-1.0.md, 3; there is no upper limit here, the limits of requests are `web`'s.

use std::fmt;

use zeroize::Zeroizing;

use super::UserName;

/// The shortest new password, in bytes of UTF-8.
const MIN_BYTES: usize = 8;

/// A password as somebody sent it; its memory is wiped when it is dropped.
pub struct Password(Zeroizing<String>);

/// A password that is not UTF-8 fits no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password is not UTF-8")]
pub struct NotUtf8;

impl Password {
    /// Takes over a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Takes over the bytes of a body or of credentials.
    ///
    /// # Errors
    /// [`NotUtf8`]; the bytes are wiped then too.
    pub fn from_utf8(bytes: Vec<u8>) -> Result<Self, NotUtf8> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(text)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(NotUtf8)
            }
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret itself, to be hashed or sent; never to be shown or logged.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same for a driver that wants a text.
    #[cfg(feature = "ldap")]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// A password that may be stored for one user: the proof that the rule was kept.
#[derive(Debug)]
pub struct NewPassword(Password);

/// Why a password may not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Apart from case and surrounding blanks it is the user's name.
    #[error("the password is the user name")]
    IsName,
    /// Too few bytes.
    #[error("the password has less than {MIN_BYTES} bytes")]
    TooShort,
}

impl NewPassword {
    /// Judges a password for the user of this name.
    ///
    /// # Errors
    /// [`WeakPassword`] says why not.
    pub fn new(password: Password, name: &UserName) -> Result<Self, WeakPassword> {
        if password.0.len() < MIN_BYTES {
            return Err(WeakPassword::TooShort);
        }
        // Compared as a stream of characters, so that no lowered copy stays in memory.
        let word = password.0.trim().chars().flat_map(char::to_lowercase);
        if word.eq(name.as_str().chars().flat_map(char::to_lowercase)) {
            return Err(WeakPassword::IsName);
        }
        Ok(Self(password))
    }

    /// The password to hash.
    #[must_use]
    pub const fn password(&self) -> &Password {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(password: &str, expected: Result<(), WeakPassword>) {
        let name = UserName::new("motravusmgrewn3ge5nxaagorv5tfyxx").unwrap();
        let judged = NewPassword::new(Password::new(password.to_owned()), &name);
        assert_eq!(judged.map(drop), expected, "{password:?}");
    }

    #[test]
    fn a_new_password_has_eight_bytes_and_is_not_the_name() {
        check("", Err(WeakPassword::TooShort));
        check("1234567", Err(WeakPassword::TooShort));
        check("12345678", Ok(()));
        check("ééé", Err(WeakPassword::TooShort));
        check("éééé", Ok(()));
        check("        ", Ok(()));
        check(
            "motravusmgrewn3ge5nxaagorv5tfyxx",
            Err(WeakPassword::IsName),
        );
        check(
            " MOTRAVUSMGREWN3GE5NXAAGORV5TFYXX\n",
            Err(WeakPassword::IsName),
        );
        check("motravusmgrewn3ge5nxaagorv5tfyxx1", Ok(()));
    }

    #[test]
    fn a_password_shows_nothing_of_itself() {
        let name = UserName::new("joe").unwrap();
        let password = NewPassword::new(Password::new("open sesame".into()), &name).unwrap();
        assert_eq!(format!("{password:?}"), "NewPassword(Password(***))");
    }

    #[test]
    fn latin_1_is_no_password() {
        let bytes = b"p\xe4ssw\xf6rd".to_vec();
        assert_eq!(Password::from_utf8(bytes).err(), Some(NotUtf8));
        assert!(Password::from_utf8("pässwörd".into()).is_ok());
    }
}
