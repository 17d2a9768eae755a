//! Who is let in, as whom, and who is not.

use weaved::accounts::Account;
use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::LdapAttributes;
use weaved::accounts::LdapSettings;
use weaved::accounts::Refusal;
use weaved::accounts::State;
use weaved::sync::UserId;

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::support::FIRST;
use crate::support::assert_enters;
use crate::support::assert_refused;
use crate::support::database;
use crate::support::name;
use crate::support::of_original;
use crate::support::of_people;
use crate::support::open;
use crate::support::open_on;

#[test]
fn the_originals_layout_is_served_as_it_is() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(of_original(&slapd));
    let alice = "7qrzrjz52vgwen6e7w2y7v6xknd46wxt";
    assert_enters(&accounts, alice, "password1", 1);
    assert_enters(&accounts, "plain", "password1", 2);
    assert_refused(&accounts, "plain", "password2", Refusal::WrongPassword);
    assert_refused(&accounts, "plain", "", Refusal::EmptyPassword);
    assert_refused(&accounts, "disabled", "password1", Refusal::Disabled);
    assert_refused(&accounts, "disabled", "password2", Refusal::WrongPassword);
    assert_refused(&accounts, "nobody", "password1", Refusal::UnknownName);
    assert_eq!(
        accounts.find(&name(alice)).unwrap(),
        Some(Account {
            id: UserId(1),
            name: name(alice),
            email: Some("alice@example.com".to_owned()),
            state: State::Active,
            node: None,
        })
    );
    let elsewhere = accounts.find(&name("elsewhere")).unwrap().unwrap();
    assert_eq!(elsewhere.node.unwrap(), "https://sync7.example.com/");
    let mut listed = Vec::new();
    accounts
        .list(&mut |account| listed.push((account.id.0, account.state)))
        .unwrap();
    let active = State::Active;
    assert_eq!(
        listed,
        [(1, active), (2, active), (3, State::Disabled), (4, active)]
    );
}

#[test]
fn a_disabled_account_enters_where_its_state_is_not_looked_at() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(LdapSettings {
        check_account_state: false,
        ..of_original(&slapd)
    });
    assert_enters(&accounts, "disabled", "password1", 3);
    let attributes = LdapAttributes {
        enabled: None,
        ..of_original(&slapd).attributes
    };
    let accounts = open(LdapSettings {
        attributes,
        ..of_original(&slapd)
    });
    assert_enters(&accounts, "disabled", "password1", 3);
}

#[test]
fn an_ordinary_tree_is_served_by_search_and_bind() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    assert_enters(&accounts, "ann", "ann-secret", FIRST);
    assert_enters(&accounts, "beth", "Beth-secret", FIRST + 1);
    assert_enters(&accounts, "BETH", "Beth-secret", FIRST + 1);
    assert_enters(&accounts, "zoe", "zoë-sécret-пароль", FIRST + 2);
    assert_enters(&accounts, "jane.doe", "jane-secret", FIRST + 3);
    assert_enters(&accounts, "jane", "jane-secret", FIRST + 3);
    assert_enters(&accounts, "root", "root-secret", FIRST + 4);
    assert_enters(&accounts, "huge", "huge-secret", FIRST + 5);
    assert_refused(&accounts, "joe", "Joe-secret", Refusal::WrongPassword);
    assert_refused(&accounts, "zoe", "zoe-secret", Refusal::WrongPassword);
    assert_refused(&accounts, "twin", "twin-secret", Refusal::AmbiguousName);
    assert_refused(&accounts, "nopass", "nopass-secret", Refusal::WrongPassword);
    assert_refused(&accounts, "locked", "locked-secret", Refusal::WrongPassword);
    assert_refused(&accounts, "weaved", "service-secret", Refusal::UnknownName);
    assert!(matches!(
        accounts.find(&name("twin")),
        Err(AccountsError::NameAmbiguous)
    ));
    let ann = accounts.find(&name("Ann")).unwrap().unwrap();
    assert_eq!((ann.id.0, ann.name.as_str()), (FIRST, "ann"));
    let email = ann.email.unwrap();
    assert!(email.starts_with("ann@example."), "{email}");
}

/// A name comes from a URL, which holds no more than letters, digits and three signs: what else
/// a filter understands cannot be in it. What the type lets through means nothing but itself.
#[test]
fn no_name_and_no_password_is_more_than_a_text() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    for odd in ["*", "*)(uid=*", "joe)(|(uid=*", "joe\\", "joe\0", ""] {
        assert!(weaved::accounts::UserName::new(odd).is_err(), "{odd}");
    }
    for odd in ["j.e", "jo-", "_", "..", "-joe"] {
        assert_refused(&accounts, odd, "joe-secret", Refusal::UnknownName);
    }
    // Each by another user: three failures lock him.
    for (user, word) in [("joe", "*"), ("ann", "*)(uid=*"), ("beth", "Beth-secret\0")] {
        assert_refused(&accounts, user, word, Refusal::WrongPassword);
    }
}

