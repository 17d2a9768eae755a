//! Accounts that are made and changed in the original's layout.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::Credential;
use weaved::accounts::Email;
use weaved::accounts::LdapAttributes;
use weaved::accounts::LdapLogin;
use weaved::accounts::LdapSettings;
use weaved::accounts::LdapWriting;
use weaved::accounts::NewAccount;
use weaved::accounts::Refusal;
use weaved::accounts::State;
use weaved::accounts::hash::StoredHash;
use weaved::causes::chain;
use weaved::sync::UserId;

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::support::assert_enters;
use crate::support::assert_refused;
use crate::support::database;
use crate::support::name;
use crate::support::new_account;
use crate::support::new_password;
use crate::support::of_people;
use crate::support::open;
use crate::support::open_on;
use crate::support::password;
use crate::support::writing;

#[test]
fn an_account_is_made_as_the_original_made_it() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    assert!(accounts.accepts_changes());
    let new = new_account("new", Some("new@example.com"), "zoë sesame");
    assert_eq!(accounts.create(&new, 0).unwrap(), UserId(5));
    let entry = slapd.entry("(uid=new)");
    for line in [
        "dn: uidNumber=5,ou=users,dc=mozilla",
        "objectClass: dataStore",
        "objectClass: inetOrgPerson",
        "cn: new",
        "sn: new",
        "uid: new",
        "uidNumber: 5",
        "primaryNode: weave:",
        "account-enabled: Yes",
        "accountStatus: 1",
        "mail: new@example.com",
    ] {
        assert!(entry.lines().any(|found| found == line), "{line}\n{entry}");
    }
    let verified = entry
        .lines()
        .find_map(|line| line.strip_prefix("mail-verified: "));
    assert!(verified.is_some_and(|text| text.len() == 40), "{entry}");
    // `{SSHA}` in base64.
    assert!(entry.contains("userPassword:: e1NTSEF9"), "{entry}");
    assert!(slapd.entry("(cn=maxuid)").contains("uidNumber: 6\n"));
    assert_enters(&accounts, "new", "zoë sesame", 5);
}

#[test]
fn names_that_exist_are_taken() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    let create = |name: &str| accounts.create(&new_account(name, None, "open sesame"), 0);
    assert!(matches!(create("plain"), Err(AccountsError::NameTaken)));
    assert!(matches!(create("Plain"), Err(AccountsError::NameSimilar)));
    let long = "x".repeat(33);
    assert!(matches!(create(&long), Err(AccountsError::NameTooLong)));
    assert!(slapd.entry("(cn=maxuid)").contains("uidNumber: 5\n"));
}

/// Whoever the filter leaves out is there nevertheless, with his name and his number.
#[test]
fn names_and_numbers_of_those_who_may_not_use_sync_are_taken() {
    let slapd = Slapd::start(ORIGINAL);
    slapd.modify(
        "dn: cn=maxuid,ou=users,dc=mozilla\nchangetype: modify\nreplace: uidNumber\nuidNumber: 2\n",
    );
    let accounts = open(LdapSettings {
        filter: "(cn=nobody)".to_owned(),
        ..writing(&slapd)
    });
    assert_eq!(accounts.look_up(&name("plain")).unwrap(), None);
    let create = |name: &str| accounts.create(&new_account(name, None, "open sesame"), 0);
    assert!(matches!(create("plain"), Err(AccountsError::NameTaken)));
    assert_eq!(create("new").unwrap(), UserId(5));
}

#[test]
fn no_number_is_given_twice() {
    let slapd = Slapd::start(ORIGINAL);
    let database = database();
    let accounts = open_on(writing(&slapd), &database);
    let create = |name: &str, floor| {
        let id = accounts.create(&new_account(name, None, "open sesame"), floor);
        id.unwrap().0
    };
    // Above what the storage knows.
    assert_eq!(create("a", 20), 21);
    assert!(slapd.entry("(cn=maxuid)").contains("uidNumber: 22\n"));
    accounts.delete(UserId(21)).unwrap();
    // Somebody has set the number back, and another process serves.
    slapd.modify(
        "dn: cn=maxuid,ou=users,dc=mozilla\nchangetype: modify\nreplace: uidNumber\nuidNumber: 2\n",
    );
    let other = open_on(writing(&slapd), &database);
    let id = other.create(&new_account("b", None, "open sesame"), 0);
    assert_eq!(id.unwrap(), UserId(22));
    assert_eq!(other.highest_id().unwrap(), 22);
}

