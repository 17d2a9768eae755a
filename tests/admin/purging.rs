//! What belongs to people who do not come any more.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::support::home;
use super::support::weaved;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Options;
use crate::suite::Site;
use crate::suite::SmtpSink;
use crate::suite::Wants;
use crate::suite::Way;
use crate::suite::on_every_database;

on_every_database! {
    idle_accounts_are_purged_by_their_last_use
    nothing_is_deleted_before_a_mail
    nothing_is_deleted_for_want_of_knowledge
    what_has_no_account_is_deleted_when_it_is_said_twice
}

/// Accounts that were used so many days ago, each with one record.
fn used(kind: Kind, days: &[i64]) -> (Home, Vec<String>) {
    used_with(kind, days, |options| options)
}

fn used_with(
    kind: Kind,
    days: &[i64],
    set: impl FnOnce(Options) -> Options,
) -> (Home, Vec<String>) {
    let site = Site::in_home(Home::on(kind), Way::Http, set);
    let mut names = Vec::new();
    for _ in days {
        let user = site.user();
        user.put("storage/c/a", r#"{"payload":"x"}"#).ok();
        names.push(user.name);
    }
    let home = site.home().clone();
    site.weaved().stop();
    for (id, days) in (1..).zip(days) {
        home.ground().run_sql(&format!(
            "UPDATE weaved_last_use SET day = day - {days} WHERE userid = {id};
            UPDATE weaved_users SET last_write = last_write - {days} * 8640000 WHERE userid = {id};
            UPDATE weaved_collections SET modified = modified - {days} * 8640000 WHERE userid = {id};
            UPDATE wbo SET modified = modified - {days} * 8640000 WHERE username = {id}"
        ));
    }
    home.ground()
        .run_sql("UPDATE weaved_last_use SET day = 1 WHERE userid < 0");
    (home, names)
}

fn idle_accounts_are_purged_by_their_last_use(kind: Kind) {
    let (home, names) = used(kind, &[100, 70, 50, 0]);
    let count = || home.ground().number("SELECT COUNT(*) FROM wbo");
    let [first, second, ..] = names.as_slice() else {
        unreachable!();
    };
    let dry = weaved(&home, "purge FILE --idle 60d --accounts 90d --dry-run")
        .ends(0)
        .out();
    let lines: Vec<&str> = dry.lines().collect();
    assert!(
        lines[0].starts_with(&format!("{first}: last seen ")),
        "{dry}"
    );
    assert!(
        lines[0].ends_with(": the account and 1 records would be deleted"),
        "{dry}"
    );
    assert!(
        lines[1].starts_with(&format!("{second}: last seen ")),
        "{dry}"
    );
    assert!(lines[1].ends_with(": 1 records would be deleted"), "{dry}");
    assert_eq!((lines.len(), lines[2]), (3, "nothing was deleted"));
    assert_eq!(count(), 4);
    let purged = weaved(&home, "purge FILE --idle 60d --accounts 90d --json").json();
    let fates = |member: &str| {
        let all = purged["idle"].as_array().unwrap().iter();
        all.map(|fate| fate[member].clone()).collect::<Vec<_>>()
    };
    assert_eq!(fates("what"), [json!("account"), json!("records")]);
    assert_eq!(fates("done"), [json!(true), json!(true)]);
    assert_eq!(count(), 2);
    let list = weaved(&home, "user list FILE").ends(0).out();
    assert!(!list.contains(first.as_str()) && list.contains(second.as_str()));
    // Again: nothing is left to do.
    weaved(&home, "purge FILE --idle 60d --accounts 90d").prints("purged 0 expired records\n");
    weaved(&home, "purge FILE --idle 0d").ends(64);
    weaved(&home, "purge FILE --yes").ends(64);
}

fn nothing_is_deleted_for_want_of_knowledge(kind: Kind) {
    let (home, names) = used(kind, &[100, 100, 100]);
    // As before uses were counted: the first only wrote, the second never did; of the third a
    // use was noted long ago, but he has written since.
    home.ground()
        .run_sql("DELETE FROM weaved_last_use WHERE userid IN (1, 2)");
    home.ground()
        .run_sql("UPDATE weaved_users SET last_write = 0 WHERE userid = 2");
    home.ground()
        .run_sql("UPDATE weaved_users SET last_write = last_write + 90 * 8640000 WHERE userid = 3");
    let dry = |line: &str| {
        weaved(&home, &format!("purge FILE {line} --dry-run"))
            .ends(0)
            .out()
    };
    let said = dry("--idle 60d --accounts 90d");
    let [first, second, third] = names.as_slice() else {
        unreachable!();
    };
    assert!(said.contains(&format!("{first}: last seen ")), "{said}");
    let kept = format!("{second}: kept, nothing tells when it was used\n");
    assert!(said.contains(&kept), "{said}");
    assert!(!said.contains(third.as_str()), "{said}");
    // Whoever only read left no trace before the counting began, a month ago.
    let today = "(SELECT MAX(day) + 100 FROM (SELECT day FROM weaved_last_use) AS days)";
    home.ground().run_sql(&format!(
        "UPDATE weaved_last_use SET day = {today} - 30 WHERE userid < 0"
    ));
    let said = dry("--idle 60d --accounts 90d");
    assert!(!said.contains(first.as_str()), "{said}");
    assert!(dry("--idle 20d").contains(first.as_str()));
}

fn what_has_no_account_is_deleted_when_it_is_said_twice(kind: Kind) {
    let (home, _) = used(kind, &[0, 0]);
    home.ground().run_sql(match kind {
        Kind::Sqlite | Kind::POSTGRESQL => r#"DELETE FROM "user" WHERE userid = 1"#,
        Kind::Served(_) => "DELETE FROM user WHERE userid = 1",
    });
    let count = || home.ground().number("SELECT COUNT(*) FROM wbo");
    let said = weaved(&home, "purge FILE --gone").ends(1);
    assert!(
        said.out()
            .starts_with("user 1 without an account: 1 records would be deleted\n"),
        "{}",
        said.out()
    );
    assert!(said.err().contains("--yes"), "{}", said.err());
    assert_eq!(count(), 2);
    weaved(&home, "purge FILE --gone --yes --dry-run").ends(0);
    assert_eq!(count(), 2);
    weaved(&home, "purge FILE --gone --yes")
        .prints("user 1 without an account: 1 records deleted\npurged 0 expired records\n");
    assert_eq!(count(), 1);
    weaved(&home, "purge FILE --gone --yes").prints("purged 0 expired records\n");
}

fn nothing_is_deleted_before_a_mail(kind: Kind) {
    let sink = SmtpSink::start(Wants::default());
    let (home, names) = used_with(kind, &[70, 50, 10, 70], |options| {
        options
            .set("smtp.host", "127.0.0.1")
            .set("smtp.port", sink.port())
            .set("smtp.sender", "Sync <sync@example.org>")
            .set("global.public_url", "https://sync.example.org/y/")
    });
    // The last one cannot be told.
    home.ground().run_sql(match kind {
        Kind::Sqlite | Kind::POSTGRESQL => r#"UPDATE "user" SET mail = NULL WHERE userid = 4"#,
        Kind::Served(_) => "UPDATE user SET mail = NULL WHERE userid = 4",
    });
    let count = || home.ground().number("SELECT COUNT(*) FROM wbo");
    let purge = |more: &str| {
        let line = format!("purge FILE --idle 60d --mail-before 14d --json{more}");
        let all = weaved(&home, &line).json()["idle"].clone();
        let all = all.as_array().unwrap().iter();
        all.map(|fate| {
            (
                fate["name"].clone(),
                fate["what"].clone(),
                fate["done"].clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    let fate = |at: usize, what: &str, done: bool| (json!(names[at]), json!(what), json!(done));
    let expected = |done: bool| {
        [
            fate(0, "warning", done),
            fate(1, "warning", done),
            fate(3, "records", done),
        ]
    };
    assert_eq!(purge(" --dry-run"), expected(false));
    assert_eq!((sink.count(), count()), (0, 4));
    assert_eq!(purge(""), expected(true));
    assert_eq!((sink.count(), count()), (2, 3));
    let mail = sink.mail(0);
    for part in [
        "https://sync.example.org/y/",
        "Nobody has used",
        "Am ",
        "lange niemand benutzt",
    ] {
        assert!(mail.text.contains(part), "{part} in {}", mail.text);
    }
    // Nobody is told twice.
    assert_eq!(purge(""), []);
    assert_eq!((sink.count(), count()), (2, 3));
    // Two weeks later: one of them has come back, and goes away again.
    home.ground()
        .run_sql("UPDATE weaved_warnings SET day = day - 14");
    home.ground()
        .run_sql("UPDATE weaved_last_use SET day = day + 40 WHERE userid = 2");
    assert_eq!(purge(""), [fate(0, "records", true)]);
    assert_eq!((sink.count(), count()), (2, 2));
    home.ground()
        .run_sql("UPDATE weaved_last_use SET day = day - 60 WHERE userid = 2");
    home.ground()
        .run_sql("UPDATE weaved_warnings SET day = day - 100");
    home.ground()
        .run_sql("UPDATE weaved_users SET last_write = 1");
    assert_eq!(purge(""), [fate(1, "warning", true)]);
    assert_eq!((sink.count(), count()), (3, 2));
}

#[test]
fn a_mail_before_needs_somebody_who_takes_mails() {
    let home = home(Kind::Sqlite);
    weaved(&home, "purge FILE --idle 60d --mail-before 14d").complains(78, "[smtp] sender");
    weaved(&home, "purge FILE --mail-before 14d").complains(64, "--idle or --accounts");
}

#[test]
fn a_purge_of_nobody_is_no_failure() {
    let home = home(Kind::Sqlite);
    let purged = weaved(
        &home,
        "purge FILE --idle 60d --accounts 90d --gone --yes --json",
    )
    .json();
    assert_eq!(purged, json!({"expired": 0, "idle": []}));
}

/// A server that is never quiet tells in time who has come back.
#[test]
fn who_has_just_come_back_is_not_idle_on_a_busy_server() {
    let site = Site::in_home(Home::new(), Way::Http, |options| options);
    let (user, home) = (site.user(), site.home().clone());
    user.put("storage/c/a", r#"{"payload":"x"}"#).written();
    let noted = || {
        home.ground()
            .number("SELECT COUNT(*) FROM weaved_last_use WHERE userid = 1 AND day > 1")
    };
    let until = Instant::now() + Duration::from_secs(30);
    while noted() == 0 {
        // Each of these is a request that keeps the server from being quiet.
        user.get("info/collections").ok();
        assert!(Instant::now() < until, "not written down in time");
    }
}

/// Deleting what somebody has stored is no sign of life of his.
#[test]
fn a_purge_of_records_does_not_put_off_that_of_the_account() {
    let (home, names) = used(Kind::Sqlite, &[70]);
    weaved(&home, "purge FILE --idle 60d").ends(0);
    home.ground()
        .run_sql("UPDATE weaved_last_use SET day = day - 30 WHERE userid = 1");
    let purged = weaved(&home, "purge FILE --accounts 90d").ends(0).out();
    assert!(purged.contains(&names[0]), "{purged}");
}

/// What is wrong with one address says nothing of the others.
#[test]
fn a_mail_that_nobody_takes_holds_up_no_other() {
    let sink = SmtpSink::start(Wants {
        refuses: Some("bad@example.com"),
        ..Wants::default()
    });
    let (home, names) = used_with(Kind::Sqlite, &[70, 70], |options| {
        options
            .set("smtp.host", "127.0.0.1")
            .set("smtp.port", sink.port())
            .set("smtp.sender", "Sync <sync@example.org>")
            .set("global.public_url", "https://sync.example.org/y/")
    });
    home.ground()
        .run_sql("UPDATE user SET mail = 'bad@example.com' WHERE userid = 1");
    let line = "purge FILE --idle 60d --mail-before 14d --json";
    let purged = weaved(&home, line).ends(69);
    assert!(
        purged.err().contains("1 mails could not be sent"),
        "{}",
        purged.err()
    );
    let told: serde_json::Value = serde_json::from_str(&purged.out()).unwrap();
    let (bad, good) = (&told["idle"][0], &told["idle"][1]);
    assert_eq!(
        (&bad["name"], &bad["done"]),
        (&json!(names[0]), &json!(false))
    );
    assert!(bad["failed"].as_str().unwrap().contains("550"), "{bad}");
    assert_eq!(
        (&good["name"], &good["done"]),
        (&json!(names[1]), &json!(true))
    );
    assert_eq!(sink.count(), 1);
}
