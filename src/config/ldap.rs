//! The LDAP keys of `[auth]`: both families of the old classes (spec/user-1.0.md, 9).

use std::path::PathBuf;
use std::time::Duration;

use super::AuthBackend;
use super::Secret;
use super::keys::Key;
use super::keys::alias;
use super::keys::unneeded;
use super::keys::used;
use super::problem::Severity;
use super::reader::Scope;
use super::values::Wanted;
use super::values::words;

/// The keys of a directory, which stand in `[auth]`.
pub(super) const KEYS: &[Key] = &[
    used(
        "ldapuri",
        "",
        "LDAP: the servers, separated by blanks, in the order in which they are tried: \
         ldap://host, ldaps://host, ldapi://%2Frun%2Fslapd%2Fldapi.",
    ),
    used(
        "use_tls",
        "false",
        "LDAP: whether to demand TLS (StartTLS) on an ldap:// connection.",
    ),
    used(
        "ldap_ca",
        "",
        "LDAP: a file with the certificates (PEM) that may vouch for the servers; unset: those \
         that this machine trusts.",
    ),
    used(
        "bind_user",
        "",
        "LDAP: the DN that searches; unset: anonymous.",
    ),
    alias("bind"),
    used("bind_password", "", "LDAP: its password."),
    alias("passwd"),
    used(
        "ldap_write",
        "false",
        "LDAP: whether accounts are made, changed and deleted in the directory. Otherwise it is \
         only asked, and whoever looks after it does that.",
    ),
    used(
        "admin_user",
        "",
        "LDAP: the DN that writes; unset: bind_user.",
    ),
    used("admin_password", "", "LDAP: its password."),
    used(
        "users_root",
        "",
        "LDAP: the DN under which users are, or md5 for the oldest layout.",
    ),
    used(
        "users_base_dn",
        "",
        "LDAP: the DN under which users are created; unset: users_root.",
    ),
    used(
        "search_root",
        "",
        "LDAP: the DN under which users are searched; unset: users_root.",
    ),
    used(
        "ldap_filter",
        "",
        "LDAP: what else must hold for an entry to be a user, e.g. (objectClass=posixAccount).",
    ),
    used(
        "attr_username",
        "uid",
        "LDAP: the attribute with the user name.",
    ),
    used(
        "attr_userid",
        "uidNumber",
        "LDAP: the attribute with the number under which records are stored; entries without it, \
         or all with none, get one from weaved, which is kept in the table weaved_ids.",
    ),
    used(
        "attr_key",
        "entryUUID",
        "LDAP: the attribute that tells whose number of weaved_ids it is, also when the name \
         changes; none: the name.",
    ),
    used(
        "attr_mail",
        "mail",
        "LDAP: the attribute with the e-mail address.",
    ),
    used(
        "attr_enabled",
        "account-enabled",
        "LDAP: the attribute that is Yes (or TRUE, 1) for accounts that may log in. Entries \
         without it may; none: it is not looked at.",
    ),
    used(
        "attr_node",
        "primaryNode",
        "LDAP: the attribute with the user's own node, weave:<host>; none: it is not looked at.",
    ),
    used(
        "nodes_scheme",
        "https",
        "LDAP: the scheme put before the host that attr_node names.",
    ),
    used(
        "object_classes",
        "dataStore inetOrgPerson",
        "LDAP: the object classes of new entries.",
    ),
    used(
        "maxuid",
        "",
        "LDAP: the DN of the entry whose attr_userid is the next number to be given; unset: \
         cn=maxuid below the DN under which users are created.",
    ),
    used(
        "ldap_cache",
        "30",
        "LDAP: seconds for which a password that the directory has accepted need not be shown to \
         it again, as long as the entry is the same; 0: not at all.",
    ),
    used(
        "ldap_timeout",
        "10",
        "LDAP: seconds that a call may wait for the directory in all; 0: a minute.",
    ),
    alias("ldaptimeout"),
    alias("timeout"),
    used(
        "ldap_pool_size",
        "10",
        "LDAP: connections of each kind (searching, logging in) at most, in each process.",
    ),
    alias("size"),
    used(
        "ldap_max_lifetime",
        "600",
        "LDAP: seconds after which a connection is made anew; 0: never.",
    ),
    alias("max_lifetime"),
    unneeded("ldap_use_pool", "connections are always kept"),
    unneeded("use_pool", "connections are always kept"),
    unneeded("retry_max", "a lost connection is made anew once"),
    unneeded("retry_delay", "a lost connection is made anew once"),
];

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

