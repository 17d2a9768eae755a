//! From the mail to the new password, with the real program.

use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::Kind;
use crate::suite::Mail;
use crate::suite::Options;
use crate::suite::Reply;
use crate::suite::Site;
use crate::suite::SmtpSink;
use crate::suite::User;
use crate::suite::Wants;
use crate::suite::Way;
use crate::suite::on_every_database;

on_every_database! {
    a_forgotten_password_is_set_anew
}

pub(crate) const URL: &str = "https://sync.example.org/yourpath/";

/// A site whose mails end in the sink.
pub(crate) fn site(home: Home, sink: &SmtpSink, set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(home, Way::FastCgi, |options| {
        let options = options
            .set("smtp.host", "127.0.0.1")
            .set("smtp.port", sink.port());
        let options = options.set("smtp.sender", "Sync <sync@example.org>");
        let options = options
            .set("global.public_url", URL)
            .set("global.rate_mail", "off");
        set(options)
    })
}

fn ask(user: &User<'_>) -> Reply {
    user.nobody().user("GET", "/password_reset").send()
}

fn reset(user: &User<'_>, code: &str, password: &str) -> Reply {
    let call = user.nobody().user("POST", "/password");
    call.header("X-Weave-Password-Reset", code)
        .body(password)
        .send()
}

fn a_forgotten_password_is_set_anew(kind: Kind) {
    let sink = SmtpSink::start(Wants::default());
    let site = site(Home::on(kind), &sink, |options| options);
    let user = site.user();
    // Rows 41 and 42.
    ask(&user).ok().says("success");
    let mail = sink.mail(0);
    assert_eq!(
        (mail.from.as_str(), &mail.to),
        ("sync@example.org", &user.email)
    );
    assert!(
        mail.head.contains("Subject: Resetting your Sync password"),
        "{}",
        mail.head
    );
    let link = format!("{URL}weave-password-reset?username={}&key=", user.name);
    assert!(mail.link().starts_with(&link), "{}", mail.link());
    ask(&user).ok();
    let second = sink.mail(1);
    assert_ne!(
        second.code(),
        mail.code(),
        "nobody can read the first one again"
    );
    let stored = site
        .home()
        .ground()
        .run_sql("SELECT code FROM weaved_codes");
    assert!(!stored.contains(&mail.code()[..4]), "{stored}");
    // Row 43: a weak one uses nothing up.
    reset(&user, mail.code(), "short").code(9);
    reset(&user, "AAAA-BBBB-CCCC-DDDD", "newsecret1").code(10);
    reset(&user, mail.code(), "newsecret1").says("success");
    user.get("info/collections").is(401);
    user.with_password("newsecret1")
        .get("info/collections")
        .ok();
    for code in [mail.code(), second.code()] {
        reset(&user, code, "newsecret2").code(10);
    }
    // Row 47.
    ask(&user).ok();
    let user = user.with_password("newsecret1");
    user.user("DELETE", "/password_reset")
        .send()
        .says("success");
    reset(&user, sink.mail(2).code(), "newsecret2").code(10);
    user.with_password("wrong-password")
        .user("DELETE", "/password_reset")
        .send()
        .is(401);
    // A password that was changed otherwise makes codes void as well.
    ask(&user).ok();
    user.user("POST", "/password")
        .body("newsecret3")
        .send()
        .says("success");
    reset(&user, sink.mail(3).code(), "newsecret4").code(10);
}

#[test]
fn codes_of_the_original_go_on() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(Home::new(), &sink, |options| options);
    let old = |user: &User<'_>, end: &str| {
        let sql = format!(
            "DELETE FROM reset_codes;
             INSERT INTO reset_codes
             SELECT CAST(userid AS TEXT), 'auth', 'FFU9-ORE2-GZ7A-ANHZ', {end}
             FROM user WHERE username = '{}'",
            user.name
        );
        site.home().ground().run_sql(&sql);
    };
    let user = site.user();
    old(&user, "'2011-11-24 21:30:28.979974'");
    reset(&user, "FFU9-ORE2-GZ7A-ANHZ", "newsecret1").code(10);
    // By the clock on the wall.
    old(
        &user,
        "strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime', '+1 minute')",
    );
    let other = site.user();
    reset(&other, "FFU9-ORE2-GZ7A-ANHZ", "newsecret1").code(10);
    reset(&user, "ffu9-ore2-gz7a-anhz", "newsecret1").says("success");
    reset(&user, "FFU9-ORE2-GZ7A-ANHZ", "newsecret2").code(10);
    old(
        &user,
        "strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime', '-1 minute')",
    );
    reset(&user, "FFU9-ORE2-GZ7A-ANHZ", "newsecret2").code(10);
}