#[test]
fn numbers_that_the_directory_uses_are_passed_over() {
    let slapd = Slapd::start(ORIGINAL);
    slapd.modify(
        "dn: cn=maxuid,ou=users,dc=mozilla\nchangetype: modify\nreplace: uidNumber\nuidNumber: 2\n",
    );
    let accounts = open(writing(&slapd));
    let id = accounts.create(&new_account("a", None, "open sesame"), 0);
    assert_eq!(id.unwrap(), UserId(5));
}

#[test]
fn many_sign_up_at_once() {
    let slapd = Slapd::start(ORIGINAL);
    // Two processes with a thread each, and two more in one.
    let pools = [open(writing(&slapd)), open(writing(&slapd))];
    let barrier = Barrier::new(4);
    let ids: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> = (0..4)
            .map(|at| {
                let (accounts, barrier) = (&pools[at % 2], &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let new = new_account(&format!("user{at}"), None, "open sesame");
                    accounts.create(&new, 0).unwrap()
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4, "{ids:?}");
}

#[test]
fn one_name_is_never_two_accounts() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    let barrier = Barrier::new(4);
    let made = thread::scope(|scope| {
        let handles: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let new = new_account("same", None, "open sesame");
                    accounts.create(&new, 0).is_ok()
                })
            })
            .collect();
        let made = handles.into_iter().map(|handle| handle.join().unwrap());
        made.filter(|made| *made).count()
    });
    let entries = slapd.entry("(uid=same)").matches("dn: ").count();
    assert!(made <= 1, "{made}");
    assert_eq!(entries, made);
}

#[test]
fn a_missing_number_is_told() {
    let slapd = Slapd::start(ORIGINAL);
    slapd.modify("dn: cn=maxuid,ou=users,dc=mozilla\nchangetype: delete\n");
    let accounts = open(writing(&slapd));
    let error = accounts.create(&new_account("a", None, "open sesame"), 0);
    let text = chain(&error.unwrap_err());
    assert!(text.contains("cn=maxuid,ou=users,dc=mozilla"), "{text}");
}

#[test]
fn only_a_hash_that_the_directory_knows_is_imported() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    let import = |text: &str| {
        let account = NewAccount {
            name: name("old"),
            email: None,
            credential: Credential::Hash(StoredHash::parse(text).unwrap()),
            state: State::Active,
            node: None,
        };
        accounts.create(&account, 0)
    };
    assert!(matches!(
        import("7c6a180b36896a0a8c02787eeafb0e4c"),
        Err(AccountsError::ForeignHash)
    ));
    import("{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==").unwrap();
    assert_enters(&accounts, "old", "password1", 5);
}

const PLAIN: UserId = UserId(2);
const PLAIN_DN: &str = "uidNumber=2,ou=users,dc=mozilla";

#[test]
fn a_user_changes_his_password_himself() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    let old = password("password1");
    accounts
        .set_password(PLAIN, &new_password("пароль два"), Some(&old))
        .unwrap();
    assert_refused(&accounts, "plain", "password1", Refusal::WrongPassword);
    assert_enters(&accounts, "plain", "пароль два", 2);
    assert_eq!(slapd.count("BIND dn=\"cn=admin,dc=mozilla\" method"), 0);
    // The server has chosen the hash; nothing lies there in clear.
    assert!(
        slapd
            .entry("(uid=plain)")
            .contains("userPassword:: e1NTSEF9")
    );
}

#[test]
fn an_administrator_changes_any() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    accounts
        .set_password(PLAIN, &new_password("password2"), None)
        .unwrap();
    assert_enters(&accounts, "plain", "password2", 2);
    accounts
        .set_password(PLAIN, &new_password("password3"), None)
        .unwrap();
    assert_enters(&accounts, "plain", "password3", 2);
    let mail = Email::new("other@example.com").unwrap();
    let right = password("password3");
    accounts
        .set_email(PLAIN, Some(&mail), Some(&right))
        .unwrap();
    let found = accounts.find(&name("plain")).unwrap().unwrap();
    assert_eq!(found.email.unwrap(), "other@example.com");
    accounts.set_email(PLAIN, None, None).unwrap();
    let found = accounts.find(&name("plain")).unwrap().unwrap();
    assert_eq!(found.email, None);
}

/// What is remembered for `ldap_cache` seconds lets a request in, but changes nothing.
#[test]
fn a_password_that_is_no_longer_right_changes_nothing() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    let old = password("password0");
    let before = slapd.entry("(uid=plain)");
    for answer in [
        accounts.set_password(PLAIN, &new_password("password2"), Some(&old)),
        accounts.set_email(PLAIN, None, Some(&old)),
    ] {
        let error = answer.unwrap_err();
        assert!(error.passes(), "{error:?}");
        assert!(!chain(&error).contains("password0"), "{}", chain(&error));
    }
    assert_eq!(slapd.entry("(uid=plain)"), before);
    assert_enters(&accounts, "plain", "password1", 2);
}

