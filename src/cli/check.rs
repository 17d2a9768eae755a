//! `weaved check`: what the server would do, told before it does it.

use super::Configuration;
use super::Failure;
use super::failure::UNAVAILABLE;
use super::open;
use super::voice::say;
use crate::causes::chain;
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
    if failed > 0 {
        return Err(Failure::new(
            UNAVAILABLE,
            format!("{failed} database(s) cannot be opened"),
        ));
    }
    say("ok")
}

fn databases(config: &Config) -> Vec<(&'static str, &DatabaseUri)> {
    let (storage, accounts) = (&config.storage.sqluri, config.auth_database());
    if storage == accounts {
        return vec![("records and accounts", storage)];
    }
    vec![("records", storage), ("accounts", accounts)]
}

/// Opens a database that exists; makes none.
fn try_open(uri: &DatabaseUri) -> Result<String, String> {
    if let DatabaseUri::SqliteFile(path) = uri
        && !path.exists()
    {
        let folder = path.parent().and_then(|folder| folder.parent());
        return match folder.filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) if !folder.is_dir() => Err(format!(
                "the folder {} does not exist; create it",
                folder.display()
            )),
            _ => Ok("does not exist yet, will be made at the first start".to_owned()),
        };
    }
    let options = PoolOptions {
        size: 1,
        ..PoolOptions::default()
    };
    match Database::open(uri, &options) {
        Ok(_) => Ok("opens".to_owned()),
        Err(error) => Err(chain(&error)),
    }
}
