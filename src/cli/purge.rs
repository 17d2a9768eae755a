//! `weaved purge`: deletes expired records.

use super::Configuration;
use super::Failure;
use super::logger;
use super::open;
use super::voice::say;

pub(super) fn run(arguments: &Configuration) -> Result<(), Failure> {
    let config = open::configuration(arguments)?;
    logger::start_quiet();
    let databases = open::databases(&config)?;
    let hosts = open::hosts(&config, &databases)?;
    let mut purged = 0;
    loop {
        match hosts.purge()? {
            0 => break,
            records => purged += records,
        }
    }
    say(format_args!("purged {purged} expired records"))
}
