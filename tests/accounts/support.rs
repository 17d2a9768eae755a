//! A database file, and short words for what tests of accounts do with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::FromSql;
use tempfile::TempDir;
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
use weaved::accounts::UserName;
use weaved::accounts::hash::StoredHash;
use weaved::config::DatabaseUri;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::UserId;

pub(crate) const FAMILIES: [Family; 2] = [Family::User, Family::Users];

/// `password1` in the oldest format, and as FSyncMS had it.
pub(crate) const SSHA: &str = "{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==";
pub(crate) const MD5: &str = "7c6a180b36896a0a8c02787eeafb0e4c";

/// A database file that is removed in the end.
pub(crate) struct File {
    _folder: TempDir,
    pub(crate) path: PathBuf,
}

impl File {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.db");
        Self {
            _folder: folder,
            path,
        }
    }

    pub(crate) fn try_open(&self, settings: SqlSettings) -> Result<SqlAccounts, AccountsError> {
        self.open_with(&PoolOptions::default(), settings)
    }

    /// One that gives up early when others hold the file.
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
        let uri = DatabaseUri::SqliteFile(self.path.clone());
        SqlAccounts::open(Arc::new(Database::open(&uri, options).unwrap()), settings)
    }

    pub(crate) fn open(&self, settings: SqlSettings) -> SqlAccounts {
        self.try_open(settings).unwrap()
    }

    /// What another program does with the file.
    pub(crate) fn run(&self, sql: &str) {
        let connection = Connection::open(&self.path).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// The one value that a query answers.
    pub(crate) fn value<T: FromSql>(&self, sql: &str) -> T {
        let connection = Connection::open(&self.path).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

pub(crate) fn of(family: Family) -> SqlSettings {
    SqlSettings {
        family,
        ..SqlSettings::default()
    }
}

/// An empty `user` as the original made it, filled by `rows`: id, name, hash, status.
pub(crate) fn with_users(rows: &[(i64, &str, Option<&str>, Option<i64>)]) -> File {
    let file = File::new();
    drop(file.open(of(Family::User)));
    let connection = Connection::open(&file.path).unwrap();
    for row in rows {
        let sql = r#"INSERT INTO "user" (userid, username, password, "accountStatus")
                     VALUES (?, ?, ?, ?)"#;
        connection.execute(sql, *row).unwrap();
    }
    file
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