#[test]
fn who_cannot_be_mailed_is_told() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(Home::new(), &sink, |options| {
        options.set("auth.strict_usernames", "false")
    });
    // Rows 44 and 45.
    site.stranger()
        .user("GET", "/password_reset")
        .send()
        .code(3);
    let joe = site.stranger().call("PUT", "/user/1.0/joe");
    joe.body(r#"{"password":"secret-pass"}"#).send().ok();
    site.stranger()
        .call("GET", "/user/1.0/joe/password_reset")
        .send()
        .code(12);
    assert_eq!(sink.count(), 0);
}

#[test]
fn a_mail_server_that_is_away_is_a_503() {
    // Row 46.
    let sink = SmtpSink::start(Wants {
        nothing: true,
        ..Wants::default()
    });
    let site = site(Home::new(), &sink, |options| options);
    let user = site.user();
    ask(&user).is(503).header("Retry-After", "300");
    site.log()
        .wait_for(|line| line.contains("takes no mail").then_some(()))
        .unwrap();
    assert_eq!(sink.count(), 0);
}

#[test]
fn somebody_who_asks_over_and_over_sends_one_mail() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(Home::new(), &sink, |options| {
        options.set("global.rate_mail", "1/10m")
    });
    let user = site.user();
    for _ in 0..5 {
        ask(&user).ok().says("success");
    }
    let host = user
        .nobody()
        .user("GET", "/password_reset")
        .header("Host", "evil.example.com");
    host.send().ok();
    let other = site.user();
    let call = other.nobody().user("GET", "/password_reset");
    call.header("Host", "evil.example.com")
        .header("Accept-Language", "de")
        .send()
        .ok();
    let mail: Mail = sink.mail(1);
    assert_eq!(sink.count(), 2);
    assert!(mail.link().starts_with(URL), "{}", mail.link());
    assert!(
        mail.text.contains("innerhalb von 6 Stunden"),
        "{}",
        mail.text
    );
    // Neither the code nor the link is in the log.
    let text = site.log().text();
    assert!(
        !text.contains(mail.code()) && !text.contains(sink.mail(0).code()),
        "{text}"
    );
}

#[test]
fn without_a_sender_or_a_url_nobody_is_mailed() {
    for key in ["smtp.sender", "global.public_url"] {
        let site = Site::in_home(Home::new(), Way::FastCgi, |options| {
            let value = if key == "smtp.sender" {
                "a@example.org"
            } else {
                URL
            };
            options.set(key, value)
        });
        let user = site.user();
        let path = format!("/user/1.0/{}/password_reset", user.name);
        let answer = site.transport().send(&HttpRequest::new("GET", &path));
        let text = "This server is not set up for password reset";
        assert_eq!((answer.status, answer.text().as_str()), (503, text));
        // Nobody need come again.
        assert_eq!(answer.header("Retry-After"), None);
    }
}

/// Somebody who leaves a mailbox that was broken into; somebody whose codes are elsewhere.
#[test]
fn what_was_mailed_before_a_change_is_void() {
    let sink = SmtpSink::start(Wants::default());
    let home = Home::new();
    let codes = format!("sqlite:///{}", home.path().join("codes.db").display());
    let site = site(home, &sink, |options| {
        options.set("reset_codes.sqluri", codes)
    });
    let user = site.user();
    ask(&user).ok();
    let code = sink.mail(0);
    let call = user.user("POST", "/email").body("new@example.org");
    call.send().ok();
    reset(&user, code.code(), "newsecret1").code(10);
    ask(&user).ok();
    let code = sink.mail(1);
    assert_eq!(code.to, "new@example.org");
    user.user("POST", "/password")
        .body("newsecret1")
        .send()
        .ok();
    reset(&user, code.code(), "newsecret2").code(10);
    user.with_password("newsecret1")
        .get("info/collections")
        .ok();
}

#[test]
fn a_mail_that_nobody_took_does_not_count() {
    let sink = SmtpSink::start(Wants {
        nothing: true,
        ..Wants::default()
    });
    let site = site(Home::new(), &sink, |options| {
        options.set("global.rate_mail", "1/10m")
    });
    let user = site.user();
    for _ in 0..3 {
        ask(&user).is(503);
    }
}

#[test]
fn who_has_guessed_and_then_helps_himself_gets_in() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(Home::new(), &sink, |options| {
        options.set("global.rate_login", "3/10m")
    });
    let user = site.user();
    let guesser = user.with_password("wrong-password");
    for status in [401, 401, 401, 503] {
        guesser.get("info/collections").is(status);
    }
    ask(&user).ok();
    reset(&user, sink.mail(0).code(), "newsecret1").says("success");
    user.with_password("newsecret1")
        .get("info/collections")
        .ok();
}
