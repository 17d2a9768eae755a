//! What a directory can say instead of an answer. No text holds a password.

use std::fmt;
use std::path::PathBuf;

use ldap3::LdapError;
use ldap3::LdapResult;

use crate::accounts::AccountsError;

/// Why the directory did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryError {
    /// It answered with a result that is no success and none that the caller expected.
    #[error("{server} refused {what}: {result}")]
    Answer {
        server: String,
        what: &'static str,
        result: Shown,
    },
    /// The DN that serves weaved itself is not let in.
    #[error(
        "{server} does not let {who} in: {result}; look at bind_user and bind_password \
         (or admin_user and admin_password)"
    )]
    Bind {
        server: String,
        who: String,
        result: Shown,
    },
    /// The connection broke before there was an answer.
    #[error("the connection to {server} broke")]
    Broken {
        server: String,
        #[source]
        cause: Box<LdapError>,
    },
    #[error("cannot read certificates of {}: {why}; look at ldap_ca", file.display())]
    Certificates { file: PathBuf, why: String },
    #[error("all connections to the directory are in use, raise ldap_pool_size if this goes on")]
    Crowded,
    #[error("the filter {0} is wrong; look at ldap_filter")]
    Filter(String),
    /// Whichever number was taken, somebody else had it.
    #[error("{0} is behind the numbers that are in use, or others take them all the time")]
    MaxuidContended(String),
    #[error(
        "the entry {dn}, which holds the next number in {attribute}, is missing or holds none; \
         make it, or name it in maxuid"
    )]
    MaxuidMissing { dn: String, attribute: String },
    /// The password with which a user asked for a change is not his any more.
    #[error("{server} does not take the password any more with which {what} was asked for")]
    Outdated { server: String, what: &'static str },
    /// The server sends us elsewhere.
    #[error("{server} refers to {to}; referrals are not followed: name that server in ldapuri")]
    Referral { server: String, to: String },
    /// Nothing is where users are searched.
    #[error(
        "{server} has no entry {dn}, or does not show it to {who}; look at search_root, \
         users_root and bind_user"
    )]
    RootMissing {
        server: String,
        dn: String,
        who: String,
    },
    #[error("{server} does not answer in time, look at ldap_timeout")]
    TimedOut { server: String },
    #[error("TLS settings are refused")]
    Tls(#[source] rustls::Error),
    /// No server can be connected to; each with its reason.
    #[error("cannot connect to {0}")]
    Unreachable(String),
    #[error("\"{uri}\" in ldapuri {why}")]
    Uri { uri: String, why: &'static str },
}

impl From<DirectoryError> for AccountsError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Certificates { .. }
            | DirectoryError::Filter(_)
            | DirectoryError::Tls(_)
            | DirectoryError::Uri { .. } => Self::DirectorySettings(Box::new(error)),
            error => Self::Directory(Box::new(error)),
        }
    }
}

/// A result as the log shows it: `invalidCredentials (49): some text of the server's`.
#[derive(Debug)]
pub(super) struct Shown(String);

impl From<LdapResult> for Shown {
    fn from(result: LdapResult) -> Self {
        // The driver knows the names of the codes: `rc=49 (invalidCredentials), dn: ...`.
        let whole = result.to_string();
        let name = whole
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or("unknown", |(name, _)| name);
        let mut text = format!("{name} ({})", result.rc);
        if !result.text.is_empty() {
            text.push_str(": ");
            text.push_str(&result.text.escape_debug().to_string());
        }
        Self(text)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The result codes that mean something to us (RFC 4511, appendix A).
pub(super) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub(crate) const REFERRAL: u32 = 10;
    pub(crate) const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub(crate) const CONSTRAINT_VIOLATION: u32 = 19;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    pub(crate) const INVALID_CREDENTIALS: u32 = 49;
    pub(crate) const INSUFFICIENT_ACCESS: u32 = 50;
    pub(crate) const BUSY: u32 = 51;
    pub(crate) const UNAVAILABLE: u32 = 52;
    pub(crate) const UNWILLING: u32 = 53;
    pub(crate) const ALREADY_EXISTS: u32 = 68;
}
