//! A forgotten password, by the pages (rows 49 to 51).

use crate::suite::Home;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::SmtpSink;
use crate::suite::Visitor;
use crate::suite::Wants;
use crate::suite::Way;

const PAGE: &str = "/weave-password-reset";

fn site(sink: &SmtpSink, set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(Home::new(), Way::FastCgi, |options| {
        let options = options
            .set("smtp.host", "127.0.0.1")
            .set("smtp.port", sink.port());
        let options = options.set("smtp.sender", "sync@example.org");
        let options = options.set("global.rate_mail", "off");
        set(options.set("global.public_url", "https://sync.example.org/yourpath/"))
    })
}

#[test]
fn a_link_leads_to_a_new_password() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(&sink, |options| options);
    let (user, visitor) = (site.user(), Visitor::new(&site));
    visitor.open(PAGE).ok().contains("name=\"username\"");
    let answer = visitor.submit(PAGE, &[("username", &user.email)]);
    answer.ok().contains("next 6 hours");
    let mail = sink.mail(0);
    let query = mail.link().split_once('?').unwrap().1;
    let form = visitor.open(&format!("{PAGE}?{query}"));
    let (name, key) = (form.ok().field("username"), form.field("key"));
    assert_eq!(
        (name.as_str(), key.as_str()),
        (user.name.as_str(), mail.code())
    );
    let set = |key: &str, password: &str, confirm: &str| {
        let fields = [
            ("key", key),
            ("username", &*name),
            ("password", password),
            ("confirm", confirm),
        ];
        visitor.submit(PAGE, &fields)
    };
    set(&key, "", "").ok().contains("Password not provided");
    set(&key, "webform-pw1", "webform-pw2")
        .ok()
        .contains("do not match");
    set(&key, "short", "short").ok().contains("at least 8");
    set("AAAA-BBBB-CCCC-DDDD", "webform-pw1", "webform-pw1")
        .ok()
        .contains("Key does not match");
    user.get("info/collections").ok();
    set(&key, "webform-pw1", "webform-pw1")
        .ok()
        .contains("Password successfully changed");
    user.with_password("webform-pw1")
        .get("info/collections")
        .ok();
    set(&key, "webform-pw2", "webform-pw2")
        .ok()
        .contains("Key does not match");
    let nameless = [
        ("key", &*key),
        ("username", ""),
        ("password", "x"),
        ("confirm", "x"),
    ];
    visitor
        .submit(PAGE, &nameless)
        .ok()
        .contains("Username not provided");
    visitor.submit(PAGE, &[("password", "x")]).is(400);
}

#[test]
fn nobody_learns_who_has_an_account() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(&sink, |options| options);
    let (user, visitor) = (site.user(), Visitor::new(&site));
    let ask = |name: &str| visitor.submit(PAGE, &[("username", name)]).ok().text();
    let known = ask(&user.name);
    for name in ["nobody", "nobody@example.org", "no name at all!"] {
        assert_eq!(ask(name), known, "{name}");
    }
    let set = |name: &str| {
        let key = "AAAA-BBBB-CCCC-DDDD";
        let fields = [
            ("key", key),
            ("username", name),
            ("password", "webform-pw1"),
            ("confirm", "webform-pw1"),
        ];
        visitor
            .submit(PAGE, &fields)
            .ok()
            .text()
            .replace(name, "NAME")
    };
    assert_eq!(set("nobody"), set(&user.name));
    sink.mail(0);
    // The mail to the one who exists is the only one.
    site.log().wait_for_count("no mail with a reset code", 3);
    assert_eq!(sink.count(), 1);
}

#[test]
fn codes_cannot_be_guessed_by_the_page() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(&sink, |options| options.set("global.rate_client", "3/10m"));
    let user = site.user();
    let visitor = Visitor::new(&site);
    let set = |name: &str| {
        let fields = [
            ("key", "AAAA-BBBB-CCCC-DDDD"),
            ("username", name),
            ("password", "webform-pw1"),
            ("confirm", "webform-pw1"),
        ];
        visitor.submit(PAGE, &fields)
    };
    for name in [&*user.name, "nobody", &user.name] {
        set(name).ok();
    }
    set(&user.name).is(429).header("Retry-After", "600");
    let line = |line: &str| {
        line.contains("from 127.0.0.1: reset code: wrong or over")
            .then_some(())
    };
    site.log().wait_for(line).unwrap();
}

#[test]
fn without_mails_there_is_no_page() {
    let site = Site::in_home(Home::new(), Way::FastCgi, |options| options);
    let visitor = Visitor::new(&site);
    visitor
        .open(PAGE)
        .is(404)
        .contains("This cannot be done here.");
    let root = visitor.open("/");
    root.ok().need(
        !root.text().contains("weave-password-reset"),
        "no link to it",
    );
}
