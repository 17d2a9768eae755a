//! `weaved purge`: deletes expired records, and what belongs to people who do not come any more.
//!
//! Nothing is deleted for want of knowledge: an account of which nothing tells when it was used
//! is kept and named (spec/users.md, 28).

use std::str::FromStr;

use serde::Serialize;

use super::Configuration;
use super::Failure;
use super::failure::CONFIG;
use super::failure::NO;
use super::failure::UNAVAILABLE;
use super::failure::USAGE;
use super::logger;
use super::open;
use super::overview::say_json;
use super::people::People;
use super::people::Person;
use super::progress::Progress;
use super::voice::say;
use crate::accounts::Day;
use crate::accounts::Email;
use crate::api::Api;
use crate::api::ApiError;
use crate::api::Hosts;
use crate::causes::chain;
use crate::config::Config;
use crate::sync::Timestamp;

#[derive(Debug, clap::Args)]
pub(super) struct Purge {
    /// Deletes the records of accounts that were not used for so long, like `60d`.
    #[arg(long, value_name = "AGE")]
    idle: Option<Age>,
    /// Deletes accounts that were not used for so long, like `90d`.
    #[arg(long, value_name = "AGE")]
    accounts: Option<Age>,
    /// Deletes only what was announced to its user by mail so long before, like `14d`; whoever
    /// has no address cannot be told.
    #[arg(long, value_name = "AGE")]
    mail_before: Option<Age>,
    /// Deletes the records of users who have no account any more, above all in a directory.
    #[arg(long)]
    gone: bool,
    /// Does what `--gone` shows.
    #[arg(long, requires = "gone")]
    yes: bool,
    /// Shows what would be deleted, and deletes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: Configuration,
}

/// A number of days, at least one: `60d`, or `8w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age(i64);

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a number of days like 60d, or of weeks like 8w";
        let (number, days) = match text.strip_suffix('w') {
            Some(weeks) => (weeks, 7),
            None => (text.strip_suffix('d').ok_or(EXPECTED)?, 1),
        };
        let number: u16 = number.parse().map_err(|_| EXPECTED)?;
        match i64::from(number) * days {
            0 => Err("at least one day"),
            days => Ok(Self(days)),
        }
    }
}

/// What a purge does with an account, or with what is left of one.
#[derive(Serialize)]
struct Fate {
    id: i64,
    /// Absent when there is no account.
    name: Option<String>,
    what: What,
    last_seen: Option<String>,
    /// The day on which it goes, where that is still to come.
    due: Option<String>,
    records: u64,
    bytes: u64,
    /// Whether it was done.
    done: bool,
    /// Why the mail could not be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    /// The account goes, with its records.
    Account,
    /// Nothing tells when it was used.
    Kept,
    /// The records go.
    Records,
    /// A mail goes to the user.
    Warning,
}

/// What was purged, for programs.
#[derive(Serialize)]
struct Report {
    expired: u64,
    idle: Vec<Fate>,
}

pub(super) fn run(arguments: &Purge) -> Result<(), Failure> {
    let config = open::configuration(&arguments.configuration)?;
    logger::start_quiet();
    let looks_at_people = arguments.idle.is_some()
        || arguments.accounts.is_some()
        || arguments.gone
        || arguments.mail_before.is_some();
    let (expired, idle) = if looks_at_people {
        idle(arguments, &config)?
    } else {
        let databases = open::databases(&config)?;
        let hosts = open::hosts(&config, &databases)?;
        (expired(arguments, &hosts)?, Vec::new())
    };
    let unsent = idle.iter().filter(|fate| fate.failed.is_some()).count();
    if arguments.json {
        say_json(&Report { expired, idle })?;
    } else if arguments.dry_run {
        say("nothing was deleted")?;
    } else {
        say(format_args!("purged {expired} expired records"))?;
    }
    if arguments.gone && !arguments.yes && !arguments.dry_run {
        let text = "nothing of users without an account was deleted; say --yes to do it";
        return Err(Failure::new(NO, text));
    }
    if unsent > 0 {
        let text = format!("{unsent} mails could not be sent: these users keep what they have");
        return Err(Failure::new(UNAVAILABLE, text));
    }
    Ok(())
}

