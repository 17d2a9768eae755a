//! How a directory is reached, and where things are in it.

use std::path::PathBuf;
use std::time::Duration;

use crate::accounts::Password;

/// A directory with accounts.
#[derive(Debug)]
pub struct LdapSettings {
    /// The servers, in the order in which they are tried: `ldap://`, `ldaps://`, `ldapi://`.
    pub uris: Vec<String>,
    /// Whether TLS is demanded on an `ldap://` connection, before anything is said on it.
    pub start_tls: bool,
    /// Certificates (PEM) that may vouch for the servers; absent: the system's.
    pub ca: Option<PathBuf>,
    /// Who searches; absent: anonymous.
    pub bind: Option<LdapLogin>,
    /// The DN under which users are searched.
    pub search_root: String,
    /// A filter in parentheses that users must fulfil; empty: none.
    pub filter: String,
    /// The names of attributes.
    pub attributes: LdapAttributes,
    /// What is put before the host of a user's own node: `https`.
    pub nodes_scheme: String,
    /// Whether disabled accounts are refused.
    pub check_account_state: bool,
    /// Whether missing tables of our own are made.
    pub create_tables: bool,
    /// How long a call may wait in all.
    pub timeout: Duration,
    /// Connections of each kind (those that search, those that log in) at most.
    pub pool_size: usize,
    /// Age at which a connection is made anew; absent: never.
    pub max_lifetime: Option<Duration>,
    /// How long a password that was accepted is remembered; zero: not at all.
    pub remembered: Duration,
    /// How accounts are made and changed; absent: they are only read.
    pub writing: Option<LdapWriting>,
}

/// A DN and its password.
#[derive(Debug)]
pub struct LdapLogin {
    /// The DN.
    pub dn: String,
    /// Its password.
    pub password: Password,
}

/// The names of attributes; those that may be absent are not looked at then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapAttributes {
    /// The user name.
    pub name: String,
    /// The number of the user, `Account::id`.
    pub id: Option<String>,
    /// What stays the same when an entry is renamed: whose number in `weaved_ids` it is.
    pub key: Option<String>,
    /// The address.
    pub mail: String,
    /// `Yes` for an account that may log in; an entry without it may.
    pub enabled: Option<String>,
    /// `weave:<host>`, the user's own node.
    pub node: Option<String>,
}

/// How accounts are made and changed (spec/user-1.0.md, 9).
#[derive(Debug)]
pub struct LdapWriting {
    /// Who writes.
    pub admin: LdapLogin,
    /// The DN under which accounts are made.
    pub users: String,
    /// The DN of the entry whose number is the next to be given.
    pub maxuid: String,
    /// The attribute with that number, and with the numbers of new entries.
    pub id: String,
    /// The object classes of new entries.
    pub object_classes: Vec<String>,
    /// Whether new entries get `accountStatus: 1`.
    pub account_status: bool,
}

impl LdapWriting {
    /// Whether new entries have what only the original's schema knows.
    pub(super) fn is_of_original(&self) -> bool {
        let mut classes = self.object_classes.iter();
        classes.any(|class| class.eq_ignore_ascii_case("dataStore"))
    }
}
