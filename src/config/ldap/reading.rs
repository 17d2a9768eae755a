//! From what is written to the settings, and what is wrong with them.

use super::Attributes;
use super::Ldap;
use super::Login;
use super::UsersRoot;
use crate::config::AuthBackend;
use crate::config::Secret;
use crate::config::problem::Severity;
use crate::config::reader::Scope;
use crate::config::values::Wanted;

/// Reads the keys; what is missing is told when the back end is LDAP.
pub(in crate::config) fn read(scope: &mut Scope<'_>, backend: AuthBackend) -> Ldap {
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
    for key in ["users_root", "users_base_dn", "search_root", "maxuid"] {
        let is_wrong = |text: &str| !text.contains('=') && (key, text) != ("users_root", "md5");
        if scope.found(key).is_some_and(|found| is_wrong(&found.text)) {
            scope.error(key, "is no DN, e.g. ou=people,dc=example,dc=org");
        }
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
    if text.contains('@') {
        // And a password, perhaps, which listings would show.
        return Err(Wanted::new(
            "names a user: write him into bind_user and bind_password",
        ));
    }
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
}
