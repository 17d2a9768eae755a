//! Accounts in a database: tables, names and ids.

use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use weaved::accounts::Account;
use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::Credential;
use weaved::accounts::Email;
use weaved::accounts::Family;
use weaved::accounts::Login;
use weaved::accounts::NewAccount;
use weaved::accounts::Refusal;
use weaved::accounts::SqlSettings;
use weaved::accounts::State;
use weaved::sync::UserId;

use crate::suite::Kind;
use crate::suite::on_every_database;
use crate::support::Base;
use crate::support::FAMILIES;
use crate::support::MD5;
use crate::support::SSHA;
use crate::support::assert_enters;
use crate::support::assert_refused;
use crate::support::imported;
use crate::support::log_in;
use crate::support::name;
use crate::support::new_password;
use crate::support::of;
use crate::support::with_users;

on_every_database! {
    an_account_lives_from_creation_to_removal
    an_account_has_another_name_under_its_id
    an_imported_hash_keeps_its_password
    a_hash_moves_with_its_account
    nothing_can_be_changed_of_an_account_that_is_not
    an_id_is_never_given_twice
    ids_that_run_out_are_an_error
    a_name_is_taken_once_whatever_its_case
    a_name_is_looked_up_as_given_and_then_in_lower_case
    reset_codes_go_with_the_account_and_with_the_old_password
    the_table_with_rows_counts
    a_missing_table_is_made_only_when_it_may_be
    the_list_is_by_id_and_leaves_out_what_is_no_account
    many_threads_make_accounts_with_ids_of_their_own
}

fn an_account_lives_from_creation_to_removal(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        assert_eq!(accounts.highest_id().unwrap(), 0);
        let joe = NewAccount {
            name: name("joe"),
            email: Some(Email::new("joe@example.com").unwrap()),
            credential: Credential::Password(new_password("open sesame")),
            state: State::Active,
            node: None,
        };
        let id = accounts.create(&joe, 0).unwrap();
        assert_eq!(id, UserId(1));
        let mut expected = Account {
            id,
            name: name("joe"),
            email: Some("joe@example.com".into()),
            state: State::Active,
            node: None,
        };
        assert_eq!(
            accounts.find(&name("joe")).unwrap().as_ref(),
            Some(&expected)
        );
        assert_enters(&accounts, "joe", "open sesame", 1);

        accounts.set_email(id, None, None).unwrap();
        expected.email = None;
        accounts
            .set_password(id, &new_password("close sesame"), None)
            .unwrap();
        assert_refused(&accounts, "joe", "open sesame", Refusal::WrongPassword);
        assert_enters(&accounts, "joe", "close sesame", 1);

        accounts.set_state(id, State::Disabled).unwrap();
        expected.state = State::Disabled;
        assert_eq!(accounts.find(&name("joe")).unwrap(), Some(expected));
        assert_refused(&accounts, "joe", "close sesame", Refusal::Disabled);
        assert_refused(&accounts, "joe", "open sesame", Refusal::WrongPassword);
        accounts.set_state(id, State::Active).unwrap();
        assert_enters(&accounts, "joe", "close sesame", 1);

        accounts.delete(id).unwrap();
        assert_eq!(accounts.find(&name("joe")).unwrap(), None);
        assert_refused(&accounts, "joe", "close sesame", Refusal::UnknownName);
    }
}

fn an_imported_hash_keeps_its_password(kind: Kind) {
    for (family, hash) in FAMILIES.into_iter().zip([SSHA, MD5]) {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        let id = accounts.create(&imported("joe", hash), 0).unwrap();
        let Login::Accepted(account) = log_in(&accounts, "joe", "password1") else {
            panic!("{hash} does not fit its password");
        };
        assert_eq!(account.id, id);
        assert_eq!(account.email.as_deref(), Some("joe@example.com"));
    }
}

