//! The question before an account, in two processes.

use crate::suite::Kind;
use crate::suite::User;
use crate::suite::Wizard;
use crate::suite::on_every_database;
use crate::suite::sign_up_with;
use crate::support::accounts;
use crate::support::crowd;
use crate::support::invitation;
use crate::support::site;

on_every_database! {
    an_answer_is_good_for_one_account
}

fn an_answer_is_good_for_one_account(kind: Kind) {
    let site = site(kind, |options| options.set("captcha.use", "true"));
    let shown = Wizard::shown(&site);
    let answers = crowd(&site, 3, |user| {
        sign_up_with(user, &shown.challenge, &shown.answer()).status()
    });
    assert_eq!(answers, [200, 400, 400]);
    assert_eq!(accounts(&site), 1);
}

#[test]
fn the_first_account_needs_an_answer_as_well() {
    let site = site(Kind::Sqlite, |options| {
        let options = options.set("auth.allow_new_users", "first");
        options.set("captcha.use", "true")
    });
    let early = Wizard::shown(&site);
    let late = Wizard::shown(&site);
    User::invented(&site).sign_up().code(2);
    let user = User::invented(&site);
    sign_up_with(&user, &early.challenge, &early.answer()).says(&user.name);
    let next = User::invented(&site);
    sign_up_with(&next, &late.challenge, &late.answer()).is(403);
    assert_eq!(Wizard::shown(&site).challenge, "invitation");
}

#[test]
fn the_field_takes_an_invitation() {
    let site = site(Kind::Sqlite, |options| options.set("captcha.use", "true"));
    let code = invitation(&site, &[]);
    let user = User::invented(&site);
    let shown = Wizard::shown(&site);
    sign_up_with(&user, &shown.challenge, &code).says(&user.name);
    let next = User::invented(&site);
    sign_up_with(&next, &shown.challenge, &code).code(2);
    // The question was not touched by it, apart from a wrong answer.
    sign_up_with(&next, &shown.challenge, &shown.answer()).says(&next.name);
}

#[test]
fn no_answer_and_no_code_gets_into_the_log() {
    let site = site(Kind::Sqlite, |options| options.set("captcha.use", "true"));
    let code = invitation(&site, &[]);
    let shown = Wizard::shown(&site);
    let user = User::invented(&site);
    sign_up_with(&user, &shown.challenge, "no-such-answer-9").code(2);
    sign_up_with(&user, &shown.challenge, &code).says(&user.name);
    let made = format!("made account {}", user.name);
    let noted = site
        .log()
        .wait_for(|line| line.contains(&made).then_some(()));
    let log = site.log().text();
    assert!(noted.is_some(), "{log}");
    assert!(
        log.contains("neither the answer to the question nor an invitation"),
        "{log}"
    );
    for secret in [
        code.as_str(),
        &code[5..],
        "no-such-answer-9",
        &shown.challenge,
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
