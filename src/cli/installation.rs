//! An installation that a command works on, and the accounts in it.

use std::path::PathBuf;

use super::Configuration;
use super::Failure;
use super::failure::NO;
use super::logger;
use super::open;
use super::serve_arguments::Sections;
use crate::accounts::Account;
use crate::accounts::names;
use crate::api::Api;
use crate::config::Config;

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub(super) struct File {
    /// The first configuration file, usually `development.ini`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    sections: Sections,
}

/// An account of a configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    #[command(flatten)]
    pub(super) configuration: File,
    /// The user name, or the e-mail address that it is the hash of.
    #[arg(value_name = "NAME")]
    pub(super) name: String,
}

impl File {
    /// Opens everything, without a log.
    pub(super) fn open(&self) -> Result<Api, Failure> {
        let config = self.read()?;
        logger::start_quiet();
        open::api(&config)
    }

    /// Reads the settings.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        open::configuration(&Configuration {
            file: self.file.clone(),
            variables: Vec::new(),
            sections: self.sections.clone(),
        })
    }
}

impl Named {
    /// An account by name, or by any address that it may be the hash of.
    pub(super) fn find(&self) -> Result<(Api, Account), Failure> {
        let api = self.configuration.open()?;
        for name in [
            names::server_name(&self.name),
            names::client_name(&self.name),
        ] {
            let Ok(name) = name else {
                continue;
            };
            if let Some(account) = api.accounts.find(&name)? {
                return Ok((api, account));
            }
        }
        Err(Failure::new(
            NO,
            format!("there is no account {}", self.name),
        ))
    }
}