fn an_account_has_another_name_under_its_id(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        let joe = accounts.create(&imported("joe", SSHA), 0).unwrap();
        accounts.create(&imported("ann", MD5), 0).unwrap();
        assert!(matches!(
            accounts.rename(joe, &name("ann")),
            Err(AccountsError::NameTaken)
        ));
        assert!(matches!(
            accounts.rename(joe, &name("Ann")),
            Err(AccountsError::NameSimilar)
        ));
        assert!(matches!(
            accounts.rename(joe, &name(&"x".repeat(33))),
            Err(AccountsError::NameTooLong)
        ));
        assert_enters(&accounts, "joe", "password1", 1);
        // His own name in other case, the same once more, and another.
        for new in ["Joe", "Joe", "jim"] {
            accounts.rename(joe, &name(new)).unwrap();
            assert_enters(&accounts, new, "password1", 1);
        }
        assert_refused(&accounts, "joe", "password1", Refusal::UnknownName);
        assert!(matches!(
            accounts.rename(UserId(9), &name("new")),
            Err(AccountsError::NotFound)
        ));
    }
}

fn a_hash_moves_with_its_account(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        let joe = accounts.create(&imported("joe", MD5), 0).unwrap();
        let hash = accounts.stored_hash(joe).unwrap();
        assert_eq!(hash.unwrap().as_str(), MD5);
        assert!(matches!(
            accounts.stored_hash(UserId(9)),
            Err(AccountsError::NotFound)
        ));
    }
    // What nobody can log in with is no hash.
    let base = with_users(
        kind,
        &[(3, "odd", Some("nonsense"), None), (4, "none", None, None)],
    );
    let accounts = base.open(of(Family::User));
    for id in [3, 4] {
        assert_eq!(accounts.stored_hash(UserId(id)).unwrap(), None);
    }
}

fn nothing_can_be_changed_of_an_account_that_is_not(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        let id = UserId(7);
        for result in [
            accounts.delete(id),
            accounts.set_email(id, None, None),
            accounts.set_password(id, &new_password("open sesame"), None),
            accounts.set_state(id, State::Active),
        ] {
            assert!(matches!(result, Err(AccountsError::NotFound)), "{result:?}");
        }
    }
}

fn an_id_is_never_given_twice(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        let create = |user: &str, floor| accounts.create(&imported(user, SSHA), floor).unwrap().0;
        assert_eq!(create("a", 0), 1);
        assert_eq!(create("b", 0), 2);
        accounts.delete(UserId(2)).unwrap();
        assert_eq!(create("c", 0), 3);
        // The storage knows of records of user 10.
        assert_eq!(create("d", 10), 11);
        accounts.delete(UserId(11)).unwrap();
        accounts.delete(UserId(3)).unwrap();
        accounts.delete(UserId(1)).unwrap();
        assert_eq!(create("e", 0), 12);
        // The original makes an account, and ours removes it.
        let (table, id) = match family {
            Family::User => (r#""user""#, "userid"),
            Family::Users => ("users", "id"),
        };
        base.run(&format!(
            "INSERT INTO {table} ({id}, username) VALUES (20, 'x')"
        ));
        accounts.delete(UserId(20)).unwrap();
        drop(accounts);
        let accounts = base.open(of(family));
        assert_eq!(accounts.highest_id().unwrap(), 20);
        assert_eq!(
            accounts.create(&imported("f", SSHA), 0).unwrap(),
            UserId(21)
        );
    }
}

fn ids_that_run_out_are_an_error(kind: Kind) {
    let base = Base::new(kind);
    let accounts = base.open(SqlSettings::default());
    let result = accounts.create(&imported("joe", SSHA), i64::MAX);
    assert!(matches!(result, Err(AccountsError::IdsExhausted(i64::MAX))));
    assert_eq!(
        accounts.create(&imported("joe", SSHA), i64::MIN).unwrap(),
        UserId(1)
    );
}

