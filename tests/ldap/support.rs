//! Accounts over a directory, and short words for what tests do with them.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::Credential;
use weaved::accounts::Email;
use weaved::accounts::LdapAccounts;
use weaved::accounts::LdapAttributes;
use weaved::accounts::LdapLogin;
use weaved::accounts::LdapSettings;
use weaved::accounts::LdapWriting;
use weaved::accounts::Login;
use weaved::accounts::NewAccount;
use weaved::accounts::NewPassword;
use weaved::accounts::Password;
use weaved::accounts::Refusal;
use weaved::accounts::State;
use weaved::accounts::UserName;
use weaved::config::DatabaseUri;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::UserId;

use crate::slapd::Slapd;

/// The first number that weaved gives.
pub(crate) const FIRST: i64 = 1_879_048_192;

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

pub(crate) fn new_password(text: &str) -> NewPassword {
    NewPassword::new(password(text), &name("nobody")).unwrap()
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

pub(crate) fn new_account(text: &str, email: Option<&str>, word: &str) -> NewAccount {
    NewAccount {
        name: name(text),
        email: email.map(|email| Email::new(email).unwrap()),
        credential: Credential::Password(new_password(word)),
        state: State::Active,
        node: None,
    }
}

/// The defaults of the configuration, below this DN.
pub(crate) fn settings(uris: &[String], root: &str) -> LdapSettings {
    LdapSettings {
        uris: uris.to_vec(),
        start_tls: false,
        ca: None,
        bind: None,
        search_root: root.to_owned(),
        filter: String::new(),
        attributes: LdapAttributes {
            name: "uid".to_owned(),
            id: Some("uidNumber".to_owned()),
            key: Some("entryUUID".to_owned()),
            mail: "mail".to_owned(),
            enabled: Some("account-enabled".to_owned()),
            node: Some("primaryNode".to_owned()),
        },
        nodes_scheme: "https".to_owned(),
        check_account_state: true,
        create_tables: true,
        timeout: Duration::from_secs(20),
        pool_size: 4,
        max_lifetime: None,
        remembered: Duration::ZERO,
        writing: None,
    }
}

/// An ordinary tree, read by the DN that serves weaved.
pub(crate) fn of_people(slapd: &Slapd) -> LdapSettings {
    LdapSettings {
        bind: Some(LdapLogin {
            dn: "cn=weaved,ou=services,dc=example,dc=org".to_owned(),
            password: password("service-secret"),
        }),
        ..settings(&[slapd.url()], "dc=example,dc=org")
    }
}

/// The original's layout, read by nobody, and not written.
pub(crate) fn of_original(slapd: &Slapd) -> LdapSettings {
    settings(&[slapd.url()], "ou=users,dc=mozilla")
}

/// The original's layout, written by the administrator.
pub(crate) fn writing(slapd: &Slapd) -> LdapSettings {
    LdapSettings {
        writing: Some(LdapWriting {
            admin: LdapLogin {
                dn: slapd.admin(),
                password: password("admin"),
            },
            users: "ou=users,dc=mozilla".to_owned(),
            maxuid: "cn=maxuid,ou=users,dc=mozilla".to_owned(),
            id: "uidNumber".to_owned(),
            object_classes: vec!["dataStore".to_owned(), "inetOrgPerson".to_owned()],
            account_status: true,
        }),
        ..of_original(slapd)
    }
}

/// A database that lives as long as what was opened on it.
pub(crate) fn database() -> Arc<Database> {
    let options = PoolOptions::default();
    Arc::new(Database::open(&DatabaseUri::SqliteMemory, &options).unwrap())
}

#[track_caller]
pub(crate) fn open(settings: LdapSettings) -> LdapAccounts {
    open_on(settings, &database())
}

#[track_caller]
pub(crate) fn open_on(settings: LdapSettings, database: &Arc<Database>) -> LdapAccounts {
    LdapAccounts::open(settings, Arc::clone(database), UserId(0)).unwrap()
}

pub(crate) fn try_log_in(
    accounts: &LdapAccounts,
    user: &str,
    word: &str,
) -> Result<Login, AccountsError> {
    accounts.authenticate(&name(user), &password(word), Instant::now())
}

#[track_caller]
pub(crate) fn assert_enters(accounts: &LdapAccounts, user: &str, word: &str, id: i64) {
    match try_log_in(accounts, user, word).unwrap() {
        Login::Accepted(account) => assert_eq!(account.id, UserId(id), "{user}"),
        Login::Refused(refusal) => panic!("{user} is refused: {refusal}"),
    }
}

#[track_caller]
pub(crate) fn assert_refused(accounts: &LdapAccounts, user: &str, word: &str, why: Refusal) {
    assert_eq!(
        try_log_in(accounts, user, word).unwrap(),
        Login::Refused(why),
        "{user}"
    );
}