/// Reads the keys; what is missing is told when the back end is LDAP.
pub(super) fn read(scope: &mut Scope<'_>, backend: AuthBackend) -> Ldap {
    let default = Ldap::default();
    let timeout = scope.first_of(&["ldap_timeout", "ldaptimeout", "timeout"]);
    let pool_size = scope.first_of(&["ldap_pool_size", "size"]);
    let max_lifetime = scope.first_of(&["ldap_max_lifetime", "max_lifetime"]);
    let users_root: Option<String> = scope.get("users_root", None);
    let ldap = Ldap {
        uris: scope.get_as("ldapuri", default.uris, read_uris),
        use_tls: scope.flag("use_tls", default.use_tls),
        ca: scope.get("ldap_ca", None),
        bind: read_login(scope, &["bind_user", "bind"], &["bind_password", "passwd"]),
        write: scope.flag("ldap_write", default.write),
        admin: read_login(scope, &["admin_user"], &["admin_password"]),
        users_root: match users_root {
            None => UsersRoot::Unset,
            Some(root) if root == "md5" => UsersRoot::Md5,
            Some(root) => UsersRoot::Dn(root),
        },
        users_base_dn: scope.get("users_base_dn", None),
        search_root: scope.get("search_root", None),
        filter: scope.get_as("ldap_filter", default.filter, read_filter),
        attributes: read_attributes(scope, default.attributes),
        object_classes: scope.get("object_classes", default.object_classes),
        account_status: names_later_class(scope),
        maxuid: scope.get("maxuid", None),
        cache: scope.seconds("ldap_cache", default.cache),
        timeout: scope.seconds(timeout, default.timeout),
        pool_size: scope.pool_size(pool_size, default.pool_size),
        max_lifetime: scope.seconds(max_lifetime, default.max_lifetime),
        nodes_scheme: scope.get("nodes_scheme", default.nodes_scheme),
    };
    if backend == AuthBackend::Ldap {
        check(scope, &ldap);
        tell_of_the_other_class(scope);
    }
    ldap
}

fn check(scope: &mut Scope<'_>, ldap: &Ldap) {
    if scope.found("ldapuri").is_none() {
        scope.error(
            "ldapuri",
            "is missing: name the LDAP server, e.g. ldap://localhost",
        );
    }
    if ldap.searched().is_none() {
        let text = match ldap.users_root {
            UsersRoot::Md5 => "needs users_base_dn, under which the users are searched",
            _ => "is missing: name the DN under which users are, e.g. ou=users,dc=example",
        };
        scope.error("users_root", text);
    }
    let plain = |uri: &String| uri.to_ascii_lowercase().starts_with("ldap://");
    if !ldap.use_tls && ldap.uris.iter().any(plain) {
        let text = "sends passwords in clear: set use_tls = true, or write ldaps://";
        scope.warn("ldapuri", text);
    }
    if !ldap.write {
        if ldap.admin.is_some() {
            let text = "has nothing to do: accounts in the directory are only read, unless \
                        ldap_write = true";
            scope.note(Severity::Notice, "admin_user", None, text);
        }
        return;
    }
    if ldap.admin.is_none() && ldap.bind.is_none() {
        let text = "needs somebody who may write: set admin_user and admin_password";
        scope.error("ldap_write", text);
    }
    if ldap.attributes.id.is_none() {
        let text = "needs numbers for new accounts: name their attribute in attr_userid";
        scope.error("ldap_write", text);
    }
    if ldap.created().is_none() {
        let text = "needs the DN under which users are created: set users_base_dn";
        scope.error("ldap_write", text);
    }
}

