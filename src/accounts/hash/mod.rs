//! Password hashes: every kind that servers of this protocol ever wrote (spec/user-1.0.md, 8.4).
//!
//! What goes in is the text of the column, what comes out is a [`StoredHash`] that knows its
//! kind, or nothing when the text is no hash: such an account cannot log in, and that is no
//! error. New hashes are written in one [`HashScheme`]. Comparisons take constant time.
//!
//! How many hashes are computed at once is not bounded here but in [`Slots`].

mod argon;
mod foreign;
mod salted;
mod slots;

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use md5::Digest;
use md5::Md5;
use subtle::ConstantTimeEq;

pub use slots::Slot;
pub use slots::Slots;

use super::AccountsError;
use super::Password;
use argon::ArgonHash;
use foreign::BcryptHash;
use foreign::MinimalHash;
use salted::SaltedHash;

/// The width of the column that keeps hashes, in characters.
pub const MAX_STORED: usize = 128;

/// How new passwords are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashScheme {
    /// Argon2id as a PHC string; the original cannot read it.
    #[default]
    Argon2id,
    /// `{SSCRYPT}`, the last format of the original, so that one can go back to it.
    Sscrypt,
}

/// A password hash of a known kind.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash {
    text: String,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Argon(ArgonHash),
    /// FSyncMS wrote this.
    Bcrypt(BcryptHash),
    /// FSyncMS wrote the bare MD5 of the password.
    Md5([u8; 16]),
    /// weave-minimal wrote this into names of files.
    Minimal(MinimalHash),
    Salted(SaltedHash),
}

