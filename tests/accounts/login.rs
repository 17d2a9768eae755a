//! Logins against accounts in a database: who enters, who does not, and at what cost.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;
use weaved::accounts::Accounts;
use weaved::accounts::Family;
use weaved::accounts::Login;
use weaved::accounts::Password;
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

/// `pässwörd`.
const OTHER: &str = "{SSHA-256}dlcf6vZ/88Tx1WmcSwsxXAgHK7gN/ZpngbtEGhek4MkwMTIzNDU2Nw==";

on_every_database! {
    every_kind_of_hash_logs_in_and_no_damaged_one_does
    a_change_by_another_process_counts_at_once
    the_state_of_accounts_can_be_ignored
    of_two_rows_with_one_name_the_one_whose_password_fits_counts
}

fn every_kind_of_hash_logs_in_and_no_damaged_one_does(kind: Kind) {
    let rows = [
        (1, "ssha", Some(SSHA), Some(1)),
        (2, "md5", Some(MD5), Some(1)),
        (3, "null", None, Some(1)),
        (4, "plain", Some("password1"), Some(1)),
        (5, "cut", Some("{SSHA}dk58FHRTdppKv7yPvVBv"), Some(1)),
        (6, "empty", Some(""), Some(1)),
    ];
    let base = with_users(kind, &rows);
    let accounts = base.open(SqlSettings::default());
    assert_enters(&accounts, "ssha", "password1", 1);
    assert_enters(&accounts, "md5", "password1", 2);
    for user in ["null", "plain", "cut", "empty"] {
        for password in ["password1", user] {
            assert_refused(&accounts, user, password, Refusal::UnusableHash);
        }
    }
    for user in ["ssha", "md5", "null", "empty", "nobody"] {
        assert_refused(&accounts, user, "", Refusal::EmptyPassword);
    }
}

#[test]
fn a_refusal_costs_one_hash_whether_the_name_exists_or_not() {
    let rows = [
        (1, "joe", Some(SSHA), Some(1)),
        (2, "eve", Some(MD5), Some(0)),
        (3, "bob", None, Some(1)),
    ];
    let base = with_users(Kind::Sqlite, &rows);
    let accounts = base.open(SqlSettings::default());
    for (user, password) in [
        ("joe", "wrong"),
        ("joe", "wrong"),
        ("eve", "wrong"),
        ("eve", "password1"),
        ("bob", "wrong"),
        ("nobody", "wrong"),
        // The password of the account that stands in opens nothing.
        ("nobody", "password1"),
        ("somebody", "password1"),
        ("anybody", "password1"),
    ] {
        let before = accounts.verifications();
        assert!(matches!(
            log_in(&accounts, user, password),
            Login::Refused(_)
        ));
        assert_eq!(accounts.verifications() - before, 1, "{user} {password}");
    }
}

#[test]
fn without_any_account_a_refusal_costs_one_hash_too() {
    for family in FAMILIES {
        let base = Base::new(Kind::Sqlite);
        let accounts = base.open(of(family));
        assert_refused(&accounts, "joe", "wrong", Refusal::UnknownName);
        assert_eq!(accounts.verifications(), 1);
    }
}

#[test]
fn a_verified_password_is_remembered_for_minutes() {
    let base = Base::new(Kind::Sqlite);
    let accounts = base.open(SqlSettings::default());
    accounts.create(&imported("joe", SSHA), 0).unwrap();
    let now = Instant::now();
    let password = Password::new("password1".into());
    let log_in = |now| accounts.authenticate(&name("joe"), &password, now).unwrap();
    for _ in 0..10 {
        assert!(matches!(log_in(now), Login::Accepted(_)));
    }
    assert_eq!(accounts.verifications(), 1);
    assert!(matches!(
        log_in(now + Duration::from_secs(301)),
        Login::Accepted(_)
    ));
    assert_eq!(accounts.verifications(), 2);
}

