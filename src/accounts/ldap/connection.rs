//! A connection to one server, and what is asked on it.
//!
//! Every wait has the deadline of its call. The driver's own runtime lives and waits within the
//! calling thread. Referrals and continuations are never followed.

use std::collections::HashSet;
use std::time::Instant;

use ldap3::LdapConn;
use ldap3::LdapError;
use ldap3::LdapResult;
use ldap3::Mod;
use ldap3::Scope;
use ldap3::SearchOptions;
use ldap3::adapters::Adapter;
use ldap3::adapters::EntriesOnly;
use ldap3::adapters::PagedResults;
use ldap3::exop::PasswordModify;

use super::deadline::Deadline;
use super::entry::Entry;
use super::error::DirectoryError;
use super::error::code;

/// How many entries of a long list are asked for at once.
const PAGE: i32 = 500;

/// A connection.
pub(super) struct Connection {
    driver: LdapConn,
    server: String,
    pub(super) born: Instant,
}

/// Which entries, and what of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [String],
}

impl Connection {
    pub(super) fn new(driver: LdapConn, server: String) -> Self {
        Self {
            driver,
            server,
            born: Instant::now(),
        }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Becomes this DN with this password, or nobody; the caller judges the result.
    ///
    /// Neither may be empty: a server lets in such a one as nobody, and says success
    /// (RFC 4513, 5.1.2).
    pub(super) fn bind(
        &mut self,
        dn: &str,
        password: &str,
        deadline: Deadline,
    ) -> Result<LdapResult, DirectoryError> {
        if dn.is_empty() || password.is_empty() {
            return Ok(LdapResult {
                rc: code::INVALID_CREDENTIALS,
                matched: String::new(),
                text: "an empty name or password is never tried".to_owned(),
                refs: Vec::new(),
                ctrls: Vec::new(),
            });
        }
        self.limit(deadline)?;
        let result = self.driver.simple_bind(dn, password);
        let result = result.map_err(|error| self.failed(error))?;
        self.reached(result)
    }

    /// At most `most` entries; absent when there is no such base, or none that we may see.
    pub(super) fn find(
        &mut self,
        search: Search<'_>,
        most: i32,
        deadline: Deadline,
    ) -> Result<Option<Vec<Entry>>, DirectoryError> {
        self.limit(deadline)?;
        let options = SearchOptions::new().sizelimit(most);
        let Search {
            base,
            scope,
            filter,
            attributes,
        } = search;
        let found = self.driver.with_search_options(options).search(
            base,
            scope,
            filter,
            attributes.to_vec(),
        );
        let ldap3::SearchResult(entries, result) = found.map_err(|error| match error {
            LdapError::FilterParsing => DirectoryError::Filter(filter.to_owned()),
            error => self.failed(error),
        })?;
        let result = self.reached(result)?;
        match result.rc {
            // Beyond two nobody counts; fewer may hide that there are more.
            code::SIZE_LIMIT_EXCEEDED if entries.len() < 2 => Err(self.refused("a search", result)),
            code::SUCCESS | code::SIZE_LIMIT_EXCEEDED => {
                Ok(Some(entries.into_iter().filter_map(Entry::read).collect()))
            }
            code::NO_SUCH_OBJECT => Ok(None),
            _ => Err(self.refused("a search", result)),
        }
    }

    /// Shows every entry, asked for page by page; the deadline is for each entry anew. Answers
    /// whether there is such a base.
    pub(super) fn each(
        &mut self,
        search: Search<'_>,
        deadline: Deadline,
        mut visit: impl FnMut(Entry),
    ) -> Result<bool, DirectoryError> {
        let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(PAGE)),
        ];
        self.limit(deadline)?;
        let (base, attributes) = (search.base, search.attributes.to_vec());
        let server = self.server.clone();
        let broken = |error| failed(&server, error);
        let mut stream = self
            .driver
            .streaming_search_with(adapters, base, search.scope, search.filter, attributes)
            .map_err(broken)?;
        while let Some(entry) = stream.next().map_err(broken)? {
            if let Some(entry) = Entry::read(entry) {
                visit(entry);
            }
        }
        let result = stream.result();
        match result.rc {
            code::SUCCESS => Ok(true),
            code::NO_SUCH_OBJECT => Ok(false),
            _ => Err(self.refused("a list of all users", result)),
        }
    }

    /// Makes an entry; the caller judges the result.
    pub(super) fn add(
        &mut self,
        dn: &str,
        attributes: &[(&str, &[&str])],
        deadline: Deadline,
    ) -> Result<LdapResult, DirectoryError> {
        self.limit(deadline)?;
        let attributes = attributes
            .iter()
            .map(|(name, values)| (*name, set(values)))
            .collect();
        let result = self.driver.add(dn, attributes);
        let result = result.map_err(|error| self.failed(error))?;
        self.reached(result)
    }

    /// Changes an entry; the caller judges the result.
    pub(super) fn modify(
        &mut self,
        dn: &str,
        changes: Vec<Mod<&str>>,
        deadline: Deadline,
    ) -> Result<LdapResult, DirectoryError> {
        self.limit(deadline)?;
        let result = self.driver.modify(dn, changes);
        let result = result.map_err(|error| self.failed(error))?;
        self.reached(result)
    }

    /// Removes an entry; the caller judges the result.
    pub(super) fn delete(
        &mut self,
        dn: &str,
        deadline: Deadline,
    ) -> Result<LdapResult, DirectoryError> {
        self.limit(deadline)?;
        let result = self.driver.delete(dn);
        let result = result.map_err(|error| self.failed(error))?;
        self.reached(result)
    }

    /// Sets a password by the extended operation (RFC 3062), so that it is the server that
    /// chooses the hash and judges the password; the caller judges the result.
    pub(super) fn set_password(
        &mut self,
        dn: &str,
        old: Option<&str>,
        new: &str,
        deadline: Deadline,
    ) -> Result<LdapResult, DirectoryError> {
        self.limit(deadline)?;
        let result = self.driver.extended(PasswordModify {
            user_id: Some(dn),
            old_pass: old,
            new_pass: Some(new),
        });
        let ldap3::result::ExopResult(_, result) = result.map_err(|error| self.failed(error))?;
        self.reached(result)
    }

    /// A result that nobody expected.
    pub(super) fn refused(&self, what: &'static str, result: LdapResult) -> DirectoryError {
        DirectoryError::Answer {
            server: self.server.clone(),
            what,
            result: result.into(),
        }
    }

    fn limit(&mut self, deadline: Deadline) -> Result<(), DirectoryError> {
        let left = deadline.left().ok_or_else(|| DirectoryError::TimedOut {
            server: self.server.clone(),
        })?;
        self.driver.with_timeout(left);
        Ok(())
    }

    /// Passes on what this server has decided, if it is this one's to decide.
    fn reached(&self, result: LdapResult) -> Result<LdapResult, DirectoryError> {
        match result.rc {
            code::REFERRAL => Err(DirectoryError::Referral {
                server: self.server.clone(),
                to: result.refs.join(" "),
            }),
            // A server that stops says so; the next connection is to another one.
            code::BUSY | code::UNAVAILABLE => Err(DirectoryError::Broken {
                server: self.server.clone(),
                cause: Box::new(result.into()),
            }),
            _ => Ok(result),
        }
    }

    fn failed(&self, error: LdapError) -> DirectoryError {
        failed(&self.server, error)
    }
}

fn failed(server: &str, error: LdapError) -> DirectoryError {
    let server = server.to_owned();
    match error {
        LdapError::Timeout { .. } => DirectoryError::TimedOut { server },
        error => DirectoryError::Broken {
            server,
            cause: Box::new(error),
        },
    }
}

/// Values as the driver wants them.
pub(super) fn set<'a>(values: &[&'a str]) -> HashSet<&'a str> {
    values.iter().copied().collect()
}
