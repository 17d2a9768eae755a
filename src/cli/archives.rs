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
use super::people::complain_of;
use super::progress::Progress;
use super::voice::complain;
use super::voice::say;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::api::Api;
use crate::causes::chain;
use crate::storage::Dump;
use crate::sync::Record;
use crate::sync::UserId;
use crate::transfer::Archive;
use crate::transfer::ArchiveError;
use crate::transfer::Moved;
use crate::transfer::Outcome;
use crate::transfer::Passenger;
use crate::transfer::Writer;
use crate::transfer::arrive;
use crate::transfer::come_already;
use crate::transfer::let_in;

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
    let nameless = api.accounts.nameless()?;
    let is_known = |user: &UserId| {
        nameless.contains(user) || accounts.iter().any(|account| account.id == *user)
    };
    let gone = cargo.users.iter().filter(|user| !is_known(user)).count();
    write(&arguments.archive, &api, &accounts, &mut cargo)?;
    complain_of(&nameless);
    if gone > 0 {
        complain(format_args!(
            "left out: the records of {gone} users without an account"
        ));
    }
    Ok(())
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
    unload(archive, &api, Purpose::Restore, arguments.json)
}

/// Puts the accounts of a file beside those that are there.
pub(super) fn import(
    configuration: &installation::File,
    archive: &Path,
    json: bool,
) -> Result<(), Failure> {
    let api = configuration.open()?;
    let archive = read(archive, &api)?;
    unload(archive, &api, Purpose::Move, json)
}

/// What an archive is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To have all as it was.
    Restore,
    /// To have it here, where the nodes of another server mean nothing.
    Move,
}

/// The snapshots of all storages, with the host of each.
struct Cargo {
    dumps: Vec<(Option<String>, Box<dyn Dump>)>,
    records: u64,
    /// Who has any.
    users: BTreeSet<UserId>,
}

impl Cargo {
    fn of(api: &Api) -> Result<Self, Failure> {
        let (mut dumps, mut records, mut users) = (Vec::new(), 0, BTreeSet::new());
        for (host, storage) in api.hosts.storages() {
            let mut dump = storage.dump()?;
            // The first statement of a transaction makes its snapshot.
            let totals = dump.totals()?;
            for (user, total) in totals.into_iter().filter(|(_, total)| total.records > 0) {
                records += total.records;
                users.insert(user);
            }
            dumps.push((host.map(str::to_owned), dump));
        }
        Ok(Self {
            dumps,
            records,
            users,
        })
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
    let progress = Progress::of(cargo.records, "records");
    let mut writer = Writer::begin(out, api.guard.now()).map_err(failed)?;
    for account in accounts {
        let hash = match api.accounts.stored_hash(account.id) {
            // Deleted a moment ago.
            Err(AccountsError::NotFound) => continue,
            other => other?,
        };
        if hash.is_none() && api.accounts.accepts_changes() {
            complain(format_args!(
                "{}: the password is of no known kind, and was left out",
                account.name
            ));
        }
        let passenger = Passenger {
            name: account.name.clone(),
            email: account.email.clone(),
            hash,
            state: account.state,
            node: account.node.clone(),
        };
        writer.account(&passenger).map_err(failed)?;
        for (host, dump) in &mut cargo.dumps {
            let mut result = Ok(());
            dump.each(account.id, &mut |stored| {
                progress.add(1);
                match writer.record(stored, host.as_deref()) {
                    Ok(true) => return ControlFlow::Continue(()),
                    Ok(false) => {
                        let Record { id, .. } = stored.record;
                        complain(format_args!(
                            "left out, because it is too long: {id} of {} in {}",
                            account.name, stored.collection
                        ));
                        return ControlFlow::Continue(());
                    }
                    Err(error) => result = Err(error),
                }
                ControlFlow::Break(())
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
fn unload(
    mut archive: Archive<File>,
    api: &Api,
    purpose: Purpose,
    json: bool,
) -> Result<(), Failure> {
    let progress = Progress::of(archive.record_count(), "records");
    let mut passengers: Vec<Passenger> = archive.passengers().cloned().collect();
    if purpose == Purpose::Move {
        passengers.iter_mut().for_each(|one| one.node = None);
    }
    let mut all = Vec::new();
    let mut come = BTreeSet::new();
    for (place, passenger) in passengers.iter().enumerate() {
        let mut arrival = match come.insert(passenger.name.lowered().as_str().to_owned()) {
            true => arrive(passenger, api.accounts.as_ref(), api.hosts.highest_user()?)?,
            false => come_already(&passenger.name),
        };
        let moved = &mut arrival.moved;
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
        let_in(&arrival, api.accounts.as_ref())?;
        let moved = arrival.moved;
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

/// A failure where accounts or records were left out.
pub(super) fn refusals(all: &[Moved]) -> Result<(), Failure> {
    let is_refused = |moved: &&Moved| moved.account == Outcome::Refused;
    let accounts = all.iter().filter(is_refused).count();
    let records: u64 = all.iter().flat_map(|moved| moved.skipped.values()).sum();
    let text = match (accounts, records) {
        (0, 0) => return Ok(()),
        (0, _) => format!("{records} records were left out"),
        (_, 0) => format!("{accounts} accounts were left out"),
        _ => format!("{accounts} accounts and {records} records were left out"),
    };
    Err(Failure::new(NO, text))
}

fn unwritten(place: &Path, error: &io::Error) -> Failure {
    Failure::new(
        CANNOT_CREATE,
        format!("cannot write {}: {error}", place.display()),
    )
}
