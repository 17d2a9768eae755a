//! What is remembered of a password that the directory has accepted, and when it does not count.

use std::time::Duration;
use std::time::Instant;

use weaved::accounts::Accounts;
use weaved::accounts::LdapAccounts;
use weaved::accounts::LdapSettings;
use weaved::accounts::Login;
use weaved::accounts::Refusal;
use weaved::sync::UserId;

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::slapd::Tree;
use crate::support::assert_enters;
use crate::support::assert_refused;
use crate::support::name;
use crate::support::of_original;
use crate::support::of_people;
use crate::support::open;
use crate::support::password;
use crate::support::try_log_in;

const MINUTE: Duration = Duration::from_secs(60);

fn remembering(settings: LdapSettings) -> LdapAccounts {
    open(LdapSettings {
        remembered: MINUTE,
        ..settings
    })
}

/// How often users have shown their passwords to the directory. (A successful login is two lines.)
fn logins(slapd: &Slapd, dn: &str) -> usize {
    slapd.count(&format!("BIND dn=\"{dn}\" method"))
}

const PLAIN: &str = "uidNumber=2,ou=users,dc=mozilla";
const JOE: &str = "uid=joe,ou=people,dc=example,dc=org";

#[test]
fn a_sync_shows_its_password_to_the_directory_once() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = remembering(of_original(&slapd));
    for _ in 0..20 {
        assert_enters(&accounts, "plain", "password1", 2);
    }
    assert_eq!(logins(&slapd, PLAIN), 1);
    // What was refused is not remembered, and what is remembered lets in nothing else.
    for _ in 0..2 {
        assert_refused(&accounts, "plain", "password2", Refusal::WrongPassword);
    }
    assert_eq!(logins(&slapd, PLAIN), 3);
    // After its time it is shown again.
    let later = Instant::now() + MINUTE;
    let login = accounts.authenticate(&name("plain"), &password("password1"), later);
    assert!(matches!(login.unwrap(), Login::Accepted(_)));
    assert_eq!(logins(&slapd, PLAIN), 4);
}

#[test]
fn nothing_is_remembered_where_that_is_off() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(of_original(&slapd));
    for _ in 0..3 {
        assert_enters(&accounts, "plain", "password1", 2);
    }
    assert_eq!(logins(&slapd, PLAIN), 3);
}

#[test]
fn a_password_changed_in_the_directory_counts_at_once() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = remembering(of_people(&slapd));
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    slapd.modify(&format!(
        "dn: {JOE}\nchangetype: modify\nreplace: userPassword\nuserPassword: joe-again\n"
    ));
    assert_refused(&accounts, "joe", "joe-secret", Refusal::WrongPassword);
    assert_enters(&accounts, "joe", "joe-again", 1001);
}

#[test]
fn an_account_locked_in_the_directory_is_refused_at_once() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = remembering(of_people(&slapd));
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    slapd.modify(&format!(
        "dn: {JOE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n\
         pwdAccountLockedTime: 000001010000Z\n"
    ));
    assert_refused(&accounts, "joe", "joe-secret", Refusal::WrongPassword);
}

/// The policy itself writes nothing of it into the entry's time of change.
#[test]
fn an_account_locked_by_failures_is_refused_at_once() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = remembering(of_people(&slapd));
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    for _ in 0..3 {
        assert!(!slapd.lets_in(JOE, "guess"));
    }
    slapd.lets_locks_count();
    assert_refused(&accounts, "joe", "joe-secret", Refusal::WrongPassword);
}

#[test]
fn an_account_that_is_disabled_or_gone_is_refused_at_once() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = remembering(of_original(&slapd));
    assert_enters(&accounts, "plain", "password1", 2);
    slapd.modify(&format!(
        "dn: {PLAIN}\nchangetype: modify\nreplace: account-enabled\naccount-enabled: No\n"
    ));
    assert_refused(&accounts, "plain", "password1", Refusal::Disabled);
    slapd.modify(&format!("dn: {PLAIN}\nchangetype: delete\n"));
    assert_refused(&accounts, "plain", "password1", Refusal::UnknownName);
}

/// A directory that shows no time of change: then the old password lives on as long as the
/// setting says, and no longer.
#[test]
fn without_a_sign_of_change_an_old_password_lives_as_long_as_the_setting_says() {
    const SILENT: Tree = Tree {
        rules: "access to attrs=userPassword by self write by anonymous auth by * none\n\
                access to attrs=entryCSN,modifyTimestamp by * none\n\
                access to * by * read\n",
        ..ORIGINAL
    };
    let slapd = Slapd::start(SILENT);
    let accounts = remembering(of_original(&slapd));
    assert_enters(&accounts, "plain", "password1", 2);
    slapd.modify(&format!(
        "dn: {PLAIN}\nchangetype: modify\nreplace: userPassword\nuserPassword: password2\n"
    ));
    assert_enters(&accounts, "plain", "password1", 2);
    assert_enters(&accounts, "plain", "password2", 2);
    let later = Instant::now() + MINUTE;
    let login = accounts.authenticate(&name("plain"), &password("password1"), later);
    assert_eq!(login.unwrap(), Login::Refused(Refusal::WrongPassword));
}

#[test]
fn a_password_changed_here_counts_at_once_also_without_a_sign() {
    const SILENT: Tree = Tree {
        rules: "access to attrs=userPassword by self write by anonymous auth by * none\n\
                access to attrs=entryCSN,modifyTimestamp by * none\n\
                access to * by * read\n",
        ..ORIGINAL
    };
    let slapd = Slapd::start(SILENT);
    let accounts = remembering(crate::support::writing(&slapd));
    assert_enters(&accounts, "plain", "password1", 2);
    let new = crate::support::new_password("password2");
    let old = password("password1");
    accounts.set_password(UserId(2), &new, Some(&old)).unwrap();
    assert_refused(&accounts, "plain", "password1", Refusal::WrongPassword);
    assert!(try_log_in(&accounts, "plain", "password2").is_ok());
}
