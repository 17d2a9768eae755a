//! Failures are counted by all processes, and the rightful user gets in from elsewhere.

use std::fs;

use crate::suite::Home;
use crate::suite::Options;
use crate::suite::Reply;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;

/// Two processes behind a proxy that is believed.
fn site(set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(Home::new(), Way::FastCgi, |options| {
        let options = options.server("processes", "2");
        let options = options.set("global.trusted_proxies", "127.0.0.1");
        set(options.set("global.rate_login", "4/10m"))
    })
}

fn ask(user: &User<'_>, from: &str) -> Reply {
    let call = user.storage("GET", "info/collections");
    call.header("X-Forwarded-For", from).send()
}

#[test]
fn who_guesses_has_to_wait_and_others_do_not() {
    let site = site(|options| options);
    let user = site.user();
    let guesser = user.with_password("wrong-password");
    for _ in 0..4 {
        ask(&guesser, "192.0.2.1").is(401);
    }
    for _ in 0..8 {
        // In all processes, and whether it is right or not.
        for tried in [&guesser, &user] {
            let refused = ask(tried, "192.0.2.1");
            refused.is(503).header("Retry-After", "600");
            refused.body("Too many attempts, please try again later");
        }
    }
    // The last address before the trusted one counts, not what a client has written before it.
    ask(&user, "192.0.2.1, 192.0.2.2").ok();
    ask(&guesser, "192.0.2.2, 192.0.2.1").is(503);
    ask(&guesser, "\u{ff}, 192.0.2.1").is(503);
    ask(&guesser, "rubbish, ::ffff:192.0.2.1").is(503);
    let line = format!(
        "503 GET {}/1.1/{}/info/collections from 192.0.2.1: too many attempts (id ",
        site.prefix(),
        user.name
    );
    site.log()
        .wait_for(|found| found.contains(&line).then_some(()))
        .unwrap();
}

#[test]
fn a_browser_that_is_logged_in_is_not_stopped_by_others() {
    let site = site(|options| options.set("global.rate_account", "6/1h"));
    let user = site.user();
    ask(&user, "192.0.2.7").ok();
    let guesser = user.with_password("wrong-password");
    for number in 0..6 {
        ask(&guesser, &format!("198.51.100.{number}")).is(401);
    }
    for tried in [&guesser, &user] {
        // Also in the process that remembers the password: nobody learns that it was right.
        for _ in 0..4 {
            ask(tried, "198.51.100.99").is(503);
        }
    }
    for _ in 0..8 {
        // From where it was used: in both processes, also in the one that does not know it yet.
        ask(&user, "192.0.2.7").ok();
    }
}

#[test]
fn forms_count_as_well() {
    let site = site(|options| options);
    let user = site.user();
    let delete = |password: &str| {
        let body = format!("username={}&password={password}", user.name);
        let call = user.call("POST", "/weave-delete-account");
        let call = call.header("Content-Type", "application/x-www-form-urlencoded");
        call.header("X-Forwarded-For", "192.0.2.1")
            .body(body)
            .send()
    };
    for _ in 0..4 {
        delete("wrong-password").is(403);
    }
    delete(&user.password).is(429);
    user.get("info/collections").ok();
}

#[test]
fn machines_are_told_in_their_own_words() {
    let home = Home::new();
    let file = home.path().join("cef.log");
    let site = Site::in_home(home, Way::FastCgi, |options| {
        let options = options
            .set("cef.use", "true")
            .set("global.rate_login", "1/1h");
        options.set("cef.file", file.display().to_string())
    });
    let user = site.user();
    let guesser = user.with_password("wrong-password");
    let asks = |user: &User<'_>, status| {
        let call = user.storage("GET", "info/collections");
        call.header("User-Agent", "a=b|c").send().is(status);
    };
    asks(&guesser, 401);
    asks(&guesser, 503);
    asks(&user.nobody(), 401);
    let text = fs::read_to_string(&file).unwrap();
    let name = &user.name;
    let request = format!(
        "cs1Label=requestClientApplication cs1=a\\=b|c requestMethod=GET \
                           request=/1.1/{name}/info/collections src=127.0.0.1 "
    );
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        ("AuthFail|Authentication failed|5", name.as_str()),
        ("AccountLockout|Too many attempts|7", name),
        ("AuthFail|Authorization header missing|7", name),
    ];
    assert_eq!(lines.len(), expected.len(), "{text}");
    for (line, (event, name)) in lines.iter().zip(expected) {
        let begin = format!(" CEF:0|mozilla|weave|1.3|{event}|{request}");
        assert!(line.contains(&begin), "{line}\n{begin}");
        assert!(line.ends_with(&format!(" suser={name}")), "{line}");
    }
    // And nowhere else.
    assert_eq!(site.log().count("CEF:0"), 0);
}
