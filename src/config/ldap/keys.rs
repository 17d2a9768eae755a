//! The table of a directory's keys.

use crate::config::keys::Key;
use crate::config::keys::alias;
use crate::config::keys::unneeded;
use crate::config::keys::used;

/// The keys of a directory, which stand in `[auth]`.
pub(in crate::config) const KEYS: &[Key] = &[
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