fn a_change_by_another_process_counts_at_once(kind: Kind) {
    let base = with_users(kind, &[(1, "joe", Some(SSHA), Some(1))]);
    let here = base.open(SqlSettings::default());
    let there = base.open(SqlSettings::default());
    assert_enters(&here, "joe", "password1", 1);
    there.set_state(UserId(1), State::Disabled).unwrap();
    assert_refused(&here, "joe", "password1", Refusal::Disabled);
    there.set_state(UserId(1), State::Active).unwrap();
    assert_enters(&here, "joe", "password1", 1);
    there
        .set_password(UserId(1), &new_password("open sesame"), None)
        .unwrap();
    assert_refused(&here, "joe", "password1", Refusal::WrongPassword);
    assert_enters(&here, "joe", "open sesame", 1);
    there.delete(UserId(1)).unwrap();
    assert_refused(&here, "joe", "open sesame", Refusal::UnknownName);
}

fn the_state_of_accounts_can_be_ignored(kind: Kind) {
    let rows = [
        (1, "joe", Some(SSHA), Some(0)),
        (2, "eve", Some(SSHA), None),
    ];
    let base = with_users(kind, &rows);
    let accounts = base.open(SqlSettings::default());
    assert_refused(&accounts, "joe", "password1", Refusal::Disabled);
    assert_refused(&accounts, "eve", "password1", Refusal::Disabled);
    let accounts = base.open(SqlSettings {
        check_account_state: false,
        ..SqlSettings::default()
    });
    assert_enters(&accounts, "joe", "password1", 1);
    assert_enters(&accounts, "eve", "password1", 2);
}

fn of_two_rows_with_one_name_the_one_whose_password_fits_counts(kind: Kind) {
    let base = Base::new(kind);
    let accounts = base.open(of(Family::Users));
    // The third is `password1` again, and disabled.
    base.run(&format!(
        "INSERT INTO users (id, username, password_hash, status) VALUES
         (1, 'joe', '{SSHA}', 1),
         (2, 'joe', '{OTHER}', 1),
         (3, 'joe', '{MD5}', 0)"
    ));
    for _ in 0..2 {
        assert_enters(&accounts, "joe", "pässwörd", 2);
        assert_enters(&accounts, "joe", "password1", 1);
        assert_refused(&accounts, "joe", "wrong", Refusal::WrongPassword);
    }
    accounts.set_state(UserId(1), State::Disabled).unwrap();
    assert_refused(&accounts, "joe", "password1", Refusal::Disabled);
    assert_eq!(accounts.find(&name("joe")).unwrap().unwrap().id, UserId(2));
}

#[test]
fn a_login_stands_although_its_new_hash_cannot_be_written() {
    let base = with_users(Kind::Sqlite, &[(1, "joe", Some(SSHA), Some(1))]);
    let accounts = base.open(SqlSettings::default());
    let blocker = Connection::open(base.file()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_enters(&accounts, "joe", "password1", 1);
    blocker.execute_batch("ROLLBACK").unwrap();
    assert_eq!(base.value("SELECT password FROM user"), SSHA);
    // Remembered under the old hash; the next process writes the new one.
    assert_enters(&accounts, "joe", "password1", 1);
    assert_eq!(accounts.verifications(), 1);
    assert_enters(&base.open(SqlSettings::default()), "joe", "password1", 1);
    assert!(
        base.value("SELECT password FROM user")
            .starts_with("$argon2id$")
    );
}

#[test]
fn a_new_hash_never_undoes_a_change_of_password() {
    let base = with_users(Kind::Sqlite, &[(1, "joe", Some(SSHA), Some(1))]);
    let accounts = base.open(SqlSettings::default());
    let other = Connection::open(base.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert_enters(&accounts, "joe", "password1", 1));
        // The login has read the old hash, and cannot write the new one before us.
        while accounts.verifications() == 0 {
            thread::yield_now();
        }
        other
            .execute_batch(&format!("UPDATE user SET password = '{OTHER}'; COMMIT"))
            .unwrap();
    });
    assert_eq!(base.value("SELECT password FROM user"), OTHER);
    assert_refused(&accounts, "joe", "password1", Refusal::WrongPassword);
    assert_enters(&accounts, "joe", "pässwörd", 1);
}