fn a_name_is_taken_once_whatever_its_case(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        accounts.create(&imported("Joe", SSHA), 0).unwrap();
        let create = |user: &str| accounts.create(&imported(user, SSHA), 0);
        assert!(matches!(create("Joe"), Err(AccountsError::NameTaken)));
        for similar in ["joe", "JOE"] {
            assert!(matches!(create(similar), Err(AccountsError::NameSimilar)));
        }
        let long = "x".repeat(33);
        // Who moves in keeps his name, where the column takes it.
        let comes = create(&long).is_ok();
        assert_eq!(comes, kind == Kind::Sqlite);
        let own = NewAccount {
            name: name(&"y".repeat(33)),
            credential: Credential::Password(new_password("open sesame")),
            ..imported("y", SSHA)
        };
        let own = accounts.create(&own, 0);
        assert!(matches!(own, Err(AccountsError::NameTooLong)));
        assert!(create(&long[1..]).is_ok());
    }
}

fn a_name_is_looked_up_as_given_and_then_in_lower_case(kind: Kind) {
    let rows = [
        (1, "joe", Some(SSHA), Some(1)),
        (2, "Joe", Some(SSHA), Some(1)),
        (3, "Eve", Some(SSHA), Some(1)),
    ];
    let base = with_users(kind, &rows);
    let accounts = base.open(SqlSettings::default());
    let id = |user| accounts.find(&name(user)).unwrap().map(|found| found.id.0);
    assert_eq!(id("joe"), Some(1));
    assert_eq!(id("Joe"), Some(2));
    assert_eq!(id("JOE"), Some(1));
    assert_eq!(id("Eve"), Some(3));
    assert_eq!(id("eve"), None);
    assert_eq!(id("EVE"), None);
    assert_enters(&accounts, "JOE", "password1", 1);
}

fn reset_codes_go_with_the_account_and_with_the_old_password(kind: Kind) {
    let base = Base::new(kind);
    let accounts = base.open(of(Family::User));
    let codes = || base.value("SELECT COUNT(*) FROM reset_codes");
    let add = || {
        base.run(
            "INSERT INTO reset_codes VALUES ('1', 'auth', 'AAAA-BBBB-CCCC-DDDD', NULL),
             ('2', 'auth', 'AAAA-BBBB-CCCC-EEEE', NULL)",
        );
    };
    accounts.create(&imported("joe", SSHA), 0).unwrap();
    add();
    accounts
        .set_password(UserId(1), &new_password("open sesame"), None)
        .unwrap();
    assert_eq!(codes(), "1");
    base.run("DELETE FROM reset_codes");
    add();
    accounts.delete(UserId(1)).unwrap();
    assert_eq!(codes(), "1");
    // Not an account: nothing is removed with it.
    assert!(accounts.delete(UserId(2)).is_err());
    assert_eq!(codes(), "1");

    let base = Base::new(kind);
    let accounts = base.open(of(Family::Users));
    accounts.create(&imported("joe", SSHA), 0).unwrap();
    base.run("UPDATE users SET reset = 'AAAA-BBBB-CCCC-DDDD', reset_expiration = '2026-01-01'");
    accounts
        .set_password(UserId(1), &new_password("open sesame"), None)
        .unwrap();
    let left = "SELECT COUNT(*) FROM users WHERE reset IS NULL AND reset_expiration IS NULL";
    assert_eq!(base.value(left), "1");
}

