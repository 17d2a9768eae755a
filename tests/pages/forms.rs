//! Forms of strangers, sessions that are none, and texts that would like to be markup.

use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use crate::suite::Home;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Visitor;
use crate::suite::WEAVED;
use crate::suite::Way;

const ACCOUNT: &str = "/weave-account";

fn site(set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(Home::new(), Way::FastCgi, set)
}

fn sign_in(visitor: &Visitor<'_>, user: &User<'_>) -> String {
    let fields = [
        ("do", "sign-in"),
        ("username", &*user.email),
        ("password", &user.password),
    ];
    visitor.submit(ACCOUNT, &fields).ok().field("token")
}

#[test]
fn forms_of_other_sites_are_not_looked_at() {
    let site = site(|options| {
        let options = options.set("global.public_url", "https://sync.example.org/yourpath/");
        options.set("nodes.fallback_node", "https://sync.example.org/yourpath/")
    });
    let user = site.user();
    let delete = |headers: &[(&'static str, &str)], password: &str| {
        let visitor = headers
            .iter()
            .fold(Visitor::new(&site), |visitor, (name, value)| {
                visitor.with(name, *value)
            });
        let fields = [("username", &*user.name), ("password", password)];
        visitor.submit("/weave-delete-account", &fields).status()
    };
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example.com")],
        &[("Origin", "null")],
        &[("Origin", "https://sync.example.org.evil.com")],
        &[("Origin", "https://sync.example.org:444")],
    ] {
        assert_eq!(delete(headers, &user.password), 403, "{headers:?}");
        user.get("info/collections").ok();
    }
    for headers in [
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")][..],
        &[("Origin", "https://sync.example.org")],
        &[
            ("Host", "h.example.org"),
            ("Origin", "http://h.example.org"),
        ],
        &[
            ("Host", "h.example.org"),
            ("Origin", "https://h.example.org"),
        ],
        &[],
    ] {
        assert_eq!(delete(headers, "wrong-password"), 403, "{headers:?}");
        let line = |line: &str| line.contains("credentials: ").then_some(());
        site.log().wait_for(line).unwrap();
    }
    assert_eq!(
        delete(&[("Origin", "https://sync.example.org")], &user.password),
        200
    );
}

