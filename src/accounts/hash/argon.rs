//! Argon2id as a PHC string, with the costs that the crate recommends.
//!
//! The costs of a stored hash are obeyed up to a bound: a damaged row must not cost gigabytes.

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::PasswordHash;
use argon2::PasswordHasher;
use argon2::Version;
use subtle::ConstantTimeEq;

use crate::accounts::AccountsError;
use crate::accounts::Password;

/// KiB of memory that a stored hash may ask for.
const MAX_MEMORY: u32 = 256 * 1024;

/// Passes over the memory that a stored hash may ask for.
const MAX_PASSES: u32 = 16;

/// Lanes that a stored hash may ask for.
const MAX_LANES: u32 = 16;

/// Bytes of salt in a new hash.
const SALT: usize = 16;

/// Zeros instead of a salt and a digest, at the costs of new hashes.
pub(super) const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A digest, its salt and its costs.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ArgonHash {
    params: Params,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl ArgonHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        if hash.algorithm != argon2::ARGON2ID_IDENT || hash.version != Some(Version::V0x13.into()) {
            return None;
        }
        let params = Params::try_from(&hash).ok()?;
        let bounded = params.m_cost() <= MAX_MEMORY
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() <= MAX_LANES;
        let salt = hash.salt?;
        if !bounded || salt.len() < argon2::MIN_SALT_LEN {
            return None;
        }
        Some(Self {
            params,
            salt: salt.to_vec(),
            digest: hash.hash?.as_bytes().to_vec(),
        })
    }

    pub(super) fn fits(&self, password: &Password) -> bool {
        let mut digest = vec![0; self.digest.len()];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
            .hash_password_into(password.as_bytes(), &self.salt, &mut digest)
            .is_ok_and(|()| digest.ct_eq(&self.digest).into())
    }

    pub(super) const fn has_default_costs(&self) -> bool {
        self.params.m_cost() == Params::DEFAULT_M_COST
            && self.params.t_cost() == Params::DEFAULT_T_COST
            && self.params.p_cost() == Params::DEFAULT_P_COST
    }
}

/// Makes a hash with a new salt.
pub(super) fn create(password: &Password) -> Result<String, AccountsError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(AccountsError::Random)?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|_| AccountsError::Hash)?;
    Ok(hash.to_string())
}
