//! Passwords that were verified lately, so that a sync does not pay for a slow hash each time.
//!
//! What is kept is a digest over a secret of this process, the stored hash and the password:
//! no password and no hash, and when the stored hash changes, in whatever process, the old
//! password is not found any more. (What a directory does not show of it is another matter, see
//! `ldap/login.rs`.) An entry lives for a fixed time from its verification, also when it is used. Whoever can read the memory of the process can try passwords against the
//! digests quickly; that is the price.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use sha2::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Password;

/// Entries at most; beyond it the oldest go first.
const CAPACITY: usize = 10_000;

type Key = [u8; 32];

/// The memory of verified passwords, shared by all threads.
pub(super) struct Cache {
    secret: Zeroizing<Key>,
    capacity: usize,
    lifetime: Duration,
    entries: Mutex<Entries>,
}

/// Invariant: every key of `ends` is in `queue` with the same end; `queue` is in order of age.
#[derive(Default)]
struct Entries {
    ends: HashMap<Key, Instant>,
    queue: VecDeque<(Key, Instant)>,
}

impl Cache {
    /// An empty memory under this secret, which must be random; entries live for `lifetime`.
    pub(super) fn new(secret: Zeroizing<Key>, lifetime: Duration) -> Self {
        Self {
            secret,
            capacity: CAPACITY,
            lifetime,
            entries: Mutex::default(),
        }
    }

    /// Whether this password was verified against this stored hash lately.
    pub(super) fn knows(&self, stored: &str, password: &Password, now: Instant) -> bool {
        let key = self.key(stored, password);
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.ends.get(&key).is_some_and(|end| now < *end)
    }

    /// Remembers that this password was verified against this stored hash.
    pub(super) fn remember(&self, stored: &str, password: &Password, now: Instant) {
        let key = self.key(stored, password);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.make_room(self.capacity, now);
        let end = now + self.lifetime;
        entries.ends.insert(key, end);
        entries.queue.push_back((key, end));
    }

    /// Forgets everything.
    #[cfg(feature = "ldap")]
    pub(super) fn clear(&self) {
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }

    fn key(&self, stored: &str, password: &Password) -> Key {
        // The length keeps the border between hash and password.
        Sha256::new()
            .chain_update(*self.secret)
            .chain_update(stored.len().to_le_bytes())
            .chain_update(stored.as_bytes())
            .chain_update(password.as_bytes())
            .finalize()
            .into()
    }
}

impl Entries {
    fn make_room(&mut self, capacity: usize, now: Instant) {
        while let Some((key, end)) = self.queue.front() {
            if now < *end && self.queue.len() < capacity {
                break;
            }
            // A key that was remembered again lives on under its later end.
            if self.ends.get(key) == Some(end) {
                self.ends.remove(key);
            }
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIFETIME: Duration = Duration::from_secs(5 * 60);

    fn cache(capacity: usize) -> Cache {
        Cache {
            capacity,
            ..Cache::new(Zeroizing::new([7; 32]), LIFETIME)
        }
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn only_the_same_password_under_the_same_hash_is_known() {
        let (cache, now) = (cache(10), Instant::now());
        cache.remember("{SSHA}abc", &password("secret"), now);
        assert!(cache.knows("{SSHA}abc", &password("secret"), now));
        assert!(!cache.knows("{SSHA}abd", &password("secret"), now));
        assert!(!cache.knows("{SSHA}abc", &password("Secret"), now));
        assert!(!cache.knows("{SSHA}ab", &password("csecret"), now));
    }

    #[test]
    fn an_entry_lives_for_its_time() {
        let (cache, now) = (cache(10), Instant::now());
        cache.remember("hash", &password("secret"), now);
        assert!(cache.knows("hash", &password("secret"), now + LIFETIME - SECOND));
        assert!(!cache.knows("hash", &password("secret"), now + LIFETIME));
    }

    #[test]
    fn another_secret_makes_other_keys() {
        let other = Cache::new(Zeroizing::new([8; 32]), LIFETIME);
        let word = password("secret");
        assert_ne!(cache(1).key("hash", &word), other.key("hash", &word));
    }

    #[test]
    fn the_oldest_entries_make_room() {
        let (cache, now) = (cache(3), Instant::now());
        for (age, hash) in (0..).zip(["a", "b", "c", "d"]) {
            cache.remember(hash, &password("secret"), now + SECOND * age);
        }
        let now = now + SECOND * 4;
        assert!(!cache.knows("a", &password("secret"), now));
        for hash in ["b", "c", "d"] {
            assert!(cache.knows(hash, &password("secret"), now), "{hash}");
        }
        let entries = cache.entries.lock().unwrap();
        assert_eq!((entries.ends.len(), entries.queue.len()), (3, 3));
    }

    #[test]
    fn an_entry_remembered_twice_lives_until_its_later_end() {
        let (cache, now) = (cache(2), Instant::now());
        cache.remember("a", &password("secret"), now);
        cache.remember("a", &password("secret"), now + SECOND);
        cache.remember("b", &password("secret"), now + SECOND * 2);
        assert!(cache.knows("a", &password("secret"), now + LIFETIME));
        cache.remember("c", &password("secret"), now + LIFETIME + SECOND * 5);
        let entries = cache.entries.lock().unwrap();
        assert_eq!((entries.ends.len(), entries.queue.len()), (1, 1));
    }
}
