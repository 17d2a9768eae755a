//! Databases that the original server wrote, opened as they are: every account of every era logs
//! in, and the original could go on with the file afterwards.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;
use weaved::accounts::Accounts;
use weaved::accounts::Credential;
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
use weaved::accounts::hash::HashScheme;
use weaved::accounts::names;
use weaved::config::DatabaseUri;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::sync::UserId;

/// A copy of one era's database, and who is in it.
struct Original {
    _folder: TempDir,
    file: PathBuf,
    family: Family,
    users: Vec<User>,
}

struct User {
    id: UserId,
    name: UserName,
    email: String,
    password: String,
}

fn originals() -> [Original; 3] {
    [
        original("2011", Family::Users),
        original("2012", Family::User),
        original("2013", Family::User),
    ]
}

fn original(era: &str, family: Family) -> Original {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sync.db");
    fs::copy(fixtures.join(format!("server-full-{era}.sqlite")), &file).unwrap();
    let told = fs::read(fixtures.join(format!("server-full-{era}.json"))).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let users = (1..).zip(told["users"].as_array().unwrap());
    let users = users.map(|(id, user)| User {
        id: UserId(id),
        name: UserName::new(&text(&user["username"])).unwrap(),
        email: text(&user["email"]),
        password: text(&user["password"]),
    });
    Original {
        users: users.collect(),
        _folder: folder,
        file,
        family,
    }
}

impl Original {
    fn open(&self, settings: SqlSettings) -> SqlAccounts {
        let uri = DatabaseUri::SqliteFile(self.file.clone());
        let database = Database::open(&uri, &PoolOptions::default()).unwrap();
        SqlAccounts::open(Arc::new(database), settings).unwrap()
    }

    /// All that the original's tables say of accounts.
    fn rows(&self) -> Vec<Vec<Value>> {
        let connection = Connection::open(&self.file).unwrap();
        let mut all = Vec::new();
        for table in ["user", "users", "reset_codes"] {
            let Ok(mut statement) = connection.prepare(&format!("SELECT * FROM \"{table}\""))
            else {
                continue;
            };
            let width = statement.column_count();
            let rows = statement.query_map([], |row| (0..width).map(|i| row.get(i)).collect());
            all.extend(rows.unwrap().map(Result::unwrap));
        }
        all
    }

    /// The stored hashes, by id.
    fn hashes(&self) -> Vec<String> {
        let sql = match self.family {
            Family::User => "SELECT password FROM user ORDER BY userid",
            Family::Users => "SELECT password_hash FROM users ORDER BY id",
        };
        let connection = Connection::open(&self.file).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn log_in(accounts: &SqlAccounts, name: &UserName, password: &str) -> Login {
    let password = Password::new(password.to_owned());
    accounts
        .authenticate(name, &password, Instant::now())
        .unwrap()
}

#[track_caller]
fn assert_all_enter(original: &Original, accounts: &SqlAccounts) {
    for user in &original.users {
        let Login::Accepted(account) = log_in(accounts, &user.name, &user.password) else {
            panic!("{} is refused in {:?}", user.email, original.family);
        };
        assert_eq!((account.id, &account.name), (user.id, &user.name));
        assert_eq!(account.email.as_deref(), Some(user.email.as_str()));
        assert!(names::matches(&user.email, &account.name));
        let wrong = log_in(accounts, &user.name, &format!("{}x", user.password));
        assert_eq!(wrong, Login::Refused(Refusal::WrongPassword));
    }
}

#[test]
fn every_account_of_every_era_logs_in() {
    for original in originals() {
        // The table that the settings name does not count, the rows do.
        for family in [Family::User, Family::Users] {
            let accounts = original.open(SqlSettings {
                create_tables: false,
                family,
                ..SqlSettings::default()
            });
            assert_eq!(accounts.family(), original.family);
            assert_all_enter(&original, &accounts);
        }
    }
}

#[test]
fn without_rehash_logins_leave_the_originals_rows_as_they_are() {
    for original in originals() {
        let before = original.rows();
        assert_eq!(before.len(), 3);
        let accounts = original.open(SqlSettings {
            rehash: false,
            ..SqlSettings::default()
        });
        assert_all_enter(&original, &accounts);
        assert_eq!(original.rows(), before);
    }
}

#[test]
fn with_rehash_the_first_login_replaces_the_hash_and_nothing_else() {
    for original in originals() {
        let before = original.rows();
        let accounts = original.open(SqlSettings::default());
        assert_all_enter(&original, &accounts);
        let hashes = original.hashes();
        assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$")));
        for (old, new) in before.iter().zip(original.rows()) {
            let changed = old.iter().zip(&new).filter(|(old, new)| old != new);
            assert_eq!(changed.count(), 1, "{old:?} became {new:?}");
        }
        // Also for a process that has no memory of it, and with no further change.
        assert_all_enter(&original, &original.open(SqlSettings::default()));
        assert_eq!(original.hashes(), hashes);
    }
}

#[test]
fn the_originals_last_format_can_be_kept_and_restored() {
    let sscrypt = || SqlSettings {
        scheme: HashScheme::Sscrypt,
        ..SqlSettings::default()
    };
    for original in originals() {
        assert_all_enter(&original, &original.open(sscrypt()));
        let hashes = original.hashes();
        assert!(hashes.iter().all(|hash| hash.starts_with("{SSCRYPT}")));
        assert_all_enter(&original, &original.open(SqlSettings::default()));
        assert_ne!(original.hashes(), hashes);
        assert_all_enter(&original, &original.open(sscrypt()));
        let hashes = original.hashes();
        assert!(hashes.iter().all(|hash| hash.starts_with("{SSCRYPT}")));
    }
}

#[test]
fn a_new_account_in_an_old_database_gets_a_new_id() {
    for original in originals() {
        let accounts = original.open(SqlSettings::default());
        let name = UserName::new("newcomer").unwrap();
        let password = Password::new("a good password".into());
        let password = NewPassword::new(password, &name).unwrap();
        let newcomer = NewAccount {
            name,
            email: None,
            credential: Credential::Password(password),
            state: State::Active,
            node: None,
        };
        assert_eq!(accounts.create(&newcomer, 0).unwrap(), UserId(4));
        accounts.delete(UserId(4)).unwrap();
        accounts.delete(UserId(3)).unwrap();
        assert_eq!(accounts.create(&newcomer, 0).unwrap(), UserId(5));
    }
}