fn the_table_with_rows_counts(kind: Kind) {
    let users = "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(32),
         password_hash VARCHAR(128), email VARCHAR(64), status INTEGER);";
    let user = r#"CREATE TABLE "user" (userid INTEGER PRIMARY KEY, username VARCHAR(32) UNIQUE,
         password VARCHAR(128), "accountStatus" INTEGER, mail VARCHAR(64), "mailVerified" INTEGER,
         "syncNode" VARCHAR(64));"#;
    let in_users = "INSERT INTO users (id, username) VALUES (1, 'joe'), (2, 'eve');";
    let in_user = r#"INSERT INTO "user" (userid, username) VALUES (1, 'joe');"#;
    let check = |sql: &[&str], configured: Family, expected: Family| {
        let base = Base::new(kind);
        base.run(&sql.concat());
        let found = base.open(of(configured)).family();
        assert_eq!(found, expected, "{sql:?}, {configured:?}");
    };
    check(&[], Family::User, Family::User);
    check(&[], Family::Users, Family::Users);
    check(&[users], Family::User, Family::User);
    check(&[user, users], Family::Users, Family::Users);
    check(&[user, users, in_users], Family::User, Family::Users);
    check(&[user, users, in_user], Family::Users, Family::User);
    check(&[users, in_users], Family::User, Family::Users);

    let base = Base::new(kind);
    base.run(&[user, users, in_user, in_users].concat());
    let Err(error) = base.try_open(SqlSettings::default()) else {
        panic!("both tables with rows are accepted");
    };
    assert!(matches!(
        error,
        AccountsError::TwoFamilies { user: 1, users: 2 }
    ));
    assert_eq!(
        error.to_string(),
        "both account tables hold accounts: \"user\" has 1, \"users\" has 2; keep the one that \
         is in use, and rename or empty the other (the newer server's is \"user\")"
    );
}

fn a_missing_table_is_made_only_when_it_may_be(kind: Kind) {
    for (family, table) in FAMILIES.into_iter().zip(["user", "users"]) {
        let base = Base::new(kind);
        let closed = SqlSettings {
            create_tables: false,
            ..of(family)
        };
        let Err(AccountsError::TableMissing { table: missing }) = base.try_open(closed.clone())
        else {
            panic!("{table} is missing, but accepted");
        };
        assert_eq!(missing, table);
        drop(base.open(of(family)));
        assert_eq!(base.open(closed).family(), family);
    }
}

fn the_list_is_by_id_and_leaves_out_what_is_no_account(kind: Kind) {
    for family in FAMILIES {
        let base = Base::new(kind);
        let accounts = base.open(of(family));
        for user in ["joe", "eve", "bob"] {
            accounts.create(&imported(user, SSHA), 0).unwrap();
        }
        accounts.set_state(UserId(2), State::Disabled).unwrap();
        let (table, id) = match family {
            Family::User => (r#""user""#, "userid"),
            Family::Users => ("users", "id"),
        };
        base.run(&format!(
            "INSERT INTO {table} ({id}, username) VALUES (9, 'no name')"
        ));
        let mut listed = Vec::new();
        accounts
            .list(&mut |account| listed.push((account.id.0, account.name, account.state)))
            .unwrap();
        let expected = [
            (1, name("joe"), State::Active),
            (2, name("eve"), State::Disabled),
            (3, name("bob"), State::Active),
        ];
        assert_eq!(listed, expected);
        assert_eq!(accounts.highest_id().unwrap(), 9);
    }
}

fn many_threads_make_accounts_with_ids_of_their_own(kind: Kind) {
    let base = Base::new(kind);
    let accounts = base.open(SqlSettings::default());
    let mut ids = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let accounts = &accounts;
                scope.spawn(move || {
                    (0..5)
                        .map(|n| {
                            let user = format!("user-{thread}-{n}");
                            accounts.create(&imported(&user, SSHA), 0).unwrap().0
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ids = threads.into_iter().flat_map(|made| made.join().unwrap());
        ids.collect::<Vec<_>>()
    });
    ids.sort_unstable();
    assert_eq!(ids, (1..=40).collect::<Vec<_>>());
}

#[test]
fn a_locked_database_is_busy_and_passes() {
    let base = Base::new(Kind::Sqlite);
    let accounts = base.open_impatient(Duration::from_millis(200));
    let blocker = Connection::open(base.file()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = accounts.create(&imported("joe", SSHA), 0).unwrap_err();
    assert!(matches!(error, AccountsError::Busy(_)), "{error:?}");
    assert!(error.passes());
    blocker.execute_batch("ROLLBACK").unwrap();
    assert!(accounts.create(&imported("joe", SSHA), 0).is_ok());
}
