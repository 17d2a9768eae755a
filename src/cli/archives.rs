//! Archives of accounts: `weaved backup`, `restore`, `user export` and `user import`.
//!
//! An archive is of one moment of each storage. It goes to a file that is there as a whole or not
//! at all, and what comes out of one is looked at as a whole before anything is done.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use super::Failure;
use super::failure::CANNOT_CREATE;
use super::failure::NO;
use super::failure::SYSTEM;
use super::installation;
use super::installation::Named;
use super::new_file::NewFile;
use super::overview::say_json;
use super::people::People;
use super::progress::Progress;
use super::voice::say;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::api::Api;
use crate::causes::chain;
use crate::storage::Dump;
use crate::transfer::Archive;
use crate::transfer::ArchiveError;
use crate::transfer::Moved;
use crate::transfer::Outcome;
use crate::transfer::Passenger;
use crate::transfer::Writer;
use crate::transfer::arrive;
use crate::transfer::come_already;

/// `weaved backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    #[command(flatten)]
    configuration: installation::File,
    /// The file to make, which must not be there; `-` is the output.
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
}

/// `weaved restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    #[command(flatten)]
    configuration: installation::File,
    /// The file that `weaved backup` has made.
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Goes on where there are accounts or records already: they stay, and what is newer here
    /// stays as it is.
    #[arg(long)]
    merge: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Writes all accounts and records to a file.
pub(super) fn backup(arguments: &Backup) -> Result<(), Failure> {
    let api = arguments.configuration.open()?;
    let mut cargo = Cargo::of(&api)?;
    // After the snapshots: an account that is made meanwhile comes without records.
    let mut accounts = Vec::new();
    api.accounts.list(&mut |account| accounts.push(account))?;
    write(&arguments.archive, &api, &accounts, &mut cargo)
}

/// Writes one account with its records to a file.
pub(super) fn export(named: &Named, archive: &Path) -> Result<(), Failure> {
    let (api, account) = named.find()?;
    let mut cargo = Cargo::of(&api)?;
    write(archive, &api, &[account], &mut cargo)
}

/// Puts back what a backup has.
pub(super) fn restore(arguments: &Restore) -> Result<(), Failure> {
    let api = arguments.configuration.open()?;
    let archive = read(&arguments.archive, &api)?;
    let people = People::of(&api)?;
    let records: u64 = people
        .persons
        .iter()
        .map(|person| person.total.records)
        .sum();
    let strangers = people.gone.len();
    // Accounts of a directory are there before their records are.
    let accounts = match api.accounts.accepts_changes() {
        true => people.persons.len(),
        false => 0,
    };
    if !arguments.merge && (accounts > 0 || records > 0 || strangers > 0) {
        return Err(Failure::new(
            NO,
            format!(
                "there are accounts or records already ({accounts} accounts, {records} records); \
                 say --merge to add to them: what is newer here stays"
            ),
        ));
    }
    unload(archive, &api, arguments.json)
}

/// Puts the accounts of a file beside those that are there.
pub(super) fn import(
    configuration: &installation::File,
    archive: &Path,
    json: bool,
) -> Result<(), Failure> {
    let api = configuration.open()?;
    let archive = read(archive, &api)?;
    unload(archive, &api, json)
}

/// The snapshots of all storages, with the host of each.
struct Cargo(Vec<(Option<String>, Box<dyn Dump>)>, u64);

impl Cargo {
    fn of(api: &Api) -> Result<Self, Failure> {
        let (mut dumps, mut records) = (Vec::new(), 0);
        for (host, storage) in api.hosts.storages() {
            let mut dump = storage.dump()?;
            // The first statement of a transaction makes its snapshot.
            let totals = dump.totals()?;
            records += totals.values().map(|total| total.records).sum::<u64>();
            dumps.push((host.map(str::to_owned), dump));
        }
        Ok(Self(dumps, records))
    }
}

fn write(place: &Path, api: &Api, accounts: &[Account], cargo: &mut Cargo) -> Result<(), Failure> {
    if place == Path::new("-") {
        let out = BufWriter::new(io::stdout().lock());
        load(out, api, accounts, cargo, place)?;
        return Ok(());
    }
    let file = BufWriter::new(NewFile::begin(place)?);
    let (file, accounts, records) = load(file, api, accounts, cargo, place)?;
    let file = file
        .into_inner()
        .map_err(|error| unwritten(place, error.error()))?;
    file.finish()?;
    if !api.accounts.accepts_changes() {
        say("the accounts are in a directory: the archive has no passwords")?;
    }
    say(format_args!(
        "wrote {}: {accounts} accounts, {records} records",
        place.display()
    ))
}

