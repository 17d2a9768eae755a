//! Servers that are away, silent, or come back; and TLS that fails.

use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::accounts::Accounts;
use weaved::accounts::AccountsError;
use weaved::accounts::LdapAccounts;
use weaved::accounts::LdapLogin;
use weaved::accounts::LdapSettings;
use weaved::accounts::Refusal;
use weaved::causes::chain;

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::support::assert_enters;
use crate::support::assert_refused;
use crate::support::of_original;
use crate::support::of_people;
use crate::support::open;
use crate::support::password;
use crate::support::settings;
use crate::support::try_log_in;
use crate::tls::Authority;

/// An error that passes, whose text holds this.
#[track_caller]
fn fails(accounts: &LdapAccounts, text: &str) {
    let error = try_log_in(accounts, "plain", "password1").unwrap_err();
    assert!(error.passes(), "{error:?}");
    assert!(chain(&error).contains(text), "{}", chain(&error));
}

#[test]
fn a_server_that_is_started_anew_is_found_again_at_once() {
    let mut slapd = Slapd::start(ORIGINAL);
    let accounts = open(of_original(&slapd));
    // Several connections of each kind, so that there are as many dead ones.
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                assert_enters(&accounts, "plain", "password1", 2);
            });
        }
    });
    slapd.stop();
    slapd.resume();
    for _ in 0..6 {
        assert_enters(&accounts, "plain", "password1", 2);
    }
    slapd.stop();
    let refused = format!(
        "failed: cannot connect to {}: Connection refused",
        slapd.url()
    );
    fails(&accounts, &refused);
    slapd.resume();
    assert_enters(&accounts, "plain", "password1", 2);
}

#[test]
fn a_silent_server_costs_no_more_than_the_time_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ldap://{}", silent.local_addr().unwrap());
    for start_tls in [false, true] {
        let accounts = open(LdapSettings {
            timeout: Duration::from_millis(300),
            start_tls,
            ..settings(std::slice::from_ref(&uri), "dc=mozilla")
        });
        let started = Instant::now();
        fails(&accounts, "does not answer in time");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(250), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn a_server_that_falls_silent_costs_no_more_than_the_time_out_and_is_found_again() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(LdapSettings {
        timeout: Duration::from_secs(3),
        ..of_original(&slapd)
    });
    assert_enters(&accounts, "plain", "password1", 2);
    slapd.freeze();
    for _ in 0..2 {
        let started = Instant::now();
        fails(&accounts, "does not answer in time");
        // Less than twice the time-out.
        assert!(started.elapsed() < Duration::from_secs(6));
    }
    slapd.thaw();
    let until = Instant::now() + Duration::from_secs(30);
    while try_log_in(&accounts, "plain", "password1").is_err() {
        assert!(Instant::now() < until);
    }
    assert_enters(&accounts, "plain", "password1", 2);
}

#[test]
fn the_next_server_is_tried_in_its_turn() {
    let slapd = Slapd::start(ORIGINAL);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uris = [
        // A port that nobody listens on.
        "ldap://127.0.0.1:1".to_owned(),
        // Says nothing to StartTLS, so it is found out while connecting.
        format!("ldaps://{}", silent.local_addr().unwrap()),
        slapd.ldapi(),
    ];
    let accounts = open(LdapSettings {
        timeout: Duration::from_secs(4),
        ..settings(&uris, "ou=users,dc=mozilla")
    });
    assert_enters(&accounts, "plain", "password1", 2);
    let asked = || {
        silent.set_nonblocking(true).unwrap();
        silent.incoming().take_while(Result::is_ok).count()
    };
    assert_ne!(asked(), 0);
    // The silent one is not asked again for a while: no login costs half of the time-out.
    for _ in 0..3 {
        assert_refused(&accounts, "plain", "password2", Refusal::WrongPassword);
    }
    assert_eq!(asked(), 0);
}

#[test]
fn a_server_that_takes_connections_and_is_silent_is_left_at_the_next_call() {
    let slapd = Slapd::start(ORIGINAL);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uris = [
        format!("ldap://{}", silent.local_addr().unwrap()),
        slapd.url(),
    ];
    let accounts = open(LdapSettings {
        timeout: Duration::from_secs(2),
        ..settings(&uris, "ou=users,dc=mozilla")
    });
    fails(&accounts, "does not answer in time");
    assert_enters(&accounts, "plain", "password1", 2);
}

#[test]
fn who_serves_us_and_is_not_let_in_is_no_users_fault() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(LdapSettings {
        bind: Some(LdapLogin {
            dn: "cn=weaved,ou=services,dc=example,dc=org".to_owned(),
            password: password("wrong"),
        }),
        ..of_people(&slapd)
    });
    let error = try_log_in(&accounts, "joe", "joe-secret").unwrap_err();
    let text = chain(&error);
    assert!(error.passes() && text.contains("bind_password"), "{text}");
    assert!(!text.contains("wrong"), "{text}");
    // Nobody may read anything there, and there is nothing in the other place.
    for settings in [
        LdapSettings {
            bind: None,
            ..of_people(&slapd)
        },
        LdapSettings {
            search_root: "ou=peple,dc=example,dc=org".to_owned(),
            ..of_people(&slapd)
        },
    ] {
        let accounts = open(settings);
        let error = try_log_in(&accounts, "joe", "joe-secret").unwrap_err();
        let text = chain(&error);
        assert!(error.passes() && text.contains("users_root"), "{text}");
        assert!(accounts.list(&mut |_| ()).is_err());
    }
}

