//! Who has an account, what he has, and when he was here.

use std::collections::BTreeMap;

use super::Failure;
use super::voice::complain;
use crate::accounts::Account;
use crate::accounts::Day;
use crate::api::Api;
use crate::storage::Total;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// Everybody.
pub(super) struct People {
    pub(super) persons: Vec<Person>,
    /// What is stored for users who have no account.
    pub(super) gone: BTreeMap<UserId, Total>,
    /// The accounts of which nothing can be said but their ids.
    pub(super) nameless: Vec<UserId>,
}

/// An account and what belongs to it.
pub(super) struct Person {
    pub(super) account: Account,
    /// The sum of all storages.
    pub(super) total: Total,
    /// The day of the last use, where one was noted.
    pub(super) last_use: Option<Day>,
    /// The last day on which he can have been here, as far as it is known.
    pub(super) seen: Option<Day>,
}

impl People {
    /// Looks at all accounts and all storages.
    pub(super) fn of(api: &Api) -> Result<Self, Failure> {
        let mut totals = totals(api)?;
        let days = api.last_use.all()?;
        let since = api.last_use.since()?;
        let mut persons = Vec::new();
        api.accounts.list(&mut |account| {
            let total = totals.remove(&account.id).unwrap_or_default();
            let last_use = days.get(&account.id).copied();
            // Where nothing is left, the last write was a deletion: not by the user himself, of
            // whom it would have been noted.
            let is_known = last_use.is_some() && total.records == 0;
            let wrote = (total.last_write > Timestamp::ZERO && !is_known)
                .then(|| Day::of(total.last_write));
            persons.push(Person {
                total,
                last_use,
                seen: match (last_use, wrote) {
                    (Some(day), wrote) => Some(wrote.map_or(day, |wrote| wrote.max(day))),
                    // Who only reads left no trace before uses were counted.
                    (None, wrote) => wrote.map(|day| since.map_or(day, |since| day.max(since))),
                },
                account,
            });
        })?;
        let nameless = api.accounts.nameless()?;
        totals.retain(|user, total| total.records > 0 && !nameless.contains(user));
        Ok(Self {
            persons,
            gone: totals,
            nameless,
        })
    }
}

/// Tells of accounts that cannot be shown or kept.
pub(super) fn complain_of(nameless: &[UserId]) {
    if !nameless.is_empty() {
        let ids: Vec<String> = nameless.iter().map(UserId::to_string).collect();
        complain(format_args!(
            "left out, because no client can say their names: the accounts {}",
            ids.join(", ")
        ));
    }
}

/// What each user has in all storages together.
fn totals(api: &Api) -> Result<BTreeMap<UserId, Total>, Failure> {
    let mut totals = BTreeMap::<UserId, Total>::new();
    for (_, storage) in api.hosts.storages() {
        for (user, total) in storage.dump()?.totals()? {
            let sum = totals.entry(user).or_default();
            sum.records += total.records;
            sum.bytes += total.bytes;
            sum.last_write = sum.last_write.max(total.last_write);
        }
    }
    Ok(totals)
}
