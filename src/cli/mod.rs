//! The command line: one file a command; this page ties the layers together and to a person.
//!
//! The only part of the program that prints. Exit codes: spec/conventions.md.

mod archives;
mod check;
#[cfg(feature = "ldap")]
mod directory;
#[cfg(feature = "doctor")]
mod doctor;
mod failure;
mod import;
mod installation;
mod invite;
mod launch;
mod log_file;
mod logger;
mod master;
mod migrate;
mod new_file;
mod open;
mod overview;
mod people;
mod pid_file;
mod post;
mod progress;
mod purge;
mod serve;
mod serve_arguments;
mod user;
mod voice;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use failure::Failure;
use serve_arguments::Sections;

use crate::config;
use crate::server;

/// A self-hosted Sync server for Pale Moon, Basilisk, SeaMonkey and old Firefox.
#[derive(Debug, Parser)]
#[command(
    name = "weaved",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves, in the foreground or in the background.
    Serve(Box<serve_arguments::ServeArguments>),
    /// Reads the configuration, shows every setting and where it comes from, and tries the
    /// databases.
    Check(Configuration),
    /// Looks at the public URL as a browser does, and says what to change.
    #[cfg(feature = "doctor")]
    Doctor(doctor::Doctor),
    /// Makes, shows and revokes codes that make an account where the registration is closed.
    Invite(invite::Invite),
    /// Looks after accounts.
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Moves accounts and their records in from another server, which is only read. Safe to repeat.
    Import {
        #[command(subcommand)]
        from: import::Import,
    },
    /// Mends tables of an old MySQL database in which records would be lost. Safe to repeat.
    Migrate(migrate::Migrate),
    /// Writes all accounts and records to a file, while the server runs.
    Backup(archives::Backup),
    /// Puts the accounts and records of a backup back.
    Restore(archives::Restore),
    /// Shows how many accounts and records there are, and how many are used.
    Stats(overview::Stats),
    /// Deletes expired records now, which a running server does by itself, and on demand what
    /// belongs to people who do not come any more.
    Purge(purge::Purge),
}

/// Where the settings are.
#[derive(Clone, Debug, clap::Args)]
struct Configuration {
    /// The first configuration file, usually `development.ini`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Values for `%(name)s` in the file.
    #[arg(value_name = "NAME=VALUE", value_parser = read_variable)]
    variables: Vec<(String, String)>,
    #[command(flatten)]
    sections: Sections,
}

fn read_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// What the command line understands, for the manual.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments name; the first one is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    voice::tame_panics();
    let mut line: Vec<OsString> = arguments.into_iter().collect();
    if line.len() == 1 && server::inherited_is_listening() {
        // A web server or a process manager has started us, and can give us no arguments.
        line.extend(["serve".into(), config::usual_file().into()]);
    }
    let arguments = match Arguments::try_parse_from(&line) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors to clap's mind either.
            let code = if error.use_stderr() {
                failure::USAGE
            } else {
                0
            };
            // Nobody is there to hear that printing failed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match &arguments.command {
        Command::Serve(arguments) => launch::run(arguments, &line),
        Command::Check(configuration) => check::run(configuration),
        #[cfg(feature = "doctor")]
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Invite(arguments) => invite::run(arguments),
        Command::Import { from } => import::run(from),
        Command::Migrate(arguments) => migrate::run(arguments),
        Command::User { command } => user::run(command),
        Command::Backup(arguments) => archives::backup(arguments),
        Command::Restore(arguments) => archives::restore(arguments),
        Command::Stats(arguments) => overview::stats(arguments),
        Command::Purge(arguments) => purge::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.text.is_empty() {
                voice::complain(&failure);
            }
            ExitCode::from(failure.code)
        }
    }
}
