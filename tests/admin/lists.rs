//! Lists and sums, and names that change.

use serde_json::json;

use super::support::home;
use super::support::weaved;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Site;
use crate::suite::Way;
use crate::suite::name_of;
use crate::suite::on_every_database;

on_every_database! {
    an_account_keeps_its_records_under_a_new_name
    lists_and_sums_tell_the_same
}

fn lists_and_sums_tell_the_same(kind: Kind) {
    let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
    let home = site.home().clone();
    let (alice, bob) = (site.user(), site.user());
    alice
        .post(
            "storage/tabs",
            r#"[{"id":"a","payload":"12345"},{"id":"b","payload":"1"}]"#,
        )
        .ok();
    alice.put("storage/forms/f", r#"{"payload":"123"}"#).ok();
    weaved(&home, &format!("user disable FILE {}", bob.name)).ends(0);
    // The server writes down who was here when it is quiet, and when it ends.
    site.weaved().stop();
    let list = weaved(&home, "user list FILE --json").json();
    let day = list[0]["last_use"].as_str().unwrap().to_owned();
    assert_eq!(day.len(), "2026-11-28".len());
    let expected = json!([
        {
            "id": 1, "name": alice.name, "state": "active", "email": alice.email,
            "last_use": day, "records": 3, "bytes": 9,
        },
        {
            "id": 2, "name": bob.name, "state": "disabled", "email": bob.email,
            "last_use": day, "records": 0, "bytes": 0,
        },
    ]);
    assert_eq!(list, expected);
    let show = weaved(&home, &format!("user show FILE {} --json", alice.email)).json();
    assert_eq!(show["storages"][0]["bytes"], 9);
    assert_eq!(show["storages"][0]["collections"][1]["name"], "tabs");
    assert_eq!(show["storages"][0]["collections"][1]["records"], 2);
    assert_eq!(show["last_use"], day);
    let stats = weaved(&home, "stats FILE --json").json();
    let expected = json!({
        "accounts": 2, "disabled": 1, "used_today": 2, "used_in_7_days": 2,
        "used_in_30_days": 2, "never_noted": 0, "records": 3, "bytes": 9,
        "users_without_account": 0, "their_records": 0,
    });
    assert_eq!(stats, expected);
    // Records whose account is gone are seen.
    home.ground()
        .run_sql("UPDATE weaved_last_use SET day = day - 10 WHERE userid = 1");
    home.ground().run_sql(match kind {
        Kind::Sqlite | Kind::POSTGRESQL => r#"DELETE FROM "user" WHERE userid = 1"#,
        Kind::Served(_) => "DELETE FROM user WHERE userid = 1",
    });
    let stats = weaved(&home, "stats FILE").ends(0).out();
    for line in [
        "accounts: 1\n",
        "used in 7 days: 1\n",
        "without an account: 1 users with 3 records\n",
    ] {
        assert!(stats.contains(line), "{line} in {stats}");
    }
}

fn an_account_keeps_its_records_under_a_new_name(kind: Kind) {
    let site = Site::in_home(Home::on(kind), Way::Http, |options| options);
    let home = site.home().clone();
    let (alice, bob) = (site.user(), site.user());
    alice.put("storage/c/a", r#"{"payload":"x"}"#).ok();
    weaved(
        &home,
        &format!("user rename FILE {} {}", alice.name, bob.email),
    )
    .complains(1, "an account of this name exists");
    let new = crate::suite::User::named(&site, "new@example.org", &alice.password);
    weaved(
        &home,
        &format!("user rename FILE {} new@example.org", alice.name),
    )
    .prints(&format!("{} is {} now\n", alice.name, new.name));
    alice.get("storage/c").is(401);
    new.get("storage/c").lists(&["a"]);
    let show = weaved(&home, "user show FILE new@example.org --json").json();
    assert_eq!(show["email"], "new@example.org");
    assert_eq!(show["name"], name_of("new@example.org"));
}

#[test]
fn a_use_is_written_down_when_nobody_is_there() {
    let site = Site::in_home(Home::on(Kind::Sqlite), Way::Http, |options| options);
    let home = site.home().clone();
    let user = site.user();
    for _ in 0..3 {
        user.get("info/collections").ok();
    }
    site.weaved().stop();
    let rows = home
        .ground()
        .number("SELECT COUNT(*) FROM weaved_last_use WHERE userid > 0");
    assert_eq!(rows, 1, "one row a user, however many requests");
}

#[test]
fn a_list_of_nobody_is_an_empty_one() {
    let home = home(Kind::Sqlite);
    weaved(&home, "user list FILE").prints("");
    assert_eq!(weaved(&home, "user list FILE --json").json(), json!([]));
}