#[test]
fn a_policy_of_the_directory_counts() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    for _ in 0..3 {
        assert_refused(&accounts, "joe", "guess", Refusal::WrongPassword);
    }
    slapd.lets_locks_count();
    // Nobody else's failures are his: unknown names are tried on nobody's entry.
    assert_refused(&accounts, "joe", "joe-secret", Refusal::WrongPassword);
    for _ in 0..5 {
        assert_refused(&accounts, "stranger", "ann-secret", Refusal::UnknownName);
        assert_refused(&accounts, "twin", "ann-secret", Refusal::AmbiguousName);
    }
    assert_enters(&accounts, "ann", "ann-secret", FIRST);
}

#[test]
fn a_filter_says_who_is_a_user() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(LdapSettings {
        filter: "(!(employeeType=guest))".to_owned(),
        ..of_people(&slapd)
    });
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    assert_refused(&accounts, "guest", "guest-secret", Refusal::UnknownName);
}

#[test]
fn other_attributes_can_be_named() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(LdapSettings {
        attributes: LdapAttributes {
            name: "sn".to_owned(),
            id: None,
            key: None,
            mail: "cn".to_owned(),
            enabled: Some("employeeType".to_owned()),
            node: None,
        },
        ..of_people(&slapd)
    });
    assert_enters(&accounts, "doe", "jane-secret", FIRST);
    assert_enters(&accounts, "joe", "joe-secret", FIRST + 1);
    assert_refused(&accounts, "guest", "guest-secret", Refusal::Disabled);
    let doe = accounts.find(&name("doe")).unwrap().unwrap();
    assert_eq!(doe.email.unwrap(), "Doe, Jane");
}

#[test]
fn a_number_of_ours_stays_with_the_entry() {
    let slapd = Slapd::start(PEOPLE);
    let database = database();
    let accounts = open_on(of_people(&slapd), &database);
    assert_enters(&accounts, "ann", "ann-secret", FIRST);
    assert_enters(&accounts, "beth", "Beth-secret", FIRST + 1);
    let ann = "uid=ann,ou=people,dc=example,dc=org";
    slapd.modify(&format!(
        "dn: {ann}\nchangetype: modrdn\nnewrdn: uid=anna\ndeleteoldrdn: 1\n"
    ));
    // Another process, and another user with the old name.
    slapd.modify(&format!(
        "dn: {ann}\nobjectClass: inetOrgPerson\ncn: ann\nsn: ann\nuserPassword: ann-again\n"
    ));
    let other = open_on(of_people(&slapd), &database);
    assert_enters(&other, "anna", "ann-secret", FIRST);
    assert_enters(&other, "ann", "ann-again", FIRST + 2);
    let mut listed = Vec::new();
    other
        .list(&mut |account| listed.push(account.id.0))
        .unwrap();
    // Those without a number have never been here.
    assert_eq!(listed, [1001, FIRST, FIRST + 1, FIRST + 2]);
}

#[test]
fn a_number_that_two_entries_have_is_nobodys() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    assert_enters(&accounts, "joe", "joe-secret", 1001);
    let other = "dn: uid=joel,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\n\
                 objectClass: posixAccount\ncn: joel\nsn: joel\nuidNumber: 1001\n\
                 gidNumber: 1001\nhomeDirectory: /\nuserPassword: joel-secret\n";
    slapd.modify(other);
    // Neither gets to see the other's records, and a wrong password tells nothing of it.
    assert_refused(&accounts, "joel", "joel-secret", Refusal::SharedNumber);
    assert_refused(&accounts, "joe", "joe-secret", Refusal::SharedNumber);
    assert_refused(&accounts, "joel", "joe-secret", Refusal::WrongPassword);
    slapd.modify("dn: uid=joel,ou=people,dc=example,dc=org\nchangetype: delete\n");
    assert_enters(&accounts, "joe", "joe-secret", 1001);
}

#[test]
fn nothing_is_changed_where_the_directory_is_only_read() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    let before = slapd.entry("(uid=joe)");
    let id = UserId(1001);
    assert!(!accounts.accepts_changes());
    for answer in [
        accounts.delete(id),
        accounts.set_email(id, None, None),
        accounts.set_password(id, &crate::support::new_password("open sesame"), None),
        accounts.set_state(id, State::Disabled),
        accounts
            .create(&crate::support::new_account("new", None, "open sesame"), 0)
            .map(drop),
    ] {
        assert!(matches!(answer, Err(AccountsError::ReadOnly)), "{answer:?}");
    }
    assert_eq!(slapd.entry("(uid=joe)"), before);
}

/// Whoever asks for a name leaves nothing behind; a number is for those who come in.
#[test]
fn looking_a_name_up_gives_nobody_a_number() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(of_people(&slapd));
    assert_eq!(accounts.look_up(&name("beth")).unwrap(), Some(None));
    assert_eq!(accounts.look_up(&name("nobody")).unwrap(), None);
    assert_eq!(accounts.highest_id().unwrap(), 0);
    assert_enters(&accounts, "ann", "ann-secret", FIRST);
}