/// Deletes expired records.
fn expired(arguments: &Purge, hosts: &Hosts) -> Result<u64, Failure> {
    let mut purged = 0;
    if arguments.dry_run {
        return Ok(purged);
    }
    loop {
        match hosts.purge()? {
            0 => return Ok(purged),
            records => purged += records,
        }
    }
}

/// Deletes what belongs to those who do not come any more.
fn idle(arguments: &Purge, config: &Config) -> Result<(u64, Vec<Fate>), Failure> {
    let api = open::api(config)?;
    if arguments.accounts.is_some() && !api.accounts.accepts_changes() {
        let text = "the accounts are in a directory, which is only read: --accounts cannot delete \
                    them, --idle deletes their records";
        return Err(Failure::new(USAGE, text));
    }
    if arguments.mail_before.is_some() && arguments.idle.or(arguments.accounts).is_none() {
        return Err(Failure::new(
            USAGE,
            "--mail-before needs --idle or --accounts",
        ));
    }
    if arguments.mail_before.is_some() && !api.can_mail() {
        let text = "--mail-before needs [smtp] sender and [global] public_url";
        return Err(Failure::new(CONFIG, text));
    }
    let people = People::of(&api)?;
    let today = Day::of(api.guard.now());
    let mut fates = Vec::new();
    for person in &people.persons {
        if let Some((what, due)) = announced(arguments, &api, person, today)? {
            fates.push((person, what, due));
        }
    }
    let mut idle = Vec::new();
    let mut post = Post::default();
    let progress = Progress::of(fates.len() as u64, "accounts");
    for (person, what, due) in fates {
        let mut fate = Fate {
            id: person.account.id.0,
            name: Some(person.account.name.to_string()),
            what,
            last_seen: person.seen.map(|day| day.to_string()),
            due: due.map(|day| day.to_string()),
            records: person.total.records,
            bytes: person.total.bytes,
            done: false,
            failed: None,
        };
        if arguments.dry_run {
        } else if let Some(day) = due {
            match post.warn(&api, person, today, day)? {
                Ok(done) => fate.done = done,
                Err(why) => fate.failed = Some(why),
            }
        } else {
            fate.done = carry_out(&api, person, what)?;
        }
        progress.aside(|| tell(arguments, &fate))?;
        idle.push(fate);
        progress.add(1);
    }
    if arguments.gone {
        for (user, total) in &people.gone {
            let mut fate = Fate {
                id: user.0,
                name: None,
                what: What::Records,
                last_seen: None,
                due: None,
                records: total.records,
                bytes: total.bytes,
                done: false,
                failed: None,
            };
            if arguments.yes && !arguments.dry_run {
                api.hosts.delete_all(*user)?;
                api.last_use.forget(*user)?;
                fate.done = true;
            }
            tell(arguments, &fate)?;
            idle.push(fate);
        }
    }
    Ok((expired(arguments, &api.hosts)?, idle))
}

/// What is to be done with an account now, if anything; a warning with the day on which more is.
fn announced(
    arguments: &Purge,
    api: &Api,
    person: &Person,
    today: Day,
) -> Result<Option<(What, Option<Day>)>, Failure> {
    let now = fate_of(arguments, person, today).map(|what| (what, None));
    let email = person.account.email.as_deref();
    let Some(before) = arguments.mail_before else {
        return Ok(now);
    };
    let comes = fate_of(arguments, person, today.plus(before.0));
    if comes.is_none_or(|what| what == What::Kept)
        || email.is_none_or(|text| Email::new(text).is_err())
    {
        return Ok(now);
    }
    // One of an absence before this one does not count.
    let warned = api.last_use.warned(person.account.id)?;
    match warned.filter(|day| Some(*day) > person.seen) {
        None => Ok(Some((What::Warning, Some(today.plus(before.0))))),
        Some(day) if day.plus(before.0) <= today => Ok(now),
        Some(_) => Ok(None),
    }
}

