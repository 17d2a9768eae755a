//! `weaved check` on a directory: what is wrong, and what to change.

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Options;
use crate::suite::run;
use crate::tls::Authority;

/// The lines about the directory, and the exit code.
#[track_caller]
fn checked(slapd: &Slapd, keys: &[(&'static str, &str)]) -> (Option<i32>, Vec<String>) {
    let home = Home::new();
    let mut options = Options::new(Gateway::Http, "")
        .set("auth.backend", "ldap")
        .set("auth.ldapuri", slapd.url());
    for (key, value) in keys {
        options = options.set(key, *value);
    }
    let ini = home.configure(&options).display().to_string();
    let output = run(&["check", &ini], "", home.path());
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("service-secret"), "{text}");
    let lines = text.lines().filter_map(|line| {
        let line = line.strip_prefix("directory of the accounts: ")?;
        Some(line.replace(&slapd.url(), "ldap://slapd"))
    });
    (output.status.code(), lines.collect())
}

const SERVICE: [(&str, &str); 3] = [
    ("auth.bind_user", "cn=weaved,ou=services,dc=example,dc=org"),
    ("auth.bind_password", "service-secret"),
    ("auth.users_root", "ou=people,dc=example,dc=org"),
];

#[track_caller]
fn check(slapd: &Slapd, keys: &[(&'static str, &str)], code: i32, expected: &str) {
    let (found, lines) = checked(slapd, keys);
    assert_eq!(lines, [expected]);
    assert_eq!(found, Some(code));
}

#[test]
fn a_directory_that_serves() {
    let slapd = Slapd::start(PEOPLE);
    check(
        &slapd,
        &SERVICE,
        0,
        "ldap://slapd: serves, and has the users' root",
    );
}

#[test]
fn every_server_is_tried() {
    let slapd = Slapd::start(PEOPLE);
    let uris = format!("{} ldap://127.0.0.1:1", slapd.url());
    let keys = [&SERVICE[..], &[("auth.ldapuri", &uris)]].concat();
    let (code, lines) = checked(&slapd, &keys);
    assert_eq!(code, Some(69));
    assert_eq!(
        lines,
        [
            "ldap://slapd: serves, and has the users' root",
            "ldap://127.0.0.1:1: cannot connect to ldap://127.0.0.1:1: Connection refused \
             (os error 111)",
        ]
    );
}

#[test]
fn what_is_wrong_is_named() {
    let slapd = Slapd::start(PEOPLE);
    let with = |key: &'static str, value: &'static str| {
        let mut keys = SERVICE.to_vec();
        keys.retain(|(known, _)| *known != key);
        keys.push((key, value));
        keys
    };
    check(
        &slapd,
        &with("auth.bind_password", "wrong"),
        69,
        "ldap://slapd: ldap://slapd does not let cn=weaved,ou=services,dc=example,dc=org in: \
         invalidCredentials (49); look at bind_user and bind_password (or admin_user and \
         admin_password)",
    );
    check(
        &slapd,
        &with("auth.users_root", "ou=nobody,dc=example,dc=org"),
        69,
        "ldap://slapd: ldap://slapd has no entry ou=nobody,dc=example,dc=org, or does not show it \
         to cn=weaved,ou=services,dc=example,dc=org; look at search_root, users_root and bind_user",
    );
    check(
        &slapd,
        &[("auth.users_root", "ou=people,dc=example,dc=org")],
        69,
        "ldap://slapd: ldap://slapd has no entry ou=people,dc=example,dc=org, or does not show it \
         to nobody; look at search_root, users_root and bind_user",
    );
    check(
        &slapd,
        &with("auth.use_tls", "true"),
        69,
        "ldap://slapd: cannot connect to ldap://slapd with TLS (use_tls): protocolError (2): \
         unsupported extended operation",
    );
}

#[test]
fn a_directory_in_which_nobody_is_seen() {
    let slapd = Slapd::start(PEOPLE);
    for mistake in [
        ("auth.attr_username", "uidd"),
        ("auth.ldap_filter", "(employeeType=nobody)"),
    ] {
        check(
            &slapd,
            &[&SERVICE[..], &[mistake]].concat(),
            0,
            "ldap://slapd: serves, and has the users' root, but shows no user there; look at \
             attr_username, ldap_filter, and what bind_user may read",
        );
    }
}

#[test]
fn an_authority_that_is_not_trusted_is_named() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let slapd = Slapd::start_with(PEOPLE, Some(&authority));
    let file = stranger.file().display().to_string();
    let tls = [("auth.use_tls", "true"), ("auth.ldap_ca", &file)];
    let (code, lines) = checked(&slapd, &[&SERVICE[..], &tls].concat());
    assert_eq!(code, Some(69));
    assert!(lines[0].contains("invalid peer certificate"), "{lines:?}");
    let file = authority.file().display().to_string();
    let tls = [("auth.use_tls", "true"), ("auth.ldap_ca", &file)];
    let (code, _) = checked(&slapd, &[&SERVICE[..], &tls].concat());
    assert_eq!(code, Some(0));
}

#[test]
fn what_writing_needs_is_looked_for() {
    let slapd = Slapd::start(ORIGINAL);
    let writing = [
        ("auth.users_root", "ou=users,dc=mozilla"),
        ("auth.admin_user", "cn=admin,dc=mozilla"),
        ("auth.admin_password", "admin"),
        ("auth.ldap_write", "true"),
    ];
    check(
        &slapd,
        &writing,
        0,
        "ldap://slapd: serves, and has the users' root",
    );
    let keys = [&writing[..], &[("auth.maxuid", "cn=next,dc=mozilla")]].concat();
    check(
        &slapd,
        &keys,
        69,
        "ldap://slapd: the entry cn=next,dc=mozilla, which holds the next number in uidNumber, is \
         missing or holds none; make it, or name it in maxuid",
    );
}
