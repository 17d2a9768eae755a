//! Somebody's whole life on the pages.

use serde_json::json;

use crate::judged::judge;
use crate::suite::Browser;
use crate::suite::Home;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::SmtpSink;
use crate::suite::User;
use crate::suite::Wants;
use crate::suite::Way;
use crate::suite::Wizard;
use crate::suite::run;

/// The server's name, which the browser finds at lighttpd's port.
pub(crate) const HOST: &str = "sync.example.org";
pub(crate) const URL: &str = "http://sync.example.org/yourpath/";

/// An address that clients and the server take, but no browser in a field of the type `email`.
const JUERGEN: &str = "jürgen@example.com";

const EMAIL: &str = "johndoe@example.com";

/// A site behind lighttpd, whose mails end in the sink.
fn site(sink: &SmtpSink, set: impl FnOnce(Options) -> Options) -> Site {
    Site::in_home(Home::new(), Way::LighttpdFastCgi, |options| {
        let options = options
            .set("global.public_url", URL)
            .set("smtp.host", "127.0.0.1")
            .set("smtp.port", sink.port())
            .set("smtp.sender", "Sync <sync@example.org>");
        set(options)
    })
}

/// Reads and does what stands on the pages.
struct Reader<'a> {
    browser: &'a Browser,
}

impl Reader<'_> {
    #[track_caller]
    fn reads(&self, css: &str, expected: &str) {
        let text = self.browser.text(css);
        assert!(text.contains(expected), "{css}: {text:?}, not {expected:?}");
    }

    /// Fills a form in, and sends it.
    #[track_caller]
    fn sends(&self, fields: &[(&str, &str)], button: &str) {
        for (id, value) in fields {
            self.browser.fill(&format!("#{id}"), value);
        }
        self.browser.press(button);
    }

    /// Goes where a link on the root page leads.
    #[track_caller]
    fn goes_to(&self, page: &str) {
        self.browser.open(URL);
        self.browser.press(&format!("main a[href$='{page}']"));
        assert!(self.browser.url().ends_with(page), "{}", self.browser.url());
    }

    #[track_caller]
    fn signs_in(&self, name: &str, password: &str) {
        self.goes_to("weave-account");
        let fields = [("username", name), ("password", password)];
        self.sends(&fields, "main button");
    }
}

#[test]
fn an_account_from_its_first_day_to_its_last() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(&sink, |options| options.set("captcha.use", "true"));
    let browser = Browser::start("en-US", HOST, site.endpoint());
    let reader = Reader { browser: &browser };

    browser.open(URL.trim_end_matches('/'));
    reader.reads("h1", "This Sync server works");
    reader.reads("code.url", URL);
    judge(&browser, "root");

    signs_up(&reader);
    let user = User::named(&site, EMAIL, "first-secret");
    user.get("info/collections").ok();

    reader.goes_to("weave-account");
    judge(&browser, "sign-in");
    reader.signs_in(EMAIL, "wrong-secret");
    reader.reads(".problem", "Bad credentials");
    judge(&browser, "sign-in-wrong");
    reader.signs_in(EMAIL, "first-secret");
    reader.reads("h1", "Your account");
    reader.reads("main", "Nothing is stored.");
    judge(&browser, "account-empty");

    sees_what_is_stored(&reader, &user);
    changes(&reader, &site);
    forgets(&reader, &sink);
    leaves(&reader, &site);
}

fn signs_up(reader: &Reader<'_>) {
    let browser = reader.browser;
    reader.goes_to("weave-sign-up");
    judge(browser, "sign-up");
    let fields = |again, answer| {
        [
            ("email", EMAIL),
            ("password", "first-secret"),
            ("again", again),
            ("response", answer),
        ]
    };
    reader.sends(&fields("other-secret", "0"), "main button");
    reader.reads(".problem", "do not match");
    assert_eq!(browser.property("#email", "value"), EMAIL);
    reader.sends(&fields("first-secret", "0"), "main button");
    reader.reads(".problem", "answer or the invitation is not right");
    judge(browser, "sign-up-wrong");
    let asked = Wizard {
        challenge: String::new(),
        question: browser.text("label[for=response]"),
    };
    let answer = asked.answer();
    reader.sends(&fields("first-secret", &answer), "main button");
    reader.reads("main", "The account is there.");
    reader.reads("code.url", URL);
    judge(browser, "sign-up-done");
}

