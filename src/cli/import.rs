//! `weaved import`: accounts and their records from another server.

use std::path::Path;
use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use super::archives::refusals;
use super::failure::USAGE;
use super::installation::File;
use super::logger;
use super::open;
use super::overview::say_json;
use super::progress::Progress;
use super::voice::say;
use crate::api::Api;
use crate::config::Config;
use crate::config::DatabaseUri;
use crate::db::Database;
use crate::db::PoolOptions;
use crate::transfer::Destination;
use crate::transfer::Elsewhere;
use crate::transfer::FSyncMs;
use crate::transfer::ServerFull;
use crate::transfer::WeaveMinimal;
use crate::transfer::move_in;
use crate::transfer::rehearse;

/// What the other server is.
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// From FSyncMS. Passwords go on working.
    #[command(name = "fsyncms")]
    FSyncMs {
        #[command(flatten)]
        configuration: File,
        /// Its database: the path of a SQLite file, or a URI as in `sqluri`.
        #[arg(value_name = "DB")]
        database: String,
        /// What stands before the names of its tables.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        #[command(flatten)]
        manner: Manner,
    },
    /// From server-full of any year, or from another weaved. Passwords go on working.
    ServerFull {
        #[command(flatten)]
        configuration: File,
        /// Its database: the path of a SQLite file, or a URI as in `sqluri`.
        #[arg(value_name = "DB")]
        database: String,
        /// The database with the accounts, when that is another one.
        #[arg(long, value_name = "DB")]
        accounts: Option<String>,
        #[command(flatten)]
        manner: Manner,
    },
    /// From weave-minimal. Passwords go on working.
    WeaveMinimal {
        #[command(flatten)]
        configuration: File,
        /// Its folder with the data.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        manner: Manner,
    },
}

/// How it is done and told.
#[derive(Debug, clap::Args)]
pub(super) struct Manner {
    /// Shows what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Import) -> Result<(), Failure> {
    match from {
        Import::FSyncMs {
            configuration,
            database,
            prefix,
            manner,
        } => {
            let config = configuration.read()?;
            let mut from = FSyncMs::open(other(database, &config)?, prefix)?;
            bring(&mut from, &config, manner)
        }
        Import::ServerFull {
            configuration,
            database,
            accounts,
            manner,
        } => {
            let config = configuration.read()?;
            let records = other(database, &config)?;
            let accounts = accounts.as_deref().map(|uri| other(uri, &config));
            let mut from = ServerFull::open(records, accounts.transpose()?)?;
            bring(&mut from, &config, manner)
        }
        Import::WeaveMinimal {
            configuration,
            folder,
            manner,
        } => {
            let config = configuration.read()?;
            let mut from = WeaveMinimal::open(folder, PoolOptions::default())?;
            bring(&mut from, &config, manner)
        }
    }
}

/// Opens the other server's database, which must not be one of ours.
fn other(text: &str, config: &Config) -> Result<Database, Failure> {
    let uri = if text.contains("://") {
        text.parse().map_err(|error| {
            // The text may hold a password.
            Failure::new(USAGE, format!("the URI of the other database: {error}"))
        })?
    } else {
        DatabaseUri::SqliteFile(PathBuf::from(text))
    };
    let hosts = config.hosts_with_storage();
    let hosts = hosts.map(|(_, storage)| &storage.sqluri);
    let ours = [&config.storage.sqluri, config.auth_database()];
    if ours.into_iter().chain(hosts).any(|own| is_same(own, &uri)) {
        let text = "this is the database of this installation itself: what is to move in?";
        return Err(Failure::new(USAGE, text));
    }
    Ok(Database::open_to_read(&uri, &PoolOptions::default())?)
}

fn is_same(one: &DatabaseUri, other: &DatabaseUri) -> bool {
    match (one, other) {
        (DatabaseUri::SqliteFile(one), DatabaseUri::SqliteFile(other)) => {
            let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            whole(one) == whole(other)
        }
        _ => one == other,
    }
}

/// Brings everybody here, and tells what became of each.
fn bring(from: &mut dyn Elsewhere, config: &Config, manner: &Manner) -> Result<(), Failure> {
    logger::start_quiet();
    let api = open::api(config)?;
    let people = from.people()?;
    let progress = Progress::of(u64::try_from(people.len()).unwrap_or(0), "accounts");
    let mut all = Vec::new();
    for person in &people {
        let moved = if manner.dry_run {
            rehearse(person, from, api.accounts.as_ref(), api.guard.now())?
        } else {
            let arrival = move_in(person, from, destination(&api)?)?;
            if let Some(user) = arrival.user {
                // Nobody takes him for somebody who left long ago, whatever his records say.
                api.last_use.note(user, api.guard.now());
                api.last_use.write_down()?;
            }
            arrival.moved
        };
        progress.add(1);
        if !manner.json {
            say(&moved)?;
        }
        all.push(moved);
    }
    drop(progress);
    if manner.json {
        say_json(&all)?;
    } else if manner.dry_run {
        say("nothing was changed; run this without --dry-run")?;
    }
    refusals(&all)
}

/// The accounts and the plain storage of an installation.
fn destination(api: &Api) -> Result<Destination<'_>, Failure> {
    Ok(Destination {
        accounts: api.accounts.as_ref(),
        storage: api.hosts.plain().storage.as_ref(),
        floor: api.hosts.highest_user()?,
    })
}