#[test]
fn referrals_are_not_followed() {
    let slapd = Slapd::start(ORIGINAL);
    let other = Slapd::start(PEOPLE);
    slapd.modify(&format!(
        "dn: ou=far,ou=users,dc=mozilla\ncontrol: 2.16.840.1.113730.3.4.2 true\n\
         changetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\n\
         ref: {}/ou=people,dc=example,dc=org\n",
        other.url()
    ));
    let accounts = open(of_original(&slapd));
    assert_enters(&accounts, "plain", "password1", 2);
    assert_refused(&accounts, "joe", "joe-secret", Refusal::UnknownName);
    assert_eq!(other.connections(), 0);
    let accounts = open(settings(&[slapd.url()], "ou=far,ou=users,dc=mozilla"));
    fails(&accounts, "referrals are not followed");
}

#[test]
fn tls_is_made_and_verified() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let slapd = Slapd::start_with(ORIGINAL, Some(&authority));
    let plain = slapd.url();
    let named = plain.replace("127.0.0.1", "localhost");
    for (uri, start_tls, ca, expected) in [
        (plain.clone(), true, &authority, None),
        (slapd.ldaps(), false, &authority, None),
        (slapd.ldaps(), true, &authority, None),
        (
            plain.clone(),
            true,
            &stranger,
            Some("invalid peer certificate"),
        ),
        (
            slapd.ldaps(),
            false,
            &stranger,
            Some("invalid peer certificate"),
        ),
        // It is a certificate of 127.0.0.1.
        (named, true, &authority, Some("invalid peer certificate")),
        // TLS where none is expected.
        (
            slapd.ldaps().replace("ldaps", "ldap"),
            false,
            &authority,
            Some("broke"),
        ),
        (
            plain.replace("ldap:", "ldaps:"),
            false,
            &authority,
            Some("cannot connect"),
        ),
    ] {
        let accounts = open(LdapSettings {
            start_tls,
            ca: Some(ca.file()),
            ..settings(std::slice::from_ref(&uri), "ou=users,dc=mozilla")
        });
        match expected {
            None => assert_enters(&accounts, "plain", "password1", 2),
            Some(text) => fails(&accounts, text),
        }
    }
    // Everything after StartTLS was said in secret.
    assert!(slapd.count("TLS established") >= 2);
    // Whom this machine trusts is not this authority.
    let accounts = open(settings(&[slapd.ldaps()], "ou=users,dc=mozilla"));
    fails(&accounts, "invalid peer certificate");
}

#[test]
fn a_server_without_tls_gets_no_password() {
    let slapd = Slapd::start(PEOPLE);
    let accounts = open(LdapSettings {
        start_tls: true,
        ..of_people(&slapd)
    });
    fails(&accounts, "cannot connect");
    assert_eq!(slapd.log().count("BIND"), 0);
}

#[test]
fn settings_that_cannot_be_right_are_told_at_the_start() {
    let slapd = Slapd::start(PEOPLE);
    let open = |settings| {
        let opened = LdapAccounts::open(
            settings,
            crate::support::database(),
            weaved::sync::UserId(0),
        );
        let error = opened.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::DirectorySettings(_)));
        chain(&error)
    };
    let missing = LdapSettings {
        ca: Some("/nonexistent/ca.pem".into()),
        ..of_people(&slapd)
    };
    assert!(open(missing).contains("look at ldap_ca"));
    let filter = LdapSettings {
        filter: "(a==b(c))".to_owned(),
        ..of_people(&slapd)
    };
    assert!(open(filter).contains("look at ldap_filter"));
    let uris = ["ldap://h:x".to_owned()];
    assert!(open(settings(&uris, "dc=x")).contains("in ldapuri"));
}

#[test]
fn more_logins_than_connections_wait_for_each_other() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(LdapSettings {
        pool_size: 2,
        ..of_original(&slapd)
    });
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| assert_enters(&accounts, "plain", "password1", 2));
        }
    });
    // Two that search, two that log in.
    assert!(slapd.connections() <= 4);
}

#[test]
fn a_connection_that_is_old_is_made_anew() {
    let slapd = Slapd::start(ORIGINAL);
    let accounts = open(LdapSettings {
        max_lifetime: Some(Duration::from_nanos(1)),
        ..of_original(&slapd)
    });
    for _ in 0..3 {
        assert_enters(&accounts, "plain", "password1", 2);
    }
    slapd.log().wait_for_count("ACCEPT", 7);
}
