//! `weaved user`: accounts, looked after by hand.
//!
//! An account is named by its user name or by the e-mail address whose hash that is.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use super::archives;
use super::failure::NO;
use super::failure::SYSTEM;
use super::failure::USAGE;
use super::installation::File;
use super::installation::Named;
use super::overview;
use super::overview::shown;
use super::voice::say;
use crate::accounts::Credential;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::NewPassword;
use crate::accounts::Password;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::names;

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
    /// Lists all accounts: id, name, state, address, day of the last use, records, bytes.
    List {
        #[command(flatten)]
        configuration: File,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows an account and what it stores.
    Show {
        #[command(flatten)]
        account: Named,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Gives an account another name; its records stay.
    Rename {
        #[command(flatten)]
        account: Named,
        /// The new name, or the e-mail address of which it is to be the hash.
        #[arg(value_name = "NEW")]
        new: String,
    },
    /// Writes an account and its records to a file.
    Export {
        #[command(flatten)]
        account: Named,
        /// The file to make, which must not be there; `-` is the output.
        #[arg(value_name = "ARCHIVE")]
        archive: PathBuf,
    },
    /// Takes the accounts of a file in. Safe to repeat: what is here and newer stays.
    Import {
        #[command(flatten)]
        configuration: File,
        /// The file that `export` or `weaved backup` has made.
        #[arg(value_name = "ARCHIVE")]
        archive: PathBuf,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
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

pub(super) fn run(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add { account, email } => add(account, email.as_deref()),
        UserCommand::List {
            configuration,
            json,
        } => overview::list(configuration, *json),
        UserCommand::Show { account, json } => overview::show(account, *json),
        UserCommand::Rename { account, new } => rename(account, new),
        UserCommand::Export { account, archive } => archives::export(account, archive),
        UserCommand::Import {
            configuration,
            archive,
            json,
        } => archives::import(configuration, archive, *json),
        UserCommand::Passwd { account } => {
            let (api, found) = account.find()?;
            let password = new_password(&found.name)?;
            api.accounts.set_password(found.id, &password, None)?;
            api.codes.withdraw(found.id)?;
            say(format_args!("changed the password of {}", found.name))
        }
        UserCommand::Disable { account } => set_state(account, State::Disabled),
        UserCommand::Enable { account } => set_state(account, State::Active),
        UserCommand::Delete { account, yes } => delete(account, *yes),
    }
}

fn add(named: &Named, email: Option<&str>) -> Result<(), Failure> {
    let api = named.configuration.open()?;
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
        state: State::Active,
        node: None,
    })?;
    api.last_use.write_down()?;
    say(format_args!("made account {name}, user {id}"))
}

fn rename(named: &Named, new: &str) -> Result<(), Failure> {
    let (api, account) = named.find()?;
    let name =
        names::client_name(new).map_err(|_| Failure::new(USAGE, "the user name is empty"))?;
    api.accounts.rename(account.id, &name)?;
    if let Some(email) = new.contains('@').then(|| Email::new(new).ok()).flatten() {
        api.accounts.set_email(account.id, Some(&email), None)?;
        api.codes.withdraw(account.id)?;
    }
    say(format_args!("{} is {name} now", account.name))
}

fn set_state(named: &Named, wanted: State) -> Result<(), Failure> {
    let (api, account) = named.find()?;
    api.accounts.set_state(account.id, wanted)?;
    say(format_args!("{} is {}", account.name, shown(wanted)))
}

fn delete(named: &Named, yes: bool) -> Result<(), Failure> {
    let (api, account) = named.find()?;
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
