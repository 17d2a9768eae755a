//! What commands show of accounts and of the whole installation, to people and to programs.

use serde::Serialize;

use super::Failure;
use super::failure::SYSTEM;
use super::installation::File;
use super::installation::Named;
use super::people::People;
use super::people::Person;
use super::people::complain_of;
use super::voice::say;
use crate::accounts::Account;
use crate::accounts::Day;
use crate::accounts::State;
use crate::storage::Storage;
use crate::sync::UserId;

/// `weaved stats`.
#[derive(Debug, clap::Args)]
pub(super) struct Stats {
    #[command(flatten)]
    configuration: File,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// A line of the list.
#[derive(Serialize)]
struct Listed<'a> {
    id: i64,
    name: &'a str,
    state: &'static str,
    email: Option<&'a str>,
    last_use: Option<String>,
    records: u64,
    bytes: u64,
}

/// An account and what it stores.
#[derive(Serialize)]
struct Shown<'a> {
    id: i64,
    name: &'a str,
    state: &'static str,
    email: Option<&'a str>,
    last_use: Option<String>,
    storages: Vec<Stored<'a>>,
}

/// What a storage has of an account.
#[derive(Serialize)]
struct Stored<'a> {
    host: Option<&'a str>,
    bytes: u64,
    collections: Vec<Collection>,
}

#[derive(Serialize)]
struct Collection {
    name: String,
    records: u64,
    bytes: u64,
    /// Seconds since 1970, as the protocol writes them.
    modified: String,
}

#[derive(Serialize)]
struct Sums {
    accounts: usize,
    disabled: usize,
    used_today: usize,
    used_in_7_days: usize,
    used_in_30_days: usize,
    never_noted: usize,
    records: u64,
    bytes: u64,
    users_without_account: usize,
    their_records: u64,
}

/// Lists all accounts.
pub(super) fn list(file: &File, json: bool) -> Result<(), Failure> {
    let people = People::of(&file.open()?)?;
    complain_of(&people.nameless);
    let listed: Vec<Listed<'_>> = people.persons.iter().map(listed).collect();
    if json {
        return say_json(&listed);
    }
    for one in listed {
        say(format_args!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            one.id,
            one.name,
            one.state,
            one.email.unwrap_or("-").escape_debug(),
            one.last_use.as_deref().unwrap_or("-"),
            one.records,
            one.bytes,
        ))?;
    }
    Ok(())
}

fn listed(person: &Person) -> Listed<'_> {
    let account = &person.account;
    Listed {
        id: account.id.0,
        name: account.name.as_str(),
        state: shown(account.state),
        email: account.email.as_deref(),
        last_use: person.last_use.map(|day| day.to_string()),
        records: person.total.records,
        bytes: person.total.bytes,
    }
}

/// Shows an account and what it stores.
pub(super) fn show(named: &Named, json: bool) -> Result<(), Failure> {
    let (api, account) = named.find()?;
    let Account {
        id, name, email, ..
    } = &account;
    let last_use = api.last_use.all()?.get(id).map(Day::to_string);
    let mut storages = Vec::new();
    for (host, storage) in api.hosts.storages() {
        storages.push(stored(host, storage, *id)?);
    }
    if json {
        return say_json(&Shown {
            id: id.0,
            name: name.as_str(),
            state: shown(account.state),
            email: email.as_deref(),
            last_use,
            storages,
        });
    }
    say(format_args!("name: {name}"))?;
    say(format_args!("id: {id}"))?;
    say(format_args!("state: {}", shown(account.state)))?;
    let email = email.as_deref().unwrap_or("-").escape_debug();
    say(format_args!("e-mail: {email}"))?;
    say(format_args!(
        "last use: {}",
        last_use.as_deref().unwrap_or("-")
    ))?;
    for of_one in storages {
        if let Some(host) = of_one.host {
            say(format_args!("on {host}:"))?;
        }
        say(format_args!("used: {} KB", of_one.bytes.div_ceil(1024)))?;
        for collection in of_one.collections {
            say(format_args!(
                "  {}: {} records, {} KB, changed {}",
                collection.name,
                collection.records,
                collection.bytes.div_ceil(1024),
                collection.modified,
            ))?;
        }
    }
    Ok(())
}

fn stored<'a>(
    host: Option<&'a str>,
    storage: &dyn Storage,
    user: UserId,
) -> Result<Stored<'a>, Failure> {
    let mut changed = storage.collections(user)?.value.to_vec();
    changed.sort();
    let usage = storage.usage(user)?.value;
    let collections = changed.into_iter().map(|(name, modified)| {
        let found = usage.iter().find(|(known, _)| *known == name);
        let usage = found.map(|(_, usage)| *usage).unwrap_or_default();
        Collection {
            name,
            records: usage.records,
            bytes: usage.bytes,
            modified: modified.to_string(),
        }
    });
    Ok(Stored {
        host,
        bytes: storage.used(user)?.value,
        collections: collections.collect(),
    })
}

/// Shows what the whole installation has.
pub(super) fn stats(arguments: &Stats) -> Result<(), Failure> {
    let api = arguments.configuration.open()?;
    let people = People::of(&api)?;
    let today = Day::of(api.guard.now());
    let persons = || people.persons.iter();
    let used_in = |days: i64| {
        let used = |person: &&Person| {
            let day = person.last_use;
            day.is_some_and(|day| day > today.minus(days))
        };
        persons().filter(used).count()
    };
    let sums = Sums {
        accounts: people.persons.len(),
        disabled: persons()
            .filter(|person| person.account.state == State::Disabled)
            .count(),
        used_today: used_in(1),
        used_in_7_days: used_in(7),
        used_in_30_days: used_in(30),
        never_noted: persons().filter(|person| person.last_use.is_none()).count(),
        records: persons().map(|person| person.total.records).sum(),
        bytes: persons().map(|person| person.total.bytes).sum(),
        users_without_account: people.gone.len(),
        their_records: people.gone.values().map(|total| total.records).sum(),
    };
    if arguments.json {
        return say_json(&sums);
    }
    say(format_args!("accounts: {}", sums.accounts))?;
    say(format_args!("disabled: {}", sums.disabled))?;
    say(format_args!("used today: {}", sums.used_today))?;
    say(format_args!("used in 7 days: {}", sums.used_in_7_days))?;
    say(format_args!("used in 30 days: {}", sums.used_in_30_days))?;
    say(format_args!("never noted: {}", sums.never_noted))?;
    say(format_args!("records: {}", sums.records))?;
    say(format_args!("used: {} KB", sums.bytes.div_ceil(1024)))?;
    say(format_args!(
        "without an account: {} users with {} records",
        sums.users_without_account, sums.their_records
    ))
}

pub(super) const fn shown(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Disabled => "disabled",
    }
}

/// Prints a value for programs, as one document.
pub(super) fn say_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(SYSTEM, format!("cannot write JSON: {error}")))?;
    say(text)
}