#[test]
fn what_is_done_in_a_session_needs_its_token() {
    let site = site(|options| options);
    let (user, other) = (site.user(), site.user());
    let (visitor, stranger) = (Visitor::new(&site), Visitor::new(&site));
    let token = sign_in(&visitor, &user);
    let foreign = sign_in(&stranger, &other);
    user.put("storage/c/a", r#"{"payload":"x"}"#).written();
    let wipe = |token: &str| {
        let fields = [
            ("do", "wipe"),
            ("token", token),
            ("collection", ""),
            ("sure", "yes"),
        ];
        visitor.submit(ACCOUNT, &fields)
    };
    for token in ["", &foreign, "x"] {
        wipe(token).is(403).contains("sign in again");
    }
    user.get("storage/c/a").ok();
    wipe(&token).ok();
    user.get("storage/c/a").is(404);
}

/// What is done in one window, and takes the session on, spoils no form in another.
#[test]
fn a_form_stays_good_while_the_session_goes_on() {
    let site = site(|options| options);
    let user = site.user();
    let visitor = Visitor::new(&site);
    let token = sign_in(&visitor, &user);
    let first = visitor.cookie();
    // The cookie has the second in which it ends.
    let until = Instant::now() + Duration::from_secs(30);
    while visitor.cookie() == first {
        visitor.open(ACCOUNT).ok();
        assert!(Instant::now() < until, "the session does not go on");
    }
    let wipe = [
        ("do", "wipe"),
        ("token", token.as_str()),
        ("collection", ""),
        ("sure", "yes"),
    ];
    visitor.submit(ACCOUNT, &wipe).ok();
}

#[test]
fn nobody_makes_a_session_but_the_server() {
    let site = site(|options| options);
    let user = site.user();
    let visitor = Visitor::new(&site);
    sign_in(&visitor, &user);
    let cookie = visitor.cookie().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let parts: Vec<&str> = value.split(':').collect();
    let (start, end, seal) = (parts[0], parts[1], parts[3]);
    let later: u64 = end.parse::<u64>().unwrap() + 1;
    assert!(start.contains('.'));
    let other = site.user();
    for forged in [
        format!("{name}={start}:{later}:{}:{seal}", user.name),
        format!("{name}={later}.1:{end}:{}:{seal}", user.name),
        format!("{name}={start}:{end}:{}:{seal}", other.name),
        format!("{name}={start}:{end}:{}:", user.name),
        format!("{name}={start}:{end}:nobody:{seal}"),
        format!("{name}=:::"),
        format!("{name}="),
    ] {
        let visitor = Visitor::new(&site);
        visitor.set_cookie(&forged);
        visitor.open(ACCOUNT).ok().contains("value=\"sign-in\"");
    }
    // Who signs out ends the session wherever its cookie is, and however new it is.
    let copy = Visitor::new(&site);
    sign_in(&copy, &user);
    let thief = Visitor::new(&site).like(&copy);
    thief.open(ACCOUNT).ok().contains(&user.name);
    let token = copy.open(ACCOUNT).field("token");
    copy.submit(ACCOUNT, &[("do", "sign-out"), ("token", &token)])
        .ok();
    thief.open(ACCOUNT).ok().contains("value=\"sign-in\"");
    sign_in(&visitor, &user);
    let cookie = visitor.cookie().unwrap();
    // Among others of the same web server.
    visitor.set_cookie(&format!("a=b; {cookie}; c=d"));
    visitor.open(ACCOUNT).ok().contains(&user.name);
    // Whoever is locked out is signed out.
    let file = site.home().path().join("development.ini");
    let mut disable = Command::new(WEAVED);
    disable.args(["user", "disable"]).arg(file).arg(&user.name);
    assert!(disable.output().unwrap().status.success());
    visitor.open(ACCOUNT).ok().contains("value=\"sign-in\"");
}

#[test]
fn guesses_by_the_form_count() {
    let site = site(|options| options.set("global.rate_login", "3/10m"));
    let user = site.user();
    let visitor = Visitor::new(&site);
    let try_it = |password: &str| {
        let fields = [
            ("do", "sign-in"),
            ("username", &*user.name),
            ("password", password),
        ];
        visitor.submit(ACCOUNT, &fields)
    };
    for _ in 0..3 {
        try_it("wrong-password").is(403);
    }
    try_it(&user.password).is(429).contains("wait ten minutes");
    assert_eq!(visitor.cookie(), None);
    site.log()
        .wait_for_count("from 127.0.0.1: credentials: ", 3);
    site.log()
        .wait_for_count("from 127.0.0.1: too many attempts", 1);
}

#[test]
fn texts_stay_texts() {
    const MARKUP: &str = "\"'><script>alert(1)</script>&amp;";

    let site = site(|options| options);
    let visitor = Visitor::new(&site);
    let replies = [
        visitor.submit(
            "/weave-sign-up",
            &[
                ("email", MARKUP),
                ("password", "secret-pass"),
                ("again", "secret-pass"),
            ],
        ),
        visitor.submit(
            ACCOUNT,
            &[
                ("do", "sign-in"),
                ("username", MARKUP),
                ("password", MARKUP),
            ],
        ),
        visitor.submit(
            "/weave-delete-account",
            &[("username", MARKUP), ("password", "")],
        ),
    ];
    for reply in replies {
        let text = reply.text();
        reply.need(!text.contains("<script"), "no markup");
        reply.need(
            text.contains("&#60;script&#62;") || text.contains("&lt;script&gt;"),
            "the text",
        );
    }
    // An address that is one may hold nearly anything.
    let user = site.user();
    let evil = "\"<b>x</b>\"@example.org";
    user.user("POST", "/email").body(evil).send().ok();
    sign_in(&visitor, &user);
    let page = visitor.open(ACCOUNT).ok().text();
    assert!(page.contains("&#60;b&#62;x&#60;/b&#62;"), "{page}");
}

#[test]
fn a_closed_door_says_so_and_an_invitation_opens_it() {
    let site = site(|options| options.set("auth.allow_new_users", "invite"));
    let visitor = Visitor::new(&site);
    let form = visitor.open("/weave-sign-up");
    form.ok().contains("Code of your invitation");
    let file = site.home().path().join("development.ini");
    let invited = Command::new(WEAVED)
        .arg("invite")
        .arg(file)
        .arg("--json")
        .output()
        .unwrap();
    assert!(invited.status.success(), "{invited:?}");
    let invited: serde_json::Value = serde_json::from_slice(&invited.stdout).unwrap();
    let code = invited["code"].as_str().unwrap();
    let user = User::invented(&site);
    let sign_up = |code: &str| {
        let fields = [
            ("email", &*user.email),
            ("password", &user.password),
            ("again", &user.password),
            ("challenge", &form.field("challenge")),
            ("response", code),
        ];
        visitor.submit("/weave-sign-up", &fields)
    };
    sign_up("ABCD-EFGH").is(400).contains("not right");
    sign_up(code).ok().contains("The account is there");
    user.get("info/collections").ok();
}

#[test]
fn long_names_fill_no_log() {
    let site = site(|options| options);
    let name = "a".repeat(200_000);
    let visitor = Visitor::new(&site);
    let fields = [("do", "sign-in"), ("username", &*name), ("password", "x")];
    visitor.submit(ACCOUNT, &fields).is(403);
    let line = |line: &str| line.contains("credentials: ").then_some(line.len());
    assert!(site.log().wait_for(line).unwrap() < 3000);
}
