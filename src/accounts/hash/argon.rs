//! Argon2id as a PHC string.
//!
//! New hashes have the costs of OWASP's list (Password Storage Cheat Sheet, Argon2id) that take
//! the least memory; all of that list are as good as each other.
//!
//! The costs of a stored hash are obeyed up to a bound: a damaged row must not cost gigabytes.

use std::sync::Mutex;
use std::sync::MutexGuard;
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

/// The costs of new hashes: KiB of memory, passes, lanes.
const COSTS: (u32, u32, u32) = (7 * 1024, 5, 1);

/// Zeros instead of a salt and a digest, at the costs of new hashes.
pub(super) const DECOY: &str = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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
        let (memory, passes, lanes) = COSTS;
        self.params.m_cost() == memory
            && self.params.t_cost() == passes
            && self.params.p_cost() == lanes
    }
}

/// Makes a hash with a new salt.
pub(super) fn create(password: &Password) -> Result<String, AccountsError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(AccountsError::Random)?;
    let (memory, passes, lanes) = COSTS;
    let params = Params::new(memory, passes, lanes, None).map_err(|_| AccountsError::Hash)?;
    let mut digest = [0; Params::DEFAULT_OUTPUT_LEN];
    compute(&params, password, &salt, &mut digest).map_err(|_| AccountsError::Hash)?;
    Ok(format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}",
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(&digest)
    ))
}

/// Working memory of the hashes that are computed at the moment.
///
/// Allocated for each hash it would stay with the C library's heap of whatever thread computed it,
/// in pieces that do not fit the next one: a burst of logins would leave gigabytes behind. What is
/// not used goes back to the system where the master has told the C library so; elsewhere the heap
/// keeps it once for the next hash.
struct Memory {
    /// Hashes that are being computed; never more than [`super::Slots`].
    running: usize,
    /// Not in use; nothing is kept once no hash is computed.
    spare: Vec<Vec<Block>>,
}

static MEMORY: Mutex<Memory> = Mutex::new(Memory {
    running: 0,
    spare: Vec::new(),
});

impl Memory {
    fn locked() -> MutexGuard<'static, Self> {
        MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend() -> Vec<Block> {
        let mut all = Self::locked();
        all.running += 1;
        all.spare.pop().unwrap_or_default()
    }

    fn take_back(memory: Vec<Block>) {
        let mut all = Self::locked();
        all.running -= 1;
        let mut unused = Vec::new();
        let (usual, ..) = COSTS;
        // What a foreign hash with higher costs needed is not worth keeping.
        if usize::try_from(usual).is_ok_and(|usual| memory.len() <= usual) {
            all.spare.push(memory);
        } else {
            unused.push(memory);
        }
        if all.running == 0 {
            unused.append(&mut all.spare);
        }
        drop(all);
        drop(unused);
    }
}

fn compute(
    params: &Params,
    password: &Password,
    salt: &[u8],
    digest: &mut [u8],
) -> argon2::Result<()> {
    let mut memory = Memory::lend();
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
    Memory::take_back(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_when_no_hash_is_computed() {
        create(&Password::new("secret".to_owned())).ok().unwrap();
        let memory = Memory::locked();
        assert!(memory.running > 0 || memory.spare.is_empty());
    }
}
