//! Invitations, as browsers and pages send them.

use crate::suite::Kind;
use crate::suite::User;
use crate::suite::Wizard;
use crate::suite::on_every_database;
use crate::suite::sign_up_with;
use crate::support::accounts;
use crate::support::crowd;
use crate::support::invitation;
use crate::support::invite;
use crate::support::site;

on_every_database! {
    no_more_get_in_than_were_invited
}

fn no_more_get_in_than_were_invited(kind: Kind) {
    let site = site(kind, |options| {
        options.set("auth.allow_new_users", "invite")
    });
    let code = invitation(&site, &["--uses", "3"]);
    let answers = crowd(&site, 8, |user| {
        sign_up_with(user, "invitation", &code).status()
    });
    assert_eq!(answers, [200, 200, 200, 400, 400, 400, 400, 400]);
    assert_eq!(accounts(&site), 3);
}

#[test]
fn every_closed_door_opens() {
    for mode in ["false", "invite", "secret"] {
        let site = site(Kind::Sqlite, |options| {
            let options = options.set("global.shared_secret", "open-sesame-1234567890");
            options.set("auth.allow_new_users", mode)
        });
        let user = User::invented(&site);
        user.sign_up().is(403);
        let typed = invitation(&site, &[]).replace('-', " ").to_uppercase();
        // As the browser reads it from the page.
        let challenge = Wizard::shown(&site).challenge;
        sign_up_with(&user, &challenge, &typed).says(&user.name);
        user.get("info/collections").ok();
        sign_up_with(&User::invented(&site), &challenge, &typed).code(2);
    }
}

#[test]
fn what_is_no_invitation_is_none_as_a_secret() {
    let site = site(Kind::Sqlite, |options| {
        options.set("auth.allow_new_users", "invite")
    });
    let code = invitation(&site, &[]);
    let user = User::invented(&site);
    let body = format!(
        r#"{{"email":"{}","password":"{}"}}"#,
        user.email, user.password
    );
    let call = user.nobody().user("PUT", "");
    call.header("X-Weave-Secret", &code)
        .body(body)
        .send()
        .is(403);
}

#[test]
fn a_sign_up_that_fails_gives_it_back() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("auth.strict_usernames", "false");
        options.set("auth.allow_new_users", "invite")
    });
    let code = invitation(&site, &[]);
    let put = |name: &str| {
        let body = format!(r#"{{"password":"secret-pass","captcha-response":"{code}"}}"#);
        let call = site.stranger().call("PUT", &format!("/user/1.0/{name}"));
        call.body(body).send()
    };
    // Refused by the accounts, after the invitation was taken.
    put(&"x".repeat(33)).code(3);
    assert!(invite(&site, &["--list"]).contains("used 0 of 1"));
    put("somebody").says("somebody");
    assert!(invite(&site, &["--list"]).contains("used 1 of 1"));
    put("another").code(2);
}

#[test]
fn one_that_is_revoked_opens_nothing() {
    let site = site(Kind::Sqlite, |options| {
        options.set("auth.allow_new_users", "invite")
    });
    let code = invitation(&site, &[]);
    invite(&site, &["--revoke", &code]);
    sign_up_with(&User::invented(&site), "invitation", &code).code(2);
}

#[test]
fn codes_cannot_be_guessed() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("global.trusted_proxies", "127.0.0.1");
        let options = options.set("global.rate_client", "5/10m");
        options.set("auth.allow_new_users", "invite")
    });
    let code = invitation(&site, &[]);
    let user = User::invented(&site);
    let put = |code: &str, from: &str| {
        let body = format!(
            r#"{{"email":"{}","password":"{}","captcha-response":"{code}"}}"#,
            user.email, user.password
        );
        let call = user.nobody().user("PUT", "");
        call.header("X-Forwarded-For", from).body(body).send()
    };
    for _ in 0..5 {
        put("2222-2222-2222-2222", "192.0.2.1").code(2);
    }
    put(&code, "192.0.2.1").is(503);
    put(&code, "192.0.2.2").says(&user.name);
}

#[test]
fn an_address_makes_only_so_many_accounts() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("global.trusted_proxies", "127.0.0.1");
        options.set("global.rate_sign_up", "2/1h")
    });
    let sign_up = |from: &str| {
        let user = User::invented(&site);
        let body = format!(
            r#"{{"email":"{}","password":"{}"}}"#,
            user.email, user.password
        );
        let call = user.nobody().user("PUT", "");
        call.header("X-Forwarded-For", from).body(body).send()
    };
    for _ in 0..2 {
        sign_up("192.0.2.1").ok();
    }
    sign_up("192.0.2.1").is(503);
    sign_up("192.0.2.2").ok();
}