impl StoredHash {
    /// Understands a hash as it is stored; absent for anything that no server wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind = if text.starts_with("$2") {
            Kind::Bcrypt(BcryptHash::parse(text)?)
        } else if text.starts_with('$') {
            Kind::Argon(ArgonHash::parse(text)?)
        } else if let Some(hash) = MinimalHash::parse(text) {
            Kind::Minimal(hash)
        } else if text.starts_with('{') {
            Kind::Salted(SaltedHash::parse(text)?)
        } else {
            let digest = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
            Kind::Md5(digest.try_into().ok()?)
        };
        Some(Self {
            text: text.to_owned(),
            kind,
        })
    }

    /// What weave-minimal kept of a password: the 16 digits at the end of a file's name.
    #[must_use]
    pub fn of_weave_minimal(digits: &str) -> Option<Self> {
        Self::parse(&MinimalHash::text(digits))
    }

    /// Hashes a password with a new salt; takes tens of milliseconds and up to 16 MiB.
    ///
    /// # Errors
    /// [`AccountsError::Random`] and [`AccountsError::Hash`].
    pub fn create(scheme: HashScheme, password: &Password) -> Result<Self, AccountsError> {
        let text = match scheme {
            HashScheme::Argon2id => argon::create(password)?,
            HashScheme::Sscrypt => salted::create(password)?,
        };
        Self::parse(&text).ok_or(AccountsError::Hash)
    }

    /// Hashes a password with a new salt as `{SSHA}`, for a directory.
    ///
    /// # Errors
    /// [`AccountsError::Random`].
    #[cfg(feature = "ldap")]
    pub(super) fn create_for_directory(password: &Password) -> Result<Self, AccountsError> {
        Self::parse(&salted::create_for_directory(password)?).ok_or(AccountsError::Hash)
    }

    /// A hash of nothing, for names that have none: it costs what a new hash of the scheme costs.
    #[must_use]
    pub fn decoy(scheme: HashScheme) -> Option<Self> {
        Self::parse(match scheme {
            HashScheme::Argon2id => argon::DECOY,
            HashScheme::Sscrypt => salted::DECOY,
        })
    }

    /// Whether this is the hash of that password; may take as long as [`StoredHash::create`].
    #[must_use]
    pub fn fits(&self, password: &Password) -> bool {
        match &self.kind {
            Kind::Argon(hash) => hash.fits(password),
            Kind::Bcrypt(hash) => hash.fits(password),
            Kind::Minimal(hash) => hash.fits(password),
            Kind::Md5(digest) => Md5::digest(password.as_bytes())
                .as_slice()
                .ct_eq(digest)
                .into(),
            Kind::Salted(hash) => hash.fits(password),
        }
    }

    /// Whether a new hash in this scheme would look the same, apart from the salt.
    #[must_use]
    pub const fn is_current(&self, scheme: HashScheme) -> bool {
        match (&self.kind, scheme) {
            (Kind::Argon(hash), HashScheme::Argon2id) => hash.has_default_costs(),
            (Kind::Salted(hash), HashScheme::Sscrypt) => hash.is_sscrypt(),
            _ => false,
        }
    }

    /// Whether a directory server can check it: `{SSHA}`.
    #[cfg(feature = "ldap")]
    pub(super) const fn is_for_directory(&self) -> bool {
        matches!(&self.kind, Kind::Salted(hash) if hash.is_ssha())
    }

    /// The text for the column.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Argon(_) => "StoredHash(Argon2id ***)",
            Kind::Bcrypt(_) => "StoredHash(bcrypt ***)",
            Kind::Minimal(_) => "StoredHash(weave-minimal ***)",
            Kind::Md5(_) => "StoredHash(MD5 ***)",
            Kind::Salted(_) => "StoredHash(salted ***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[track_caller]
    fn check(stored: &str, good: &str) {
        let hash = StoredHash::parse(stored).unwrap();
        assert_eq!(hash.as_str(), stored);
        assert!(hash.fits(&password(good)), "{stored} does not fit");
        assert!(!hash.fits(&password(&format!("{good} "))), "{stored}");
        assert!(!hash.fits(&password("")), "{stored} fits nothing");
    }

    #[test]
    fn every_kind_that_was_ever_written_is_verified() {
        check(
            "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "password1",
        );
        check(
            "{SSHA-256}A7wBsP9QOmtiv8tH1Vj9nAlsjHDEVrJ2EDzyem8CV1tBQkNERUZHSA==",
            "password1",
        );
        check(
            "{SSCRYPT}daWP3zaxl9s2H74yeebkU5BgPw8aM0ZSAvf1O4BQ/BIMfDsC9qzPdIKgSEdR5E/boFW+fW4ixob1\
             L+pSrbOj+kFCQ0RFRkdI",
            "password1",
        );
        check(
            "{SSHA-256}dlcf6vZ/88Tx1WmcSwsxXAgHK7gN/ZpngbtEGhek4MkwMTIzNDU2Nw==",
            "pässwörd",
        );
        check("7c6a180b36896a0a8c02787eeafb0e4c", "password1");
        check("7C6A180B36896A0A8C02787EEAFB0E4C", "password1");
        // From PHP and libxcrypt.
        check(
            "$2a$05$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Da",
            "password1",
        );
        check(
            "$2y$05$abcdefghijklmnopqrstuuZVEMa1pjhlynBQ1qXmSvGBJpN9h1w8G",
            "pässwörd",
        );
        // The example in its README, and another.
        check("{WEAVE-MINIMAL}c203011d1453ba7c", "secret123");
        check("{WEAVE-MINIMAL}e63d06d628931d69", "pässwörd");
        // From the reference program: argon2 somesalt -id -t 2 -m 16 -p 1, and password.
        check(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "password",
        );
    }

    #[test]
    fn a_malformed_hash_is_none() {
        for text in [
            "",
            " ",
            "password1",
            "{SSHA}",
            "{SSHA}!!!!",
            "{SSHA}QUJD",
            "{SSHA} dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA",
            "{ssha}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "{SSHA-256}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "{MD5}fGoYCzaJagqMAnh+6vsOTA==",
            "{",
            "{}",
            "{SSHA",
            "7c6a180b36896a0a8c02787eeafb0e4",
            "7c6a180b36896a0a8c02787eeafb0e4c ",
            "7c6a180b36896a0a8c02787eeafb0e4ü",
            "7c6a180b36896a0a8c02787eeafb0e4c7c6a180b36896a0a8c02787eeafb0e4c",
            "$",
            "$argon2id",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=19456,t=2,p=1$$",
            "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4000000000,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=19456,t=4000000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=19456,t=2,p=999999$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2y$10$abcdefghijklmnopqrstuv",
            "$2a$16$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Da",
            "$2a$03$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Da",
            "$2x$05$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Da",
            "$2a$05$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Daa",
            "$2$",
            "{WEAVE-MINIMAL}",
            "{WEAVE-MINIMAL}c203011d1453ba7",
            "{WEAVE-MINIMAL}C203011D1453BA7C",
            "c203011d1453ba7c",
        ] {
            assert_eq!(StoredHash::parse(text), None, "{text}");
        }
    }

    #[test]
    fn new_hashes_fit_verify_and_differ() {
        for (scheme, other) in [
            (HashScheme::Argon2id, HashScheme::Sscrypt),
            (HashScheme::Sscrypt, HashScheme::Argon2id),
        ] {
            let word = password("correct horse: ü");
            let hash = StoredHash::create(scheme, &word).unwrap();
            assert!(hash.as_str().len() <= MAX_STORED);
            assert!(hash.fits(&word) && !hash.fits(&password("correct horse")));
            assert!(hash.is_current(scheme) && !hash.is_current(other));
            assert_ne!(hash, StoredHash::create(scheme, &word).unwrap());
        }
    }

    #[test]
    fn a_decoy_costs_what_a_new_hash_costs() {
        for scheme in [HashScheme::Argon2id, HashScheme::Sscrypt] {
            assert!(StoredHash::decoy(scheme).unwrap().is_current(scheme));
        }
    }

    #[test]
    fn older_kinds_and_other_costs_are_not_current() {
        for text in [
            "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==",
            "{SSHA-256}A7wBsP9QOmtiv8tH1Vj9nAlsjHDEVrJ2EDzyem8CV1tBQkNERUZHSA==",
            "7c6a180b36896a0a8c02787eeafb0e4c",
            "$2a$05$abcdefghijklmnopqrstuufDUiBElouF6EIaBpoSC33XqTVuj6/Da",
            "{WEAVE-MINIMAL}c203011d1453ba7c",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            let hash = StoredHash::parse(text).unwrap();
            assert!(!hash.is_current(HashScheme::Argon2id), "{text}");
            assert!(!hash.is_current(HashScheme::Sscrypt), "{text}");
        }
    }

    #[test]
    fn a_hash_shows_nothing_of_itself() {
        let hash = StoredHash::parse("7c6a180b36896a0a8c02787eeafb0e4c").unwrap();
        assert_eq!(format!("{hash:?}"), "StoredHash(MD5 ***)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tag in "[{$]?(SSHA|argon2id|2a|WEAVE-MINIMAL)?[}$]?") {
            let _ = StoredHash::parse(&text);
            let _ = StoredHash::parse(&format!("{tag}{text}"));
        }
    }
}
