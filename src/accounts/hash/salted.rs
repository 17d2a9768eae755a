//! The original's own kinds: `{TAG}` and base64 of digest and salt (spec/user-1.0.md, 8.4).
//!
//! The salt is the last 8 bytes and follows the password into the digest, or is scrypt's salt.

use data_encoding::BASE64;
use scrypt::Params;
use sha1::Digest;
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::accounts::AccountsError;
use crate::accounts::Password;

const SALT: usize = 8;

/// The characters that the original makes salts of.
const SALT_LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// scrypt's costs, as the original fixed them: log2 of N, r, p, and the bytes it makes.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 1;
const SCRYPT_DIGEST: usize = 64;

/// Zeros instead of a digest and a salt.
pub(super) const DECOY: &str = "{SSCRYPT}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A digest and its salt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SaltedHash {
    family: Family,
    digest: Vec<u8>,
    salt: [u8; SALT],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Scrypt,
    Sha1,
    Sha256,
}

impl SaltedHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (tag, encoded) = text.strip_prefix('{')?.split_once('}')?;
        let (family, length) = match tag {
            "SSCRYPT" => (Family::Scrypt, SCRYPT_DIGEST),
            "SSHA" => (Family::Sha1, 20),
            "SSHA-256" => (Family::Sha256, 32),
            _ => return None,
        };
        let bytes = BASE64.decode(encoded.as_bytes()).ok()?;
        let (digest, salt) = bytes.split_at_checked(length)?;
        Some(Self {
            family,
            digest: digest.to_owned(),
            salt: salt.try_into().ok()?,
        })
    }

    pub(super) fn fits(&self, password: &Password) -> bool {
        let word = password.as_bytes();
        let computed = match self.family {
            Family::Scrypt => match scrypted(password, &self.salt) {
                Some(digest) => digest.to_vec(),
                None => return false,
            },
            Family::Sha1 => salted::<Sha1>(word, &self.salt),
            Family::Sha256 => salted::<Sha256>(word, &self.salt),
        };
        computed.ct_eq(&self.digest).into()
    }

    #[cfg(feature = "ldap")]
    pub(super) const fn is_ssha(&self) -> bool {
        matches!(self.family, Family::Sha1)
    }

    pub(super) const fn is_sscrypt(&self) -> bool {
        matches!(self.family, Family::Scrypt)
    }
}

/// Makes an `{SSCRYPT}` with a new salt.
pub(super) fn create(password: &Password) -> Result<String, AccountsError> {
    let salt = new_salt()?;
    let digest = scrypted(password, &salt).ok_or(AccountsError::Hash)?;
    let encoded = BASE64.encode(&[&digest[..], &salt[..]].concat());
    Ok(format!("{{SSCRYPT}}{encoded}"))
}

/// Makes an `{SSHA}` with a new salt: the strongest kind that every directory server checks.
#[cfg(feature = "ldap")]
pub(super) fn create_for_directory(password: &Password) -> Result<String, AccountsError> {
    let salt = new_salt()?;
    let digest = salted::<Sha1>(password.as_bytes(), &salt);
    let encoded = BASE64.encode(&[&digest[..], &salt[..]].concat());
    Ok(format!("{{SSHA}}{encoded}"))
}

fn salted<D: Digest>(password: &[u8], salt: &[u8; SALT]) -> Vec<u8> {
    let digest = D::new().chain_update(password).chain_update(salt);
    digest.finalize().to_vec()
}

fn scrypted(password: &Password, salt: &[u8; SALT]) -> Option<[u8; SCRYPT_DIGEST]> {
    let params = Params::new(LOG_N, R, P).ok()?;
    let mut digest = [0; SCRYPT_DIGEST];
    scrypt::scrypt(password.as_bytes(), salt, &params, &mut digest).ok()?;
    Some(digest)
}

/// Letters and digits, each as likely as the other.
fn new_salt() -> Result<[u8; SALT], AccountsError> {
    let mut salt = [0; SALT];
    let mut places = salt.iter_mut();
    loop {
        let mut random = [0; 2 * SALT];
        getrandom::fill(&mut random).map_err(AccountsError::Random)?;
        // Six bits each; the two numbers without a letter are thrown away.
        for letter in random
            .iter()
            .filter_map(|byte| SALT_LETTERS.get(usize::from(byte & 63)))
        {
            match places.next() {
                Some(place) => *place = *letter,
                None => return Ok(salt),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_eight_letters_and_digits() {
        let salt = new_salt().unwrap();
        assert!(salt.iter().all(u8::is_ascii_alphanumeric));
        assert_ne!(salt, new_salt().unwrap());
    }

    #[test]
    fn a_new_hash_has_the_originals_length() {
        let text = create(&Password::new("password1".into())).unwrap();
        assert_eq!(text.len(), 105);
        assert!(text.starts_with("{SSCRYPT}"));
    }
}
