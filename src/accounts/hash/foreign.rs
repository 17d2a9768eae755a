//! What small servers of this protocol kept of passwords. They come in with accounts that move
//! here, and are replaced at the next login.
//!
//! FSyncMS: bcrypt as PHP's `crypt` writes it, or bare MD5 (which stands in [`super`]).
//! weave-minimal: 16 digits of a SHA-1, in the name of a file; here they stand after a tag.

use std::ops::RangeInclusive;
use std::str::FromStr;

use bcrypt::HashParts;
use data_encoding::HEXLOWER;
use sha1::Digest;
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::accounts::Password;

/// What a stored hash may cost, log2 of rounds; FSyncMS writes 12. A damaged row must not keep a
/// processor busy for hours.
const COSTS: RangeInclusive<u32> = 4..=15;

/// The tag that weaved puts before what weave-minimal kept.
const MINIMAL_TAG: &str = "{WEAVE-MINIMAL}";

/// What weave-minimal puts before every password: these very characters, no bytes that they name.
const MINIMAL_SALT: &str = r"\x14Q\xd4JbDk\x1bN\x84J\xd0\x05\x8a\x1b\x8b\xa6&V\x1b\xc5\x91\x97\xc4";

/// bcrypt; a password counts up to its 72nd byte.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BcryptHash(String);

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = ["$2a$", "$2b$", "$2y$"].iter();
        let parts = known
            .filter(|tag| text.starts_with(**tag))
            .find_map(|_| HashParts::from_str(text).ok())?;
        COSTS
            .contains(&parts.get_cost())
            .then(|| Self(text.to_owned()))
    }

    pub(super) fn fits(&self, password: &Password) -> bool {
        bcrypt::verify(password.as_bytes(), &self.0).unwrap_or(false)
    }
}

/// The first half of a SHA-1, nearly.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct MinimalHash([u8; 8]);

impl MinimalHash {
    /// The text for the column, from the digits in the file's name.
    pub(super) fn text(digits: &str) -> String {
        format!("{MINIMAL_TAG}{digits}")
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(MINIMAL_TAG)?;
        let digest = HEXLOWER.decode(digits.as_bytes()).ok()?;
        digest.try_into().ok().map(Self)
    }

    pub(super) fn fits(&self, password: &Password) -> bool {
        let digest = Sha1::new()
            .chain_update(MINIMAL_SALT)
            .chain_update(password.as_bytes())
            .finalize();
        let start = digest.get(..self.0.len()).unwrap_or_default();
        start.ct_eq(&self.0).into()
    }
}
