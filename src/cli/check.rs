//! `weaved check`: what the server would do, told before it does it.

use std::path::Path;

use rustix::fs::Access;

use super::Configuration;
use super::Failure;
#[cfg(feature = "ldap")]
use super::directory;
use super::failure::CONFIG;
use super::failure::UNAVAILABLE;
use super::logger;
use super::open;
use super::post;
use super::voice::say;
use crate::causes::chain;
use crate::config::AuthBackend;
use crate::config::Config;
use crate::config::DatabaseUri;
use crate::db::Database;
use crate::db::PoolOptions;
use crate::storage;

pub(super) fn run(arguments: &Configuration) -> Result<(), Failure> {
    let config = open::configuration(arguments)?;
    say(config.describe())?;
    for note in &config.notes {
        say(format_args!("note: {note}"))?;
    }
    let cef = logger::cef_output(&config.cef);
    for output in config.logging.outputs.iter().chain(&cef) {
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
    let mail = try_mail(&config)?;
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
    check_tables(&config)?;
    directory?;
    mail?;
    say("ok")
}

/// Asks the mail server whether it would take mails; the outer error is that nobody hears us.
fn try_mail(config: &Config) -> Result<Result<(), Failure>, Failure> {
    let Some(post) = post::post(&config.smtp)? else {
        return Ok(Ok(()));
    };
    if config.url().is_none() {
        say("mail: without public_url there is nothing to link to: no mails are sent")?;
    }
    match post.probe() {
        Ok(()) => {
            say("mail: it would be taken")?;
            Ok(Ok(()))
        }
        Err(error) => {
            say(format_args!("mail: {}", chain(&error)))?;
            let text = "mails cannot be sent: see [smtp]";
            Ok(Err(Failure::new(UNAVAILABLE, text)))
        }
    }
}

/// Tries every server of the directory.
#[cfg(feature = "ldap")]
fn try_directory(config: &Config) -> Result<(), Failure> {
    let (mut said, mut failed) = (Ok(()), 0);
    directory::probe(config, |server, result| {
        let state = match result {
            Ok(true) => "serves, and has the users' root".to_owned(),
            // A directory that is new has none yet.
            Ok(false) => "serves, and has the users' root, but shows no user there; look at \
                          attr_username, ldap_filter, and what bind_user may read"
                .to_owned(),
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
    Err(Failure::new(CONFIG, text))
}

/// Looks for tables on servers that would lose records.
fn check_tables(config: &Config) -> Result<(), Failure> {
    let served =
        |uri: &DatabaseUri| !matches!(uri, DatabaseUri::SqliteFile(_) | DatabaseUri::SqliteMemory);
    let uris = config
        .hosts_with_storage()
        .map(|(_, storage)| &storage.sqluri);
    if !uris.chain([&config.storage.sqluri]).any(served) {
        // Opening them would make files that do not exist yet.
        return Ok(());
    }
    let databases = open::databases(config)?;
    let mut found = 0;
    for (database, settings) in open::tables(config, &databases) {
        for finding in storage::survey(database, settings)? {
            say(format_args!("{}: {finding}", database.name()))?;
            found += 1;
        }
    }
    if found > 0 {
        let text = format!(
            "{found} table(s) would lose records; `weaved migrate FILE` mends them (with \
             --dry-run it shows how)"
        );
        return Err(Failure::new(CONFIG, text));
    }
    Ok(())
}

/// Each database once, with what is in it.
fn databases(config: &Config) -> Vec<(String, &DatabaseUri)> {
    let accounts = match config.auth.backend {
        // Those of a directory are kept here.
        AuthBackend::Ldap => "accounts' numbers",
        AuthBackend::Sql | AuthBackend::SqlUser | AuthBackend::SqlUsers => "accounts",
    };
    let plain = [
        ("records".to_owned(), &config.storage.sqluri),
        (accounts.to_owned(), config.auth_database()),
    ];
    let hosts = config.hosts_with_storage();
    let hosts = hosts.map(|(host, storage)| (format!("records of {}", host.name), &storage.sqluri));
    let mut databases: Vec<(String, &DatabaseUri)> = Vec::new();
    for (what, uri) in plain.into_iter().chain(hosts) {
        match databases.iter_mut().find(|(_, known)| *known == uri) {
            Some((all, _)) => *all = format!("{all} and {what}"),
            None => databases.push((what, uri)),
        }
    }
    databases
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