fn read_attributes(scope: &mut Scope<'_>, default: Attributes) -> Attributes {
    let needed = |text: &str| attribute(text);
    let maybe = |text: &str| match text {
        "none" => Ok(None),
        text => attribute(text).map(Some),
    };
    Attributes {
        name: scope.get_as("attr_username", default.name, needed),
        id: scope.get_as("attr_userid", default.id, maybe),
        key: scope.get_as("attr_key", default.key, maybe),
        mail: scope.get_as("attr_mail", default.mail, needed),
        enabled: scope.get_as("attr_enabled", default.enabled, maybe),
        node: scope.get_as("attr_node", default.node, maybe),
    }
}

/// An attribute's name or its number (RFC 4512, 2.5), which goes into filters as it is.
fn attribute(text: &str) -> Result<String, Wanted> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(Wanted::new(
        "is no name of an attribute, which has letters, digits and hyphens, e.g. uid",
    ))
}

/// A filter of which at least the parentheses are right; the whole of it is tried by `check`.
fn read_filter(text: &str) -> Result<String, Wanted> {
    let mut depth = 0_usize;
    let mut ends = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                ends += usize::from(depth == 0);
            }
            _ if depth == 0 => {
                ends = 0;
                break;
            }
            _ => {}
        }
    }
    if depth > 0 || ends != 1 {
        return Err(Wanted::new(
            "is no filter in parentheses, e.g. (objectClass=posixAccount)",
        ));
    }
    Ok(text.to_owned())
}

/// Whether the back end is called by the name of the later of the two old classes.
fn names_later_class(scope: &Scope<'_>) -> bool {
    let class = scope.found("backend").map(|found| found.text.as_str());
    class == Some("services.user.mozilla_ldap.LDAPUser")
}

/// The two old classes read two sets of keys and swallowed the others' in silence.
fn tell_of_the_other_class(scope: &mut Scope<'_>) {
    let class = scope.found("backend").map(|found| found.text.clone());
    let (ignored, class) = match class.as_deref() {
        Some(class @ "services.user.mozilla_ldap.LDAPUser") => (["bind_user", "bind"], class),
        Some(class @ ("ldap" | "services.auth.ldapsql.LDAPAuth")) => (["bind", "bind_user"], class),
        _ => return,
    };
    let [ignored, read] = ignored;
    if scope.found(ignored).is_some() && scope.found(read).is_none() {
        let text = format!("is used now; the old class {class} read {read} and bound anonymously");
        scope.warn(ignored, text);
    }
}

fn read_login(
    scope: &mut Scope<'_>,
    users: &[&'static str],
    passwords: &[&'static str],
) -> Option<Login> {
    let user_key = scope.first_of(users);
    let password_key = scope.first_of(passwords);
    let user: Option<String> = scope.get(user_key, None);
    let password: Option<Secret> = scope.get(password_key, None);
    match (user, password) {
        (None, None) => None,
        (Some(user), password) => Some(Login {
            user,
            password: password.unwrap_or_default(),
        }),
        (None, Some(_)) => {
            let text = format!("is set, but {user_key} is not: the connection is anonymous");
            scope.note(Severity::Warning, password_key, None, text);
            None
        }
    }
}

fn read_uris(text: &str) -> Result<Vec<String>, Wanted> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    let uris: Vec<_> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let known = |uri: &String| {
        let lower = uri.to_ascii_lowercase();
        ["ldap://", "ldaps://", "ldapi://"]
            .iter()
            .any(|scheme| lower.starts_with(scheme))
    };
    if uris.is_empty() || !uris.iter().all(known) {
        return Err(Wanted::new(
            "is no list of LDAP servers, e.g. ldap://localhost",
        ));
    }
    Ok(uris)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_one_pair_of_parentheses() {
        for text in ["(objectClass=posixAccount)", "(&(a=b)(!(c=d)))", "(cn=a b)"] {
            assert_eq!(read_filter(text).unwrap(), text);
        }
        for text in [
            "a=b",
            "(a=b",
            "a=b)",
            "(a=b)(c=d)",
            "(a=b) x",
            ")(",
            "x(a=b)",
        ] {
            assert!(read_filter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_attribute_has_no_odd_characters() {
        for text in ["uid", "account-enabled", "0.9.2342.19200300.100.1.1"] {
            assert_eq!(attribute(text).unwrap(), text);
        }
        for text in ["u id", "uid)(", "uid=*", "ü"] {
            assert!(attribute(text).is_err(), "{text}");
        }
    }

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