fn sees_what_is_stored(reader: &Reader<'_>, user: &User<'_>) {
    let browser = reader.browser;
    for (id, size) in [("a", 100), ("b", 2000)] {
        let record = json!({"payload": "x".repeat(size)}).to_string();
        user.put(&format!("storage/bookmarks/{id}"), &record).ok();
    }
    user.put("storage/tabs/c", r#"{"payload":"sealed"}"#).ok();
    reader.goes_to("weave-account");
    let row = "tbody tr:nth-child(1)";
    reader.reads(&format!("{row} th"), "bookmarks");
    reader.reads(&format!("{row} td:nth-child(2)"), "2");
    reader.reads(&format!("{row} td:nth-child(3)"), "3 KB");
    reader.reads("tbody tr:nth-child(2) th", "tabs");
    judge(browser, "account");

    browser.click("button[value=download]");
    let archive = browser.downloaded(&format!("sync-{}.jsonl", user.name));
    for line in archive.lines() {
        let line: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(line.is_ok(), "{archive}");
    }
    for word in [EMAIL, "bookmarks", "tabs", "sealed"] {
        assert!(archive.contains(word), "{word} in {archive}");
    }

    // The box has to be ticked: the browser itself sends nothing without.
    browser.choose("#collection", "tabs");
    browser.click("button[value=wipe]");
    assert_eq!(browser.text("tbody tr:nth-child(2) th"), "tabs");
    browser.click("#sure");
    browser.press("button[value=wipe]");
    reader.reads(".notice", "The data is deleted.");
    judge(browser, "account-wiped");
    assert_eq!(
        user.get("info/collections")
            .ok()
            .json()
            .as_object()
            .unwrap()
            .len(),
        1
    );
    browser.click("#sure");
    browser.press("button[value=wipe]");
    reader.reads("main", "Nothing is stored.");
    assert_eq!(user.get("info/collections").ok().text(), "{}");
}

fn changes(reader: &Reader<'_>, site: &Site) {
    let browser = reader.browser;
    let fields = |old, new, again| [("old", old), ("new", new), ("again", again)];
    let button = "button[value=password]";
    reader.sends(
        &fields("first-secret", "second-secret", "other-secret"),
        button,
    );
    reader.reads(".problem", "do not match");
    reader.sends(
        &fields("wrong-secret", "second-secret", "second-secret"),
        button,
    );
    reader.reads(".problem", "Bad credentials");
    judge(browser, "account-wrong");
    reader.sends(
        &fields("first-secret", "second-secret", "second-secret"),
        button,
    );
    reader.reads(".notice", "Password successfully changed");
    User::named(site, EMAIL, "second-secret")
        .get("info/collections")
        .ok();

    let fields = [("email", "jd@example.net"), ("proof", "second-secret")];
    reader.sends(&fields, "button[value=email]");
    reader.reads(".notice", "The e-mail address is changed.");
    reader.reads("dd", "jd@example.net");

    browser.press("button[value=sign-out]");
    reader.reads(".notice", "You are signed out.");
    judge(browser, "signed-out");
    reader.goes_to("weave-account");
    reader.reads("main button", "Sign in");
}

fn forgets(reader: &Reader<'_>, sink: &SmtpSink) {
    let browser = reader.browser;
    reader.goes_to("weave-password-reset");
    judge(browser, "forgotten");
    reader.sends(&[("username", "nobody@example.com")], "main button");
    let said = browser.text("main");
    reader.goes_to("weave-password-reset");
    // The name is still made of the first address.
    reader.sends(&[("username", EMAIL)], "main button");
    assert_eq!(
        browser.text("main"),
        said,
        "nobody is told who has an account"
    );
    judge(browser, "forgotten-sent");
    let mail = sink.mail(0);
    assert_eq!(mail.to, "jd@example.net");
    assert!(mail.link().starts_with(URL), "{}", mail.link());

    browser.open(mail.link());
    judge(browser, "reset");
    let fields = |confirm| [("password", "third-secret"), ("confirm", confirm)];
    reader.sends(&fields("other-secret"), "main button");
    reader.reads(".problem", "do not match");
    judge(browser, "reset-wrong");
    reader.sends(&fields("third-secret"), "main button");
    reader.reads("main", "Password successfully changed");
    judge(browser, "reset-done");
    browser.open(mail.link());
    reader.sends(&fields("third-secret"), "main button");
    reader.reads(".problem", "Key does not match");
    assert_eq!(sink.count(), 1);
}

fn leaves(reader: &Reader<'_>, site: &Site) {
    let browser = reader.browser;
    reader.signs_in(EMAIL, "third-secret");
    browser.press("main a[href='weave-delete-account']");
    judge(browser, "delete");
    let fields = |password| [("username", EMAIL), ("password", password)];
    reader.sends(&fields("first-secret"), "main button");
    reader.reads(".problem", "Bad credentials");
    judge(browser, "delete-wrong");
    reader.sends(&fields("third-secret"), "main button");
    reader.reads("main", "Account removed.");
    judge(browser, "delete-done");
    let user = User::named(site, EMAIL, "third-secret");
    user.get("info/collections").is(401);
    // What is left of the session opens nothing.
    reader.goes_to("weave-account");
    reader.reads("main button", "Sign in");
}

/// The code of a new invitation.
fn invitation(site: &Site) -> String {
    let output = run(&["invite", "development.ini"], "", site.home().path());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().next().unwrap().to_owned()
}

/// The same in German, with an invitation; and by the machine's address, which the browser trusts
/// as it trusts HTTPS, so that it says more of where a form comes from.
#[test]
fn a_guest_reads_german() {
    let sink = SmtpSink::start(Wants::default());
    let site = site(&sink, |options| {
        options.set("auth.allow_new_users", "invite")
    });
    let browser = Browser::start("de", HOST, site.endpoint());
    let reader = Reader { browser: &browser };
    let code = invitation(&site);

    browser.open(&site.url());
    assert_eq!(browser.property("html", "lang"), "de");
    reader.reads("h1", "Dieser Sync-Server funktioniert");
    judge(&browser, "root-otherwise-german");
    browser.open(URL);
    judge(&browser, "root-german");
    browser.open(&format!("{}weave-sign-up", site.url()));
    judge(&browser, "sign-up-german");
    let fields = |code| {
        [
            ("email", JUERGEN),
            ("password", "first-secret"),
            ("again", "first-secret"),
            ("response", code),
        ]
    };
    reader.sends(&fields("ABCD-EFGH"), "main button");
    reader.reads(".problem", "Einladung stimmt nicht");
    reader.sends(&fields(&code), "main button");
    reader.reads("main", "Das Konto ist angelegt.");
    // What the page made of the address is what a client makes of it.
    User::named(&site, JUERGEN, "first-secret")
        .get("info/collections")
        .ok();
    judge(&browser, "sign-up-done-german");

    browser.open(&format!("{}weave-account", site.url()));
    let fields = [("username", JUERGEN), ("password", "first-secret")];
    reader.sends(&fields, "main button");
    reader.reads("h1", "Dein Konto");
    judge(&browser, "account-german");
    let fields = [("email", "jd@example.net"), ("proof", "first-secret")];
    reader.sends(&fields, "button[value=email]");
    reader.reads(".notice", "Die E-Mail-Adresse ist geändert.");
    browser.open(&format!("{}weave-password-reset", site.url()));
    reader.sends(&[("username", JUERGEN)], "main button");
    assert!(sink.mail(0).text.contains("innerhalb von 6 Stunden"));
}
