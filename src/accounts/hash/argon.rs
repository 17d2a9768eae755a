//! Argon2id as a PHC string, with the costs that the crate recommends.
//!
//! The costs of a stored hash are obeyed up to a bound: a damaged row must not cost gigabytes.

use std::sync::Mutex;
use std::sync::PoisonError;

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Block;
use argon2::Params;
use argon2::PasswordHash;
use argon2::Version;
use data_encoding::BASE64_NOPAD;
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
        compute(&self.params, password, &self.salt, &mut digest)
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
    let params = Params::default();
    let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
    compute(&params, password, &salt, &mut digest).map_err(|_| AccountsError::Hash)?;
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}",
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(&digest)
    ))
}

/// Working memory that is not in use, to be used again.
///
/// Allocated for each hash it stays with the C library's heap of whatever thread computed it,
/// in pieces that do not fit the next one: a burst of logins left gigabytes behind.
static SPARE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// Gives working memory back that nobody needs at the moment.
pub(super) fn tidy() {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// How many pieces of working memory are kept; no more hashes run at once ([`super::Slots`]).
const MAX_SPARE: usize = 4;

fn compute(
    params: &Params,
    password: &Password,
    salt: &[u8],
    digest: &mut [u8],
) -> argon2::Result<()> {
    let spare = || SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut memory = spare().pop().unwrap_or_default();
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            digest,
            memory.get_mut(..blocks).unwrap_or_default(),
        );
    let mut spare = spare();
    // What a foreign hash with higher costs needed is not worth keeping.
    if spare.len() < MAX_SPARE && memory.len() <= Params::default().block_count() {
        spare.push(memory);
    }
    result
}
