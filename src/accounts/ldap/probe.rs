//! Trying a directory without serving anybody, for `weaved check`.

use std::error::Error as StdError;
use std::time::Duration;

use ldap3::Scope;

use super::connection::Search;
use super::deadline::Deadline;
use super::directory::Directory;
use super::error::DirectoryError;
use super::settings::LdapSettings;
use super::settings::LdapWriting;
use super::uri::Server;
use crate::accounts::AccountsError;

/// A directory to be tried.
pub struct LdapProbe {
    directory: Directory,
    timeout: Duration,
    writing: Option<LdapWriting>,
}

impl LdapProbe {
    /// Reads the settings; connects to nobody.
    ///
    /// # Errors
    /// [`AccountsError::DirectorySettings`].
    pub fn new(mut settings: LdapSettings) -> Result<Self, AccountsError> {
        Ok(Self {
            timeout: settings.timeout,
            writing: settings.writing.take(),
            directory: Directory::new(settings)?,
        })
    }

    /// Connects to every server, logs in, and looks for what a start needs; each server's name,
    /// and whether it shows any user, or what is wrong with it.
    pub fn run(&self, mut tell: impl FnMut(&str, Result<bool, &dyn StdError>)) {
        for server in self.directory.connector.servers() {
            match self.try_server(server) {
                Ok(has_users) => tell(&server.to_string(), Ok(has_users)),
                Err(error) => tell(&server.to_string(), Err(&error)),
            }
        }
    }

    fn try_server(&self, server: &Server) -> Result<bool, DirectoryError> {
        let deadline = Deadline::after(self.timeout);
        let connector = &self.directory.connector;
        let login = self.directory.searches.login();
        let mut connection = connector.connect_to(server, login, deadline)?;
        self.directory.has_root(&mut connection, deadline)?;
        let has_users = self.directory.has_users(&mut connection, deadline)?;
        let Some(writing) = &self.writing else {
            return Ok(has_users);
        };
        let mut connection = connector.connect_to(server, Some(&writing.admin), deadline)?;
        let search = Search {
            base: &writing.maxuid,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: std::slice::from_ref(&writing.id),
        };
        let entries = connection.find(search, 1, deadline)?;
        match entries
            .iter()
            .flatten()
            .next()
            .and_then(|entry| entry.text(&writing.id))
        {
            Some(_) => Ok(has_users),
            None => Err(DirectoryError::MaxuidMissing {
                dn: writing.maxuid.clone(),
                attribute: writing.id.clone(),
            }),
        }
    }
}