/// And with it his records.
#[test]
fn whom_the_directory_does_not_let_go_keeps_his_number() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(writing_people(&slapd));
    let ann = UserId(crate::support::FIRST);
    assert_enters(&accounts, "ann", "ann-secret", ann.0);
    accounts.delete(ann).unwrap_err();
    assert_enters(&accounts, "ann", "ann-secret", ann.0);
}

#[test]
fn accounts_are_locked_unlocked_and_deleted() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(writing(&slapd));
    accounts.set_state(PLAIN, State::Disabled).unwrap();
    assert!(slapd.entry("(uid=plain)").contains("account-enabled: No\n"));
    assert_refused(&accounts, "plain", "password1", Refusal::Disabled);
    accounts.set_state(PLAIN, State::Active).unwrap();
    assert_enters(&accounts, "plain", "password1", 2);
    accounts.delete(PLAIN).unwrap();
    assert_eq!(slapd.entry("(uid=plain)"), "");
    assert!(!slapd.lets_in(PLAIN_DN, "password1"));
    for answer in [
        accounts.delete(PLAIN),
        accounts.set_state(PLAIN, State::Active),
        accounts.set_email(PLAIN, None, None),
        accounts.set_password(PLAIN, &new_password("password2"), None),
    ] {
        assert!(matches!(answer, Err(AccountsError::NotFound)), "{answer:?}");
    }
}

/// What an entry is known by may be any text, and means nothing else in a filter.
#[test]
fn an_entry_is_found_by_what_it_is_known_by() {
    let slapd = Slapd::start(PEOPLE);
    let known = |user: &str, key: &str| {
        slapd.modify(&format!(
            "dn: uid={user},ou=people,dc=example,dc=org\nchangetype: modify\n\
             replace: description\ndescription: {key}\n"
        ));
    };
    known("ann", "*");
    known("zoe", "Zoë)(uid=*");
    let accounts = open(LdapSettings {
        attributes: LdapAttributes {
            key: Some("description".to_owned()),
            ..of_people(&slapd).attributes
        },
        ..writing_people(&slapd)
    });
    for (at, (user, word)) in [("ann", "ann-secret"), ("zoe", "zoë-sécret-пароль")]
        .into_iter()
        .enumerate()
    {
        let id = crate::support::FIRST + i64::try_from(at).unwrap();
        assert_enters(&accounts, user, word, id);
        let mail = Email::new(&format!("{user}@example.net")).unwrap();
        let proof = password(word);
        accounts
            .set_email(UserId(id), Some(&mail), Some(&proof))
            .unwrap();
        let entry = slapd.entry(&format!("(mail={user}@example.net)"));
        assert!(entry.contains(&format!("uid: {user}\n")), "{entry}");
    }
}

/// A directory of an organisation whose users may change their passwords by Sync.
#[test]
fn the_rules_of_the_directory_judge_a_password() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(writing_people(&slapd));
    let old = password("ann-secret");
    assert_enters(&accounts, "ann", "ann-secret", crate::support::FIRST);
    let ann = UserId(crate::support::FIRST);
    let short = accounts.set_password(ann, &new_password("ninechars"), Some(&old));
    assert!(
        matches!(short, Err(AccountsError::PasswordRefused)),
        "{short:?}"
    );
    accounts
        .set_password(ann, &new_password("long enough"), Some(&old))
        .unwrap();
    assert_enters(&accounts, "ann", "long enough", ann.0);
    let state = accounts.set_state(ann, State::Disabled);
    assert!(matches!(state, Err(AccountsError::ReadOnly)), "{state:?}");
    // Our own DN may not write, and says so.
    let denied = accounts.set_password(ann, &new_password("long enough"), None);
    let text = chain(&denied.unwrap_err());
    assert!(text.contains("insufficientAccessRights (50)"), "{text}");
}

/// An ordinary tree in which users may change what is their own.
fn writing_people(slapd: &Slapd) -> LdapSettings {
    LdapSettings {
        attributes: LdapAttributes {
            enabled: None,
            ..of_people(slapd).attributes
        },
        writing: Some(LdapWriting {
            admin: LdapLogin {
                dn: "cn=weaved,ou=services,dc=example,dc=org".to_owned(),
                password: password("service-secret"),
            },
            users: "ou=people,dc=example,dc=org".to_owned(),
            maxuid: "cn=maxuid,ou=people,dc=example,dc=org".to_owned(),
            id: "uidNumber".to_owned(),
            object_classes: vec!["inetOrgPerson".to_owned()],
            account_status: false,
        }),
        ..of_people(slapd)
    }
}
