//! `weaved migrate`: mends tables of an old server that would lose records as they are.

use super::Configuration;
use super::Failure;
use super::logger;
use super::open;
use super::voice::say;
use crate::storage;

#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    /// Show the statements, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    configuration: Configuration,
}

pub(super) fn run(arguments: &Migrate) -> Result<(), Failure> {
    let config = open::configuration(&arguments.configuration)?;
    logger::start_quiet();
    let databases = open::databases(&config)?;
    let mut mended = 0;
    for (database, settings) in open::tables(&config, &databases) {
        let name = database.name();
        for finding in storage::survey(database, settings)? {
            say(format_args!("{name}: {finding}"))?;
            say(format_args!("  {};", finding.mending))?;
            mended += 1;
            if !arguments.dry_run {
                storage::mend(database, &finding)?;
                say("  done")?;
            }
        }
    }
    match (mended, arguments.dry_run) {
        (0, _) => say("nothing to do"),
        (_, true) => say("nothing was changed; make a backup, and run this without --dry-run"),
        (_, false) => say("all tables are as they must be"),
    }
}