/// After so many failures in a row nobody waits for the mail server any more.
const PATIENCE: usize = 3;

/// Sends warnings, as long as that makes sense.
#[derive(Default)]
struct Post {
    failures: usize,
}

impl Post {
    /// Mails; answers whether that was done, or why not: what is wrong with one address, says
    /// nothing of the others.
    fn warn(
        &mut self,
        api: &Api,
        person: &Person,
        today: Day,
        due: Day,
    ) -> Result<Result<bool, String>, Failure> {
        if self.failures == PATIENCE {
            return Ok(Err("not tried any more".to_owned()));
        }
        match api.warn_of_deletion(&person.account, due) {
            Ok(mailed) => {
                self.failures = 0;
                if mailed {
                    api.last_use.warn(person.account.id, today)?;
                }
                Ok(Ok(mailed))
            }
            Err(error @ ApiError::Mail(_)) => {
                self.failures += 1;
                Ok(Err(chain(&error)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What is to be done with an account, if anything.
fn fate_of(arguments: &Purge, person: &Person, today: Day) -> Option<What> {
    let is_older = |age: Option<Age>| {
        let bound = today.minus(age?.0);
        Some(person.seen.is_some_and(|day| day < bound))
    };
    let (records, account) = (is_older(arguments.idle), is_older(arguments.accounts));
    if records.is_none() && account.is_none() {
        None
    } else if person.seen.is_none() {
        Some(What::Kept)
    } else if account == Some(true) {
        Some(What::Account)
    } else if records == Some(true) && person.total.records > 0 {
        Some(What::Records)
    } else {
        None
    }
}

/// Deletes; answers whether it was done.
fn carry_out(api: &Api, person: &Person, what: What) -> Result<bool, Failure> {
    let account = &person.account;
    // He may have come meanwhile.
    if api.last_use.day(account.id)? > person.last_use {
        return Ok(false);
    }
    // What he wrote a moment ago is there before it is noted that he came.
    for (_, storage) in api.hosts.storages() {
        let collections = storage.collections(account.id)?.value;
        let is_later = |time: Timestamp| time > person.total.last_write;
        if collections.iter().any(|(_, time)| is_later(*time)) {
            return Ok(false);
        }
    }
    match what {
        What::Account => api.remove(account)?,
        What::Kept | What::Warning => return Ok(false),
        What::Records => api.hosts.delete_all(account.id)?,
    }
    Ok(true)
}

fn tell(arguments: &Purge, fate: &Fate) -> Result<(), Failure> {
    if arguments.json {
        return Ok(());
    }
    let whose = match &fate.name {
        Some(name) => name.clone(),
        None => format!("user {} without an account", fate.id),
    };
    let what = match fate.what {
        What::Account => format!("the account and {} records", fate.records),
        What::Kept => {
            return say(format_args!(
                "{whose}: kept, nothing tells when it was used"
            ));
        }
        What::Records => format!("{} records", fate.records),
        What::Warning => {
            if let Some(why) = &fate.failed {
                return say(format_args!("{whose}: could not be told by mail: {why}"));
            }
            let done = if fate.done { "was" } else { "would be" };
            let seen = fate.last_seen.as_deref().unwrap_or("-");
            let due = fate.due.as_deref().unwrap_or("-");
            return say(format_args!(
                "{whose}: last seen {seen}: {done} told by mail, to be deleted from {due} on"
            ));
        }
    };
    let done = if fate.done {
        "deleted"
    } else {
        "would be deleted"
    };
    match &fate.last_seen {
        Some(day) => say(format_args!("{whose}: last seen {day}: {what} {done}")),
        None => say(format_args!("{whose}: {what} {done}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_of_days() {
        for (text, days) in [("60d", Some(60)), ("8w", Some(56)), ("1d", Some(1))] {
            assert_eq!(text.parse::<Age>().ok().map(|age| age.0), days);
        }
        for text in ["", "d", "60", "0d", "-1d", "60h", "1.5d", "99999d", "٣d"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
