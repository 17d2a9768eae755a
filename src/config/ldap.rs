//! The LDAP keys of `[auth]`: both families of the old classes (spec/user-1.0.md, 9).

use std::time::Duration;

use super::AuthBackend;
use super::Secret;
use super::reader::Scope;
use super::values::Wanted;
use super::values::words;

/// A directory server with accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ldap {
    /// The servers, in the order in which they are tried.
    pub uris: Vec<String>,
    /// Whether to ask for TLS on a plain connection.
    pub use_tls: bool,
    /// Who searches; absent: anonymous.
    pub bind: Option<Login>,
    /// Who writes; absent: who searches.
    pub admin: Option<Login>,
    /// Where users are.
    pub users_root: UsersRoot,
    /// Where users are created; absent: `users_root`.
    pub users_base_dn: Option<String>,
    /// Where users are searched; absent: `users_root`.
    pub search_root: Option<String>,
    /// How long to wait for an answer; 0: for ever. Default 10 s.
    pub timeout: Duration,
    /// Connections at most, for each process. Default 10.
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
            bind: None,
            admin: None,
            users_root: UsersRoot::Unset,
            users_base_dn: None,
            search_root: None,
            timeout: Duration::from_secs(10),
            pool_size: 10,
            max_lifetime: Duration::from_secs(600),
            nodes_scheme: Scheme::Https,
        }
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
        bind: read_login(scope, &["bind_user", "bind"], &["bind_password", "passwd"]),
        admin: read_login(scope, &["admin_user"], &["admin_password"]),
        users_root: match users_root {
            None => UsersRoot::Unset,
            Some(root) if root == "md5" => UsersRoot::Md5,
            Some(root) => UsersRoot::Dn(root),
        },
        users_base_dn: scope.get("users_base_dn", None),
        search_root: scope.get("search_root", None),
        timeout: scope.seconds(timeout, default.timeout),
        pool_size: scope.pool_size(pool_size, default.pool_size),
        max_lifetime: scope.seconds(max_lifetime, default.max_lifetime),
        nodes_scheme: scope.get("nodes_scheme", default.nodes_scheme),
    };
    if backend == AuthBackend::Ldap {
        if ldap.uris.is_empty() {
            scope.error(
                "ldapuri",
                "is missing: name the LDAP server, e.g. ldap://localhost",
            );
        }
        if ldap.users_root == UsersRoot::Unset && ldap.search_root.is_none() {
            let text = "is missing: name the DN under which users are, e.g. ou=users,dc=example";
            scope.error("users_root", text);
        }
        let plain = |uri: &String| uri.to_ascii_lowercase().starts_with("ldap://");
        if !ldap.use_tls && ldap.uris.iter().any(plain) {
            let text = "sends passwords in clear: set use_tls = true, or write ldaps://";
            scope.warn("ldapuri", text);
        }
        tell_of_the_other_class(scope);
    }
    ldap
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
            let severity = super::Severity::Warning;
            scope.note(severity, password_key, None, text);
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
