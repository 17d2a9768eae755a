//! `allow_new_users = first`: what a fresh server is started with.

use crate::suite::Kind;
use crate::suite::SECRET;
use crate::suite::User;
use crate::suite::on_every_database;
use crate::support::accounts;
use crate::support::crowd;
use crate::support::invitation;
use crate::support::site;

on_every_database! {
    of_many_at_once_one_is_the_first
}

fn of_many_at_once_one_is_the_first(kind: Kind) {
    let site = site(kind, |options| options.set("auth.allow_new_users", "first"));
    let page = || site.stranger().call("GET", "/misc/1.0/captcha_html").send();
    page().is(404);
    let answers = crowd(&site, 8, |user| user.sign_up().status());
    assert_eq!(answers, [200, 403, 403, 403, 403, 403, 403, 403]);
    assert_eq!(accounts(&site), 1);
    page().ok();
    let refused = User::invented(&site).sign_up();
    refused.is(403);
    refused.body("This server takes new accounts by invitation only");
}

#[test]
fn who_fails_leaves_the_door_open() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("auth.strict_usernames", "false");
        options.set("auth.allow_new_users", "first")
    });
    let long = "x".repeat(33);
    let target = format!("/user/1.0/{long}");
    let call = site.stranger().call("PUT", &target);
    let body = r#"{"password":"secret-pass"}"#;
    call.body(body).send().code(3);
    let user = site.user();
    user.get("info/collections").ok();
    User::invented(&site).sign_up().is(403);
}

#[test]
fn it_stays_closed_when_the_account_goes() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("global.shared_secret", SECRET);
        options.set("auth.allow_new_users", "first")
    });
    let user = site.user();
    user.user("DELETE", "").send().says("1");
    let refused = User::invented(&site).sign_up();
    refused.is(403);
    refused.body("This server takes new accounts by invitation or by its secret only");
    let code = invitation(&site, &[]);
    let invited = User::invented(&site);
    crate::suite::sign_up_with(&invited, "invitation", &code).says(&invited.name);
}

#[test]
fn it_is_said_at_the_start_and_by_check() {
    let site = site(Kind::Sqlite, |options| {
        options.set("auth.allow_new_users", "first")
    });
    let said = "anybody may register until there is an account, and then nobody without an \
                invitation (weaved invite)";
    let found = site
        .log()
        .wait_for(|line| line.contains(said).then_some(()));
    assert!(found.is_some(), "{}", site.log().text());
    let checked = crate::suite::run(&["check", "development.ini"], "", site.home().path());
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.contains(said), "{checked}");
}
