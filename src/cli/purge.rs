//! `weaved purge`: deletes expired records, and what belongs to people who do not come any more.
//!
//! Nothing is deleted for want of knowledge: an account of which nothing tells when it was used
//! is kept and named (spec/users.md, 28).

use std::str::FromStr;

use serde::Serialize;

use super::Configuration;
use super::Failure;
use super::failure::NO;
use super::failure::USAGE;
use super::logger;
use super::open;
use super::overview::say_json;
use super::people::People;
use super::people::Person;
use super::progress::Progress;
use super::voice::say;
use crate::accounts::Day;
use crate::api::Api;
use crate::api::Hosts;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Purge {
    /// Deletes the records of accounts that were not used for so long, like `60d`.
    #[arg(long, value_name = "AGE")]
    idle: Option<Age>,
    /// Deletes accounts that were not used for so long, like `90d`.
    #[arg(long, value_name = "AGE")]
    accounts: Option<Age>,
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
    records: u64,
    bytes: u64,
    /// Whether it was done.
    done: bool,
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
    let looks_at_people =
        arguments.idle.is_some() || arguments.accounts.is_some() || arguments.gone;
    let (expired, idle) = if looks_at_people {
        idle(arguments, &config)?
    } else {
        let databases = open::databases(&config)?;
        let hosts = open::hosts(&config, &databases)?;
        (expired(arguments, &hosts)?, Vec::new())
    };
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
    let people = People::of(&api)?;
    let today = Day::of(api.guard.now());
    let fates = people.persons.iter();
    let fates: Vec<_> = fates
        .filter_map(|person| Some((person, fate_of(arguments, person, today)?)))
        .collect();
    let mut idle = Vec::new();
    let progress = Progress::of(fates.len() as u64, "accounts");
    for (person, what) in fates {
        let mut fate = Fate {
            id: person.account.id.0,
            name: Some(person.account.name.to_string()),
            what,
            last_seen: person.seen.map(|day| day.to_string()),
            records: person.total.records,
            bytes: person.total.bytes,
            done: false,
        };
        if !arguments.dry_run {
            fate.done = carry_out(&api, person, what)?;
        }
        tell(arguments, &fate)?;
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
                records: total.records,
                bytes: total.bytes,
                done: false,
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
    match what {
        What::Account => api.remove(account)?,
        What::Kept => return Ok(false),
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
