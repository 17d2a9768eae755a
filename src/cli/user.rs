//! `weaved user`: accounts, looked after by hand.
//!
//! An account is named by its user name or by the e-mail address whose hash that is.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Subcommand;

use super::Configuration;
use super::Failure;
use super::failure::NO;
use super::failure::SYSTEM;
use super::failure::USAGE;
use super::logger;
use super::open;
use super::serve_arguments::Sections;
use super::voice::say;
use crate::accounts::Account;
use crate::accounts::Credential;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::NewPassword;
use crate::accounts::Password;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::api::Api;
use crate::storage::Storage;
use crate::sync::Kilobytes;
use crate::sync::UserId;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Makes an account; the password comes from a prompt, or from the first line of the input.
    Add {
        #[command(flatten)]
        account: Named,
        /// Where mail goes; known already when the account is named by its address.
        #[arg(long)]
        email: Option<String>,
    },
    /// Lists all accounts: id, name, state, address.
    List {
        #[command(flatten)]
        configuration: File,
    },
    /// Shows an account and what it stores.
    Show {
        #[command(flatten)]
        account: Named,
    },
    /// Changes the password, which comes from a prompt, or from the first line of the input.
    Passwd {
        #[command(flatten)]
        account: Named,
    },
    /// Locks an account; its records stay.
    Disable {
        #[command(flatten)]
        account: Named,
    },
    /// Unlocks an account.
    Enable {
        #[command(flatten)]
        account: Named,
    },
    /// Deletes an account and all its records.
    Delete {
        #[command(flatten)]
        account: Named,
        /// Does it without asking.
        #[arg(long)]
        yes: bool,
    },
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub(super) struct File {
    /// The first configuration file, usually `development.ini`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    sections: Sections,
}

/// An account of a configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    #[command(flatten)]
    configuration: File,
    /// The user name, or the e-mail address that it is the hash of.
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn run(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add { account, email } => add(account, email.as_deref()),
        UserCommand::List { configuration } => list(configuration),
        UserCommand::Show { account } => show(account),
        UserCommand::Passwd { account } => {
            let (api, found) = find(account)?;
            let password = new_password(&found.name)?;
            api.accounts.set_password(found.id, &password, None)?;
            say(format_args!("changed the password of {}", found.name))
        }
        UserCommand::Disable { account } => set_state(account, State::Disabled),
        UserCommand::Enable { account } => set_state(account, State::Active),
        UserCommand::Delete { account, yes } => delete(account, *yes),
    }
}

fn open(file: &File) -> Result<Api, Failure> {
    let configuration = Configuration {
        file: file.file.clone(),
        variables: Vec::new(),
        sections: file.sections.clone(),
    };
    let config = open::configuration(&configuration)?;
    logger::start_quiet();
    open::api(&config)
}

/// An account by name, or by any address that it may be the hash of.
fn find(named: &Named) -> Result<(Api, Account), Failure> {
    let api = open(&named.configuration)?;
    for name in [
        names::server_name(&named.name),
        names::client_name(&named.name),
    ] {
        let Ok(name) = name else {
            continue;
        };
        if let Some(account) = api.accounts.find(&name)? {
            return Ok((api, account));
        }
    }
    Err(Failure::new(
        NO,
        format!("there is no account {}", named.name),
    ))
}

fn add(named: &Named, email: Option<&str>) -> Result<(), Failure> {
    let api = open(&named.configuration)?;
    let name = names::client_name(&named.name)
        .map_err(|_| Failure::new(USAGE, "the user name is empty"))?;
    let email = email.or_else(|| named.name.contains('@').then_some(named.name.as_str()));
    let email = email
        .map(|text| {
            Email::new(text)
                .map_err(|_| Failure::new(USAGE, format!("{text} is not an e-mail address")))
        })
        .transpose()?;
    if api.accounts.find(&name)?.is_some() {
        return Err(Failure::new(
            NO,
            format!("there is an account {name} already"),
        ));
    }
    let credential = Credential::Password(new_password(&name)?);
    let id = api.add(&NewAccount {
        name: name.clone(),
        email,
        credential,
    })?;
    say(format_args!("made account {name}, user {id}"))
}

fn list(file: &File) -> Result<(), Failure> {
    let api = open(file)?;
    let mut said = Ok(());
    api.accounts.list(&mut |account| {
        let Account {
            id, name, email, ..
        } = &account;
        let email = email.as_deref().unwrap_or("-");
        if said.is_ok() {
            said = say(format_args!(
                "{id}\t{name}\t{}\t{}",
                shown(account.state),
                email.escape_debug()
            ));
        }
    })?;
    said
}

fn show(named: &Named) -> Result<(), Failure> {
    let (api, account) = find(named)?;
    say(format_args!("name: {}", account.name))?;
    say(format_args!("id: {}", account.id))?;
    say(format_args!("state: {}", shown(account.state)))?;
    say(format_args!(
        "e-mail: {}",
        account.email.as_deref().unwrap_or("-").escape_debug()
    ))?;
    for (host, storage) in api.hosts.storages() {
        if let Some(host) = host {
            say(format_args!("on {host}:"))?;
        }
        show_records(storage, account.id)?;
    }
    Ok(())
}

fn show_records(storage: &dyn Storage, user: UserId) -> Result<(), Failure> {
    let mut changed = storage.collections(user)?.value;
    changed.sort();
    let usage = storage.usage(user)?.value;
    say(format_args!(
        "used: {} KB",
        Kilobytes(storage.used(user)?.value)
    ))?;
    for (name, modified) in changed {
        let usage = usage
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, usage)| *usage);
        let usage = usage.unwrap_or_default();
        let kilobytes = Kilobytes(usage.bytes);
        say(format_args!(
            "  {name}: {} records, {kilobytes} KB, changed {modified}",
            usage.records
        ))?;
    }
    Ok(())
}

fn set_state(named: &Named, wanted: State) -> Result<(), Failure> {
    let (api, account) = find(named)?;
    api.accounts.set_state(account.id, wanted)?;
    say(format_args!("{} is {}", account.name, shown(wanted)))
}

fn delete(named: &Named, yes: bool) -> Result<(), Failure> {
    let (api, account) = find(named)?;
    if !yes {
        let mut records = 0;
        for (_, storage) in api.hosts.storages() {
            let usage = storage.usage(account.id)?.value;
            records += usage.iter().map(|(_, usage)| usage.records).sum::<u64>();
        }
        let text = format!(
            "this deletes the account {} and its {records} records for good; say --yes to do it",
            account.name
        );
        return Err(Failure::new(NO, text));
    }
    api.remove(&account)?;
    say(format_args!("deleted {}", account.name))
}

const fn shown(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Disabled => "disabled",
    }
}

/// A password that may be stored: asked for twice on a terminal, else the input's first line.
fn new_password(name: &UserName) -> Result<NewPassword, Failure> {
    let failed = |error: io::Error| Failure::new(SYSTEM, format!("cannot read: {error}"));
    let text = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(failed)?;
        let second = rpassword::prompt_password("Again: ").map_err(failed)?;
        if first != second {
            return Err(Failure::new(NO, "the two passwords differ"));
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    NewPassword::new(Password::new(text), name)
        .map_err(|weak| Failure::new(NO, format!("the password is too weak: {weak}")))
}
