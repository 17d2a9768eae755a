//! A fresh database, and short words for what tests of accounts do with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::Credential;
use weaved::accounts::Email;
use weaved::accounts::Family;
use weaved::accounts::Login;
use weaved::accounts::NewAccount;
use weaved::accounts::NewPassword;
use weaved::accounts::Password;
use weaved::accounts::Refusal;
use weaved::accounts::SqlAccounts;
use weaved::accounts::SqlSettings;
use weaved::accounts::State;
use weaved::accounts::UserName;
use weaved::accounts::hash::StoredHash;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::UserId;

use crate::suite::Ground;
use crate::suite::Kind;

pub(crate) const FAMILIES: [Family; 2] = [Family::User, Family::Users];

/// `password1` in the oldest format, and as FSyncMS had it.
pub(crate) const SSHA: &str = "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==";
pub(crate) const MD5: &str = "7c6a180b36896a0a8c02787eeafb0e4c";

/// A fresh database for accounts.
pub(crate) struct Base(Ground);

impl Base {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Ground::fresh(kind))
    }

    pub(crate) fn try_open(&self, settings: SqlSettings) -> Result<SqlAccounts, AccountsError> {
        self.open_with(&PoolOptions::default(), settings)
    }

    /// One that gives up early when others hold the database.
    pub(crate) fn open_impatient(&self, timeout: Duration) -> SqlAccounts {
        let options = PoolOptions {
            timeout,
            ..PoolOptions::default()
        };
        self.open_with(&options, SqlSettings::default()).unwrap()
    }

    fn open_with(
        &self,
        options: &PoolOptions,
        settings: SqlSettings,
    ) -> Result<SqlAccounts, AccountsError> {
        let uri = self.0.uri().parse().unwrap();
        SqlAccounts::open(Arc::new(Database::open(&uri, options).unwrap()), settings)
    }

    pub(crate) fn open(&self, settings: SqlSettings) -> SqlAccounts {
        self.try_open(settings).unwrap()
    }

    /// The file of SQLite's.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.file()
    }

    /// What another program does with the database.
    #[track_caller]
    pub(crate) fn run(&self, sql: &str) {
        self.0.run_sql(sql);
    }

    /// The one value that a query answers.
    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> String {
        self.0.value(sql)
    }
}

pub(crate) fn of(family: Family) -> SqlSettings {
    SqlSettings {
        family,
        ..SqlSettings::default()
    }
}

/// An empty `user` as the original made it, filled by `rows`: id, name, hash, status.
pub(crate) fn with_users(kind: Kind, rows: &[(i64, &str, Option<&str>, Option<i64>)]) -> Base {
    let base = Base::new(kind);
    drop(base.open(of(Family::User)));
    let mut sql = String::new();
    for (id, name, hash, status) in rows {
        let hash = hash.map_or("NULL".to_owned(), |hash| format!("'{hash}'"));
        let status = status.map_or("NULL".to_owned(), |status| status.to_string());
        sql += &format!(
            r#"INSERT INTO "user" (userid, username, password, "accountStatus")
               VALUES ({id}, '{name}', {hash}, {status});"#
        );
    }
    base.run(&sql);
    base
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

pub(crate) fn new_password(text: &str) -> NewPassword {
    NewPassword::new(Password::new(text.to_owned()), &name("nobody")).unwrap()
}

pub(crate) fn imported(text: &str, hash: &str) -> NewAccount {
    NewAccount {
        name: name(text),
        email: Some(Email::new("joe@example.com").unwrap()),
        credential: Credential::Hash(StoredHash::parse(hash).unwrap()),
        state: State::Active,
        node: None,
    }
}

pub(crate) fn log_in(accounts: &SqlAccounts, user: &str, password: &str) -> Login {
    let password = Password::new(password.to_owned());
    accounts
        .authenticate(&name(user), &password, Instant::now())
        .unwrap()
}

#[track_caller]
pub(crate) fn assert_enters(accounts: &SqlAccounts, user: &str, password: &str, id: i64) {
    match log_in(accounts, user, password) {
        Login::Accepted(account) => assert_eq!(account.id, UserId(id)),
        Login::Refused(refusal) => panic!("{user} is refused: {refusal}"),
    }
}

#[track_caller]
pub(crate) fn assert_refused(accounts: &SqlAccounts, user: &str, password: &str, refusal: Refusal) {
    assert_eq!(log_in(accounts, user, password), Login::Refused(refusal));
}
