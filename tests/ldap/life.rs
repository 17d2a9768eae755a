//! The real program on a directory, from the configurations that operators have.

use std::path::Path;
use std::process::Output;

use crate::slapd::ORIGINAL;
use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::suite::Home;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::lives_a_little;
use crate::suite::name_of;
use crate::suite::run;

/// The keys of the older class, and of the later one (spec/user-1.0.md, 9).
const FAMILIES: [&[(&str, &str)]; 2] = [
    &[
        ("auth.backend", "services.auth.ldapsql.LDAPAuth"),
        ("auth.bind_user", "\"cn=admin,dc=mozilla\""),
        ("auth.bind_password", "admin"),
        ("auth.admin_user", "\"cn=admin,dc=mozilla\""),
        ("auth.admin_password", "admin"),
        ("auth.users_root", "\"ou=users,dc=mozilla\""),
        ("auth.users_base_dn", "\"ou=users,dc=mozilla\""),
    ],
    &[
        ("auth.backend", "services.user.mozilla_ldap.LDAPUser"),
        ("auth.bind", "cn=admin,dc=mozilla"),
        ("auth.passwd", "admin"),
        ("auth.search_root", "dc=mozilla"),
        ("auth.users_root", "ou=users,dc=mozilla"),
    ],
];

fn with(mut options: Options, uri: &str, keys: &[(&'static str, &str)]) -> Options {
    options = options.set("auth.ldapuri", uri);
    for (key, value) in keys {
        options = options.set(key, *value);
    }
    options
}

fn site(home: &Home, uri: &str, keys: &[(&'static str, &str)]) -> Site {
    Site::in_home(home.clone(), Way::Http, |options| with(options, uri, keys))
}

/// A user of an ordinary tree, who types his plain name.
fn person<'a>(site: &'a Site, name: &str) -> User<'a> {
    User::named(site, name, &format!("{name}-secret"))
}

#[test]
fn a_whole_life_in_the_originals_layout() {
    for family in FAMILIES {
        let slapd = Slapd::start(ORIGINAL);
        let keys = [family, &[("auth.ldap_write", "true")]].concat();
        let home = Home::new();
        let site = site(&home, &slapd.url(), &keys);
        // Somebody whom the original has made.
        let alice = User::named(&site, "alice@example.com", "password1");
        alice
            .put("storage/bookmarks/a", r#"{"payload":"mine"}"#)
            .ok();
        alice
            .with_password("password2")
            .get("storage/bookmarks/a")
            .is(401);
        assert!(slapd.entry("(uidNumber=1)").contains(&alice.name));

        lives_a_little(site.transport(), &site.url());

        let user = site.user();
        user.sign_up().code(4);
        user.nobody().user("GET", "").send().says("1");
        user.user("GET", "/node/weave").send().says(&site.url());
        user.put("storage/bookmarks/b", r#"{"payload":"new"}"#).ok();
        user.get("storage/bookmarks/a").is(404);
        user.user("POST", "/email")
            .body("b@example.com")
            .send()
            .says("b@example.com");
        assert!(
            slapd
                .entry(&format!("(uid={})", user.name))
                .contains("mail: b@example.com")
        );
        user.user("POST", "/password").body("short").send().code(9);
        user.user("POST", "/password")
            .body("ein längeres Wort")
            .send()
            .says("success");
        user.get("storage/bookmarks/b").is(401);
        let user = user.with_password("ein längeres Wort");
        user.get("storage/bookmarks/b").ok();
        user.user("DELETE", "").send().says("1");
        user.get("storage/bookmarks/b").is(401);
        user.nobody().user("GET", "").send().says("0");
        assert_eq!(slapd.entry(&format!("(uid={})", user.name)), "");
        // Who comes next is somebody else.
        let next = user.with_password("secret-pass");
        next.sign_up().says(&next.name);
        next.get("storage/bookmarks/b").is(404);
        alice.get("storage/bookmarks/a").ok();
        alice.user("DELETE", "").send().says("1");

        // 404 for the node of a user with a node of his own would be another's matter.
        let elsewhere = User::named(&site, "elsewhere", "password1");
        elsewhere
            .user("GET", "/node/weave")
            .send()
            .says("https://sync7.example.com/");
        let log = site.log().text();
        assert!(
            !log.contains("password1") && !log.contains("secret-pass"),
            "{log}"
        );
    }
}

const SERVICE: [(&str, &str); 4] = [
    ("auth.backend", "ldap"),
    ("auth.bind_user", "cn=weaved,ou=services,dc=example,dc=org"),
    ("auth.bind_password", "service-secret"),
    ("auth.users_root", "dc=example,dc=org"),
];

#[test]
fn a_whole_life_in_an_ordinary_tree() {
    let mut slapd = Slapd::start(PEOPLE);
    let home = Home::new();
    let site = site(&home, &slapd.url(), &SERVICE);
    let (joe, ann) = (person(&site, "joe"), person(&site, "ann"));
    joe.nobody().user("GET", "").send().says("1");
    joe.user("GET", "/node/weave").send().says(&site.url());
    joe.put("storage/bookmarks/a", r#"{"payload":"of joe"}"#)
        .ok();
    ann.put("storage/bookmarks/a", r#"{"payload":"of ann"}"#)
        .ok();
    joe.get("storage/bookmarks/a").contains("of joe");
    ann.get("storage/bookmarks/a").contains("of ann");

    // What is not done here, and leaves everything as it is.
    let refusal = "Accounts cannot be changed here, they are kept in a directory";
    site.user_refused(refusal);
    for call in [
        joe.user("POST", "/password").body("another password"),
        joe.user("POST", "/email").body("joe@example.com"),
        joe.user("DELETE", ""),
    ] {
        call.send().is(403).body(refusal);
    }
    joe.get("storage/bookmarks/a").contains("of joe");
    let twin = person(&site, "twin");
    twin.get("storage/bookmarks/a").is(401);
    twin.nobody().user("GET", "").send().code(3);
    site.log()
        .wait_for_count("the name twin has several entries", 1);

    // Without the directory nobody is sent away for good, and its return is noticed at once.
    slapd.stop();
    for reply in [
        joe.get("storage/bookmarks/a"),
        joe.nobody().user("GET", "").send(),
        person(&site, "beth").get("storage/bookmarks/a"),
    ] {
        reply.is(503);
    }
    slapd.resume();
    joe.get("storage/bookmarks/a").contains("of joe");
    let log = site.log().text();
    assert!(log.contains("Connection refused"), "{log}");
    assert!(!log.contains("-secret"), "{log}");
}

impl Site {
    /// Nobody can sign up.
    #[track_caller]
    fn user_refused(&self, refusal: &str) {
        let user = User::invented(self);
        user.sign_up().is(403).body(refusal);
    }
}

#[test]
fn the_numbers_of_a_process_are_those_of_the_next() {
    let slapd = Slapd::start(PEOPLE);
    let home = Home::new();
    {
        let site = site(&home, &slapd.url(), &SERVICE);
        let beth = User::named(&site, "beth", "Beth-secret");
        beth.put("storage/bookmarks/a", r#"{"payload":"of beth"}"#)
            .ok();
    }
    let site = site(&home, &slapd.ldapi(), &SERVICE);
    person(&site, "ann").get("storage/bookmarks/a").is(404);
    let beth = User::named(&site, "beth", "Beth-secret");
    beth.get("storage/bookmarks/a").contains("of beth");
}

/// The words of a command: its exit code, what it says and what it complains of.
#[track_caller]
fn said(arguments: &[&str], input: &str, home: &Home) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = run(arguments, input, home.path());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn configured(home: &Home, uri: &str, keys: &[(&'static str, &str)]) -> String {
    let options = Options::new(crate::suite::Gateway::Http, "");
    let ini = home.configure(&with(options, uri, keys));
    ini.display().to_string()
}

#[test]
fn accounts_in_the_directory_are_looked_after_by_hand() {
    let slapd = Slapd::start(ORIGINAL);
    let home = Home::new();
    let keys = [FAMILIES[1], &[("auth.ldap_write", "true")]].concat();
    let ini = configured(&home, &slapd.url(), &keys);
    let user = |verb: &str, rest: &[&str], input: &str| {
        said(&[&["user", verb, &*ini], rest].concat(), input, &home)
    };
    let fine = |text: &str| (Some(0), text.to_owned(), String::new());
    let carol = name_of("carol@example.com");
    assert_eq!(
        user("add", &["carol@example.com"], "open sesame\n"),
        fine(&format!("made account {carol}, user 5\n"))
    );
    assert!(slapd.lets_in("uidNumber=5,ou=users,dc=mozilla", "open sesame"));
    let (code, list, _) = user("list", &[], "");
    let day = list.lines().last().unwrap().split('\t').nth(4).unwrap();
    assert_eq!((code, day.len()), (Some(0), "2026-11-28".len()));
    assert_eq!(
        list.replace(day, "DAY"),
        format!(
            "1\t7qrzrjz52vgwen6e7w2y7v6xknd46wxt\tactive\talice@example.com\t-\t0\t0\n\
             2\tplain\tactive\tplain@example.com\t-\t0\t0\n\
             3\tdisabled\tdisabled\tdisabled@example.com\t-\t0\t0\n\
             4\telsewhere\tactive\telsewhere@example.com\t-\t0\t0\n\
             5\t{carol}\tactive\tcarol@example.com\tDAY\t0\t0\n"
        )
    );
    assert_eq!(
        user("passwd", &["carol@example.com"], "close sesame\n"),
        fine(&format!("changed the password of {carol}\n"))
    );
    assert!(slapd.lets_in("uidNumber=5,ou=users,dc=mozilla", "close sesame"));
    assert_eq!(user("disable", &["plain"], ""), fine("plain is disabled\n"));
    assert_eq!(user("enable", &["plain"], ""), fine("plain is active\n"));
    assert_eq!(
        user("delete", &["plain", "--yes"], ""),
        fine("deleted plain\n")
    );
    assert_eq!(slapd.entry("(uid=plain)"), "");
}

#[test]
fn a_directory_that_is_only_read_says_so_by_hand() {
    let slapd = Slapd::start(PEOPLE);
    let home = Home::new();
    let ini = configured(&home, &slapd.url(), &SERVICE);
    let refusal = "weaved: the accounts are in a directory, which is only read: change them there, \
                   or set ldap_write = true\n";
    for arguments in [
        &["user", "add", &*ini, "new"][..],
        &["user", "passwd", &ini, "joe"],
        &["user", "disable", &ini, "joe"],
        &["user", "delete", &ini, "joe", "--yes"],
    ] {
        let said = said(arguments, "open sesame\n", &home);
        assert_eq!(said, (Some(1), String::new(), refusal.to_owned()));
    }
    let (code, text, _) = said(&["user", "show", &ini, "joe"], "", &home);
    assert_eq!(code, Some(0));
    assert!(text.contains("id: 1001\n"), "{text}");
    assert!(Path::new(&ini).exists());
}

/// Whoever looks after the directory removes people there; what they stored goes with a purge.
#[test]
fn what_people_stored_who_left_the_directory_is_deleted() {
    let slapd = Slapd::start(PEOPLE);
    let home = Home::new();
    let site = site(&home, &slapd.url(), &SERVICE);
    let (joe, ann) = (person(&site, "joe"), person(&site, "ann"));
    for user in [&joe, &ann] {
        user.put("storage/bookmarks/a", r#"{"payload":"x"}"#).ok();
    }
    let ini = configured(&home, &slapd.url(), &SERVICE);
    let purge = |options: &[&str]| said(&[&["purge", &*ini], options].concat(), "", &home);
    assert_eq!(purge(&["--gone", "--yes"]).1, "purged 0 expired records\n");
    let (code, _, refusal) = purge(&["--accounts", "90d"]);
    assert_eq!(code, Some(64));
    assert!(
        refusal.contains("--idle deletes their records"),
        "{refusal}"
    );
    let entry = slapd.entry("(uid=joe)");
    let dn = entry.lines().find_map(|line| line.strip_prefix("dn: "));
    slapd.modify(&format!("dn: {}\nchangetype: delete\n", dn.unwrap()));
    let (code, shown, _) = purge(&["--gone"]);
    assert_eq!(code, Some(1));
    assert!(
        shown.starts_with("user 1001 without an account: 1 records would be deleted\n"),
        "{shown}"
    );
    let (code, done, _) = purge(&["--gone", "--yes"]);
    assert_eq!(code, Some(0));
    assert!(done.contains("1 records deleted"), "{done}");
    ann.get("storage/bookmarks").lists(&["a"]);
    // A backup says what it lacks.
    let (code, text, _) = said(&["backup", &ini, "all"], "", &home);
    assert_eq!(code, Some(0));
    assert!(text.contains("the archive has no passwords\n"), "{text}");
}
