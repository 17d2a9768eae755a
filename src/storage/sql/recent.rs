//! What was read of users lately, good as long as they have written nothing since.
//!
//! Every write of every process moves the user's last write on, so that a list of collections
//! belongs to the time of the last write that was read with it. Only an expiry changes a list
//! without a write. (What the original server wrote is found and counted as a write when weaved
//! starts; it must not write beside a weaved that serves.)

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use super::expiry_bound;
use crate::storage::Collections;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// How many users are remembered; then all are forgotten. A list takes about half a KB.
const CAPACITY: usize = 2_000;

/// The memory, shared by all threads of a process.
#[derive(Default)]
pub(super) struct Recent {
    users: Mutex<HashMap<UserId, Known>>,
}

struct Known {
    last_write: Timestamp,
    /// The first second in which a record expires.
    expires: i64,
    collections: Collections,
}

impl Recent {
    /// The collections of a user whose last write was then, if they are known.
    pub(super) fn collections(
        &self,
        user: UserId,
        last_write: Timestamp,
        now: Timestamp,
    ) -> Option<Collections> {
        let users = self.users();
        let known = users.get(&user)?;
        let holds = known.last_write == last_write && known.expires > expiry_bound(now);
        holds.then(|| Arc::clone(&known.collections))
    }

    /// Remembers what was read together with the last write.
    pub(super) fn remember(
        &self,
        user: UserId,
        last_write: Timestamp,
        expires: i64,
        collections: &Collections,
    ) {
        // Without a time nothing would show a change: of such a user weaved has seen no write.
        if last_write <= Timestamp::ZERO {
            return;
        }
        let known = Known {
            last_write,
            expires,
            collections: Arc::clone(collections),
        };
        let mut users = self.users();
        if users.len() >= CAPACITY && !users.contains_key(&user) {
            users.clear();
        }
        users.insert(user, known);
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, Known>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Ttl;

    #[test]
    fn a_list_is_good_until_a_write_or_an_expiry() {
        let time = Timestamp::from_centis;
        let (recent, user, now) = (Recent::default(), UserId(1), time(1_000_000));
        let list: Collections = [("tabs".to_owned(), time(500))].into();
        let known = |user, last, now| recent.collections(user, time(last), now).is_some();
        recent.remember(user, time(500), Ttl::NEVER, &list);
        assert!(known(user, 500, now));
        assert!(!known(user, 501, now) && !known(user, 499, now));
        assert!(!known(UserId(2), 500, now));
        recent.remember(user, time(600), 20_000, &list);
        assert!(known(user, 600, now) && !known(user, 500, now));
        assert!(!known(user, 600, time(2_000_000)));
        recent.remember(UserId(3), time(0), Ttl::NEVER, &list);
        assert!(!known(UserId(3), 0, now));
    }

    #[test]
    fn memory_is_bounded() {
        let (recent, list) = (Recent::default(), Collections::default());
        for user in 0..i64::try_from(CAPACITY).unwrap() + 1 {
            recent.remember(UserId(user), Timestamp::from_centis(1), 1, &list);
        }
        assert_eq!(recent.users().len(), 1);
    }
}
