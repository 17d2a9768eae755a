//! The LDAP keys of `[auth]`: both families of the old classes (spec/user-1.0.md, 9), and what
//! other directories need.

mod keys;
mod reading;

use std::path::PathBuf;
use std::time::Duration;

pub(super) use keys::KEYS;
pub(super) use reading::read;

use super::Secret;
use super::values::words;

/// A directory server with accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ldap {
    /// The servers, in the order in which they are tried.
    pub uris: Vec<String>,
    /// Whether to demand TLS on a plain connection.
    pub use_tls: bool,
    /// Certificates that may vouch for the servers; absent: the system's.
    pub ca: Option<PathBuf>,
    /// Who searches; absent: anonymous.
    pub bind: Option<Login>,
    /// Whether accounts are made and changed. Default false.
    pub write: bool,
    /// Who writes; absent: who searches.
    pub admin: Option<Login>,
    /// Where users are.
    pub users_root: UsersRoot,
    /// Where users are created; absent: `users_root`.
    pub users_base_dn: Option<String>,
    /// Where users are searched; absent: `users_root`.
    pub search_root: Option<String>,
    /// What else must hold for an entry to be a user; empty: nothing.
    pub filter: String,
    /// Where in an entry things are.
    pub attributes: Attributes,
    /// The object classes of new entries.
    pub object_classes: Vec<String>,
    /// Whether new entries get an `accountStatus`, which the later old class wrote.
    pub account_status: bool,
    /// The entry with the next number; absent: `cn=maxuid` where users are created.
    pub maxuid: Option<String>,
    /// How long a password that was accepted is remembered; 0: not at all. Default 30 s.
    pub cache: Duration,
    /// How long a call waits in all; 0: a minute. Default 10 s.
    pub timeout: Duration,
    /// Connections of each kind at most, for each process. Default 10.
    pub pool_size: u32,
    /// Age at which a connection is made anew; 0: never. Default 600 s.
    pub max_lifetime: Duration,
    /// What is put before the host that `primaryNode` names.
    pub nodes_scheme: Scheme,
}

/// A DN and its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The DN.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// The names of attributes; those that may be absent are not looked at then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The user name. Default uid.
    pub name: String,
    /// The number of the user. Default uidNumber.
    pub id: Option<String>,
    /// What stays the same when an entry is renamed. Default entryUUID.
    pub key: Option<String>,
    /// The address. Default mail.
    pub mail: String,
    /// Whether the user may log in. Default account-enabled.
    pub enabled: Option<String>,
    /// The user's own node. Default primaryNode.
    pub node: Option<String>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            name: "uid".to_owned(),
            id: Some("uidNumber".to_owned()),
            key: Some("entryUUID".to_owned()),
            mail: "mail".to_owned(),
            enabled: Some("account-enabled".to_owned()),
            node: Some("primaryNode".to_owned()),
        }
    }
}

/// Where the users' entries are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UsersRoot {
    /// Under this DN.
    Dn(String),
    /// Spread by a hash of the name, as until April 2011: found by search only.
    Md5,
    /// Not said.
    #[default]
    Unset,
}

/// The scheme of a node's URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// With TLS.
    #[default]
    Https,
}

words!(Scheme, "https" => Self::Https, "http" => Self::Http);

impl Default for Ldap {
    fn default() -> Self {
        Self {
            uris: Vec::new(),
            use_tls: false,
            ca: None,
            bind: None,
            write: false,
            admin: None,
            users_root: UsersRoot::Unset,
            users_base_dn: None,
            search_root: None,
            filter: String::new(),
            attributes: Attributes::default(),
            object_classes: vec!["dataStore".to_owned(), "inetOrgPerson".to_owned()],
            account_status: false,
            maxuid: None,
            cache: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            pool_size: 10,
            max_lifetime: Duration::from_secs(600),
            nodes_scheme: Scheme::Https,
        }
    }
}

impl Ldap {
    /// The DN under which users are searched.
    #[must_use]
    pub fn searched(&self) -> Option<&str> {
        self.search_root.as_deref().or_else(|| self.created())
    }

    /// The DN under which users are created.
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        match (&self.users_base_dn, &self.users_root) {
            (Some(dn), _) | (None, UsersRoot::Dn(dn)) => Some(dn),
            (None, UsersRoot::Md5 | UsersRoot::Unset) => None,
        }
    }

    /// The DN of the entry with the next number.
    #[must_use]
    pub fn next_number(&self) -> Option<String> {
        let beside = || self.created().map(|users| format!("cn=maxuid,{users}"));
        self.maxuid.clone().or_else(beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_follows_from_the_rest() {
        let ldap = Ldap {
            users_root: UsersRoot::Dn("ou=users,dc=mozilla".to_owned()),
            ..Ldap::default()
        };
        assert_eq!(ldap.searched(), Some("ou=users,dc=mozilla"));
        assert_eq!(
            ldap.next_number().as_deref(),
            Some("cn=maxuid,ou=users,dc=mozilla")
        );
        let ldap = Ldap {
            users_root: UsersRoot::Md5,
            users_base_dn: Some("dc=mozilla".to_owned()),
            ..Ldap::default()
        };
        assert_eq!(ldap.searched(), Some("dc=mozilla"));
        assert_eq!(Ldap::default().created(), None);
    }
}
