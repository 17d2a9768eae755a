//! Who a client speaks for: the one door for passwords, of calls and of pages.
//!
//! Guessing is slow ([`Guard`](crate::guard::Guard)): whoever was wrong too often is not
//! answered, whether the password that he tries then is right or not. A client that was let in
//! lately is not asked about at the guard, so that a sync costs nothing more; its first mistake
//! ends that.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::Once;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use super::Api;
use super::ApiError;
use crate::accounts::Account;
use crate::accounts::Login;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::causes::chain;
use crate::guard::Deed;

impl Api {
    /// The account of a name, if the password is its own.
    ///
    /// # Errors
    /// [`ApiError::Refused`] when it is not, [`ApiError::TooOften`] when nobody looks whether it
    /// is, and those of the accounts and of the guard.
    pub fn log_in(
        &self,
        name: &UserName,
        password: &Password,
        client: Option<IpAddr>,
    ) -> Result<Account, ApiError> {
        let now = Instant::now();
        let is_expected = self.regulars.knows(name, client, now);
        if !is_expected {
            self.ensure_may(Deed::Login, Some(name.as_str()), client)?;
        }
        match self.accounts.authenticate(name, password, now)? {
            Login::Accepted(account) => {
                self.last_use.note(account.id, self.guard.now());
                if !is_expected {
                    // The password was right: he gets in, also when that cannot be noted.
                    if let Err(error) = self.guard.welcome(name.as_str(), client) {
                        log::warn!("cannot note a login of {name}: {}", chain(&error));
                    }
                    self.regulars.remember(name, client, now);
                }
                Ok(account)
            }
            Login::Refused(refusal) => {
                static UNKNOWN: Once = Once::new();
                if client.is_none() {
                    UNKNOWN.call_once(|| {
                        log::warn!(
                            "the web server does not tell where clients are (REMOTE_ADDR), so \
                             that wrong passwords are counted by account alone"
                        );
                    });
                }
                self.regulars.forget(name, client);
                self.guard.note(Deed::Login, Some(name.as_str()), client)?;
                Err(ApiError::Refused(refusal))
            }
        }
    }

    /// Refuses what was tried too often.
    pub(super) fn ensure_may(
        &self,
        deed: Deed,
        account: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<(), ApiError> {
        match self.guard.may(deed, account, client)? {
            true => Ok(()),
            false => Err(ApiError::TooOften),
        }
    }
}

/// How long a client is expected that was let in.
const EXPECTED: Duration = Duration::from_secs(10 * 60);

/// How many are remembered; beyond it all have to be asked about anew.
const CAPACITY: usize = 10_000;

/// The clients that this process let in lately, and at which accounts: until when they are
/// expected, by a hash that nobody outside can foresee.
#[derive(Default)]
pub struct Regulars {
    hasher: RandomState,
    until: Mutex<HashMap<u64, Instant>>,
}

impl Regulars {
    fn knows(&self, name: &UserName, client: Option<IpAddr>, now: Instant) -> bool {
        let until = self.until().get(&self.key(name, client)).copied();
        until.is_some_and(|until| now < until)
    }

    fn remember(&self, name: &UserName, client: Option<IpAddr>, now: Instant) {
        let mut known = self.until();
        if known.len() >= CAPACITY {
            known.retain(|_, until| now < *until);
        }
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(self.key(name, client), now + EXPECTED);
    }

    fn forget(&self, name: &UserName, client: Option<IpAddr>) {
        self.until().remove(&self.key(name, client));
    }

    fn key(&self, name: &UserName, client: Option<IpAddr>) -> u64 {
        self.hasher.hash_one((name, client))
    }

    fn until(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_let_in_is_expected_for_a_while() {
        let regulars = Regulars::default();
        let name = UserName::new("joe").unwrap();
        let client = |number| Some(IpAddr::from([192, 0, 2, number]));
        let now = Instant::now();
        regulars.remember(&name, client(1), now);
        assert!(regulars.knows(&name, client(1), now));
        assert!(!regulars.knows(&name, client(2), now));
        assert!(!regulars.knows(&name, None, now));
        assert!(!regulars.knows(&name, client(1), now + EXPECTED));
        regulars.forget(&name, client(1));
        assert!(!regulars.knows(&name, client(1), now));
        for number in 0..=CAPACITY {
            let name = UserName::new(&format!("u{number}")).unwrap();
            regulars.remember(&name, None, now);
        }
        assert!(regulars.until().len() <= CAPACITY);
    }
}