fn load<W: Write>(
    out: W,
    api: &Api,
    accounts: &[Account],
    cargo: &mut Cargo,
    place: &Path,
) -> Result<(W, u64, u64), Failure> {
    let failed = |error: io::Error| unwritten(place, &error);
    let progress = Progress::of(cargo.1, "records");
    let mut writer = Writer::begin(out, api.guard.now()).map_err(failed)?;
    for account in accounts {
        let hash = match api.accounts.stored_hash(account.id) {
            // Deleted a moment ago.
            Err(AccountsError::NotFound) => continue,
            other => other?,
        };
        let passenger = Passenger {
            name: account.name.clone(),
            email: account.email.clone(),
            hash,
            state: account.state,
        };
        writer.account(&passenger).map_err(failed)?;
        for (host, dump) in &mut cargo.0 {
            let mut result = Ok(());
            dump.each(account.id, &mut |stored| {
                result = writer.record(stored, host.as_deref());
                progress.add(1);
                match result {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            result.map_err(failed)?;
        }
    }
    writer.finish().map_err(failed)
}

/// Opens an archive whose records have all a place here.
fn read(place: &Path, api: &Api) -> Result<Archive<File>, Failure> {
    let shown = place.display();
    let file = File::open(place)
        .map_err(|error| Failure::new(NO, format!("cannot read {shown}: {error}")))?;
    let archive = Archive::open(file).map_err(|error| {
        let code = match error {
            ArchiveError::Io(_) => SYSTEM,
            _ => NO,
        };
        Failure::new(
            code,
            format!("{shown}: {}; nothing was changed", chain(&error)),
        )
    })?;
    for host in archive.hosts() {
        let mut known = api.hosts.storages();
        if !known.any(|(name, _)| name == Some(host)) {
            return Err(Failure::new(
                NO,
                format!(
                    "{shown} has records of the host {host}, which has no storage of its own in \
                     this configuration; nothing was changed"
                ),
            ));
        }
    }
    Ok(archive)
}

/// Puts the accounts and records of an archive where they belong, and tells what became of them.
fn unload(mut archive: Archive<File>, api: &Api, json: bool) -> Result<(), Failure> {
    let progress = Progress::of(archive.record_count(), "records");
    let passengers: Vec<Passenger> = archive.passengers().cloned().collect();
    let mut all = Vec::new();
    let mut come = BTreeSet::new();
    for (place, passenger) in passengers.iter().enumerate() {
        let arrival = match come.insert(passenger.name.lowered().as_str().to_owned()) {
            true => arrive(passenger, api.accounts.as_ref(), api.hosts.highest_user()?)?,
            false => come_already(&passenger.name),
        };
        let mut moved = arrival.moved;
        if let Some(user) = arrival.user {
            // Nobody takes him for somebody who left long ago, whatever his records say.
            api.last_use.note(user, api.guard.now());
            for (host, storage) in api.hosts.storages() {
                let mut records = archive.records(place, host);
                let restored = storage.restore(user, &mut records)?;
                moved.count(restored);
                for (why, number) in records.skipped() {
                    moved.skip(why, *number);
                }
            }
            api.last_use.write_down()?;
        }
        progress.add(moved.records.all() + moved.skipped.values().sum::<u64>());
        if !json {
            progress.aside(|| say(&moved))?;
        }
        all.push(moved);
    }
    drop(progress);
    if json {
        say_json(&all)?;
    }
    refusals(&all)
}

/// A failure where accounts were left out.
pub(super) fn refusals(all: &[Moved]) -> Result<(), Failure> {
    let is_refused = |moved: &&Moved| moved.account == Outcome::Refused;
    match all.iter().filter(is_refused).count() {
        0 => Ok(()),
        some => Err(Failure::new(NO, format!("{some} accounts were left out"))),
    }
}

fn unwritten(place: &Path, error: &io::Error) -> Failure {
    Failure::new(
        CANNOT_CREATE,
        format!("cannot write {}: {error}", place.display()),
    )
}
