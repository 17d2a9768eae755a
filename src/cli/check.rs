//! `weaved check`: what the server would do, told before it does it.

use std::path::Path;

use rustix::fs::Access;

use super::Configuration;
use super::Failure;
#[cfg(feature = "ldap")]
use super::directory;
use super::failure::UNAVAILABLE;
use super::logger;
use super::open;
use super::voice::say;
use crate::causes::chain;
use crate::config::AuthBackend;
use crate::config::Config;
use crate::config::DatabaseUri;
use crate::db::Database;
use crate::db::PoolOptions;

pub(super) fn run(arguments: &Configuration) -> Result<(), Failure> {
    let config = open::configuration(arguments)?;
    say(config.describe())?;
    for note in &config.notes {
        say(format_args!("note: {note}"))?;
    }
    for output in &config.logging.outputs {
        let place = logger::name(output);
        let trouble = logger::trouble(output).map_or_else(String::new, |error| {
            format!(": {error}; the error output will be used")
        });
        say(format_args!("log: {place}{trouble}"))?;
    }
    let mut failed = 0;
    for (what, uri) in databases(&config) {
        match try_open(uri) {
            Ok(state) => say(format_args!("database of the {what}: {uri}: {state}"))?,
            Err(why) => {
                say(format_args!("database of the {what}: {uri}: {why}"))?;
                failed += 1;
            }
        }
    }
    let directory = match config.auth.backend {
        AuthBackend::Ldap => try_directory(&config),
        _ => Ok(()),
    };
    if failed > 0 {
        return Err(Failure::new(
            UNAVAILABLE,
            format!("{failed} database(s) cannot be opened"),
        ));
    }
    directory?;
    say("ok")
}

/// Tries every server of the directory.
#[cfg(feature = "ldap")]
fn try_directory(config: &Config) -> Result<(), Failure> {
    let (mut said, mut failed) = (Ok(()), 0);
    directory::probe(config, |server, result| {
        let state = match result {
            Ok(()) => "serves, and has the users' root".to_owned(),
            Err(why) => {
                failed += 1;
                chain(why)
            }
        };
        if said.is_ok() {
            said = say(format_args!("directory of the accounts: {server}: {state}"));
        }
    })?;
    said?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(
            UNAVAILABLE,
            format!("{failed} directory server(s) cannot be used"),
        )),
    }
}

#[cfg(not(feature = "ldap"))]
fn try_directory(_config: &Config) -> Result<(), Failure> {
    let text = "[auth] backend: this program was built without LDAP (cargo feature `ldap`)";
    Err(Failure::new(super::failure::CONFIG, text))
}

fn databases(config: &Config) -> Vec<(&'static str, &DatabaseUri)> {
    let (storage, accounts) = (&config.storage.sqluri, config.auth_database());
    // Those of a directory are kept here.
    let (both, own) = match config.auth.backend {
        AuthBackend::Ldap => ("records and the accounts' numbers", "accounts' numbers"),
        _ => ("records and accounts", "accounts"),
    };
    if storage == accounts {
        return vec![(both, storage)];
    }
    vec![("records", storage), (own, accounts)]
}

/// Opens a database that exists; makes none.
fn try_open(uri: &DatabaseUri) -> Result<String, String> {
    if let DatabaseUri::SqliteFile(path) = uri {
        // What cannot be seen is not missing.
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return may_be_made(path),
            Err(error) => return Err(format!("cannot be seen by this user: {error}")),
        }
    }
    let options = PoolOptions {
        size: 1,
        ..PoolOptions::default()
    };
    match Database::probe(uri, &options) {
        Ok(()) => Ok("opens".to_owned()),
        Err(error) => Err(chain(&error)),
    }
}

/// Whether a start could make the file, and the last folder of its path.
fn may_be_made(path: &Path) -> Result<String, String> {
    let mut folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        folder = folder.parent().unwrap_or(folder);
    }
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(format!("the folder {shown} does not exist; create it"));
    }
    match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok("does not exist yet, will be made at the first start".to_owned()),
        Err(error) => Err(format!(
            "the folder {shown} cannot be written to by this user: {error}"
        )),
    }
}
