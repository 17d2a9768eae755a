//! Checking a password: one query, then the memory of verified passwords, else one slow hash.
//!
//! A name that nobody has takes the same way as a wrong password: the password is compared with
//! the hash of some other account, chosen by the name, so that also the mix of old and new kinds
//! of hashes is the same for names that exist and names that do not. An account whose stored
//! hash is unusable is treated like a name that nobody has.

use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::time::Instant;

use sha2::Digest;
use sha2::Sha256;

use super::Candidate;
use super::SqlAccounts;
use crate::accounts::AccountsError;
use crate::accounts::Login;
use crate::accounts::Password;
use crate::accounts::Refusal;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::causes::chain;
use crate::sync::UserId;

impl SqlAccounts {
    pub(super) fn log_in(
        &self,
        name: &UserName,
        password: &Password,
        now: Instant,
    ) -> Result<Login, AccountsError> {
        if password.is_empty() {
            return Ok(Login::Refused(Refusal::EmptyPassword));
        }
        let candidates = self.candidates(name)?;
        for Candidate { account, hash } in &candidates {
            let hash = hash.as_deref().unwrap_or_default();
            if self.may_enter(account.state) && self.cache.knows(hash, password, now) {
                return Ok(Login::Accepted(account.clone()));
            }
        }
        // Asked for always, so that the queries do not tell whether the name exists.
        let decoy = self.decoy(name)?;
        let (candidate, hash) = match self.fitting(candidates, decoy.as_ref(), password)? {
            Ok(found) => found,
            Err(refusal) => return Ok(Login::Refused(refusal)),
        };
        if !self.may_enter(candidate.account.state) {
            return Ok(Login::Refused(Refusal::Disabled));
        }
        let hash = self.renewed(candidate.account.id, hash, password);
        self.cache.remember(hash.as_str(), password, now);
        Ok(Login::Accepted(candidate.account))
    }

    /// The first account whose password this is. One hash at least is computed, within a slot.
    fn fitting(
        &self,
        candidates: Vec<Candidate>,
        decoy: Option<&StoredHash>,
        password: &Password,
    ) -> Result<Result<(Candidate, StoredHash), Refusal>, AccountsError> {
        let _slot = self.slots.take()?;
        let mut refusal = match candidates.is_empty() {
            true => Refusal::UnknownName,
            false => Refusal::UnusableHash,
        };
        for candidate in candidates {
            let Some(hash) = candidate.hash.as_deref().and_then(StoredHash::parse) else {
                continue;
            };
            if self.compare(&hash, password) {
                return Ok(Ok((candidate, hash)));
            }
            refusal = Refusal::WrongPassword;
        }
        if refusal != Refusal::WrongPassword
            && let Some(decoy) = decoy
        {
            // Nobody enters, also if it fits.
            black_box(self.compare(decoy, password));
        }
        Ok(Err(refusal))
    }

    fn compare(&self, hash: &StoredHash, password: &Password) -> bool {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        hash.fits(password)
    }

    const fn may_enter(&self, state: State) -> bool {
        matches!(state, State::Active) || !self.settings.check_account_state
    }

    /// The hash that stands in for a name that nobody has: always the same for the same name.
    fn decoy(&self, name: &UserName) -> Result<Option<StoredHash>, AccountsError> {
        let digest = Sha256::new()
            .chain_update(self.decoy_key.to_le_bytes())
            .chain_update(name.lowered().as_str())
            .finalize();
        let place = digest
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let stored = self.database.read(|session| {
            let highest = session.query_one(self.sql.highest, &[], |row| row.int(0))?;
            let start = scaled(place, highest.flatten().unwrap_or(0));
            session.query_one(self.sql.decoy, &[(":start", start.into())], |row| {
                row.text(0).and_then(StoredHash::parse)
            })
        })?;
        Ok(stored
            .flatten()
            .or_else(|| StoredHash::decoy(self.settings.scheme)))
    }

    /// Replaces a hash of an older kind; when that fails the login stands, with the old hash.
    fn renewed(&self, id: UserId, old: StoredHash, password: &Password) -> StoredHash {
        if !self.settings.rehash || old.is_current(self.settings.scheme) {
            return old;
        }
        match self.rehash(id, &old, password) {
            Ok(Some(new)) => new,
            // The password was changed, or another thread was faster.
            Ok(None) => old,
            Err(error) => {
                log::warn!("user={id} cannot renew a password hash: {}", chain(&error));
                old
            }
        }
    }

    fn rehash(
        &self,
        id: UserId,
        old: &StoredHash,
        password: &Password,
    ) -> Result<Option<StoredHash>, AccountsError> {
        let new = self.hashed(password)?;
        let params = [
            (":id", id.0.into()),
            (":old", old.as_str().into()),
            (":hash", new.as_str().into()),
        ];
        let changed = self
            .database
            .write(|session| session.execute(self.sql.rehash, &params))?;
        Ok((changed > 0).then_some(new))
    }
}

/// A number from 1 to `highest`, at the same part of the way as `place` among all numbers, so
/// that a new account moves few names to another stand-in.
fn scaled(place: u64, highest: i64) -> i64 {
    let highest = u128::try_from(highest).unwrap_or(0);
    i64::try_from((u128::from(place) * highest) >> 64).unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_scaled_to_the_ids() {
        #[track_caller]
        fn check(place: u64, highest: i64, expected: i64) {
            assert_eq!(scaled(place, highest), expected);
        }
        check(0, 3, 1);
        check(u64::MAX, 3, 3);
        check(u64::MAX / 2, 3, 2);
        check(u64::MAX, 1, 1);
        check(u64::MAX, 0, 1);
        check(u64::MAX, -5, 1);
        check(u64::MAX, i64::MAX, i64::MAX);
    }
}
