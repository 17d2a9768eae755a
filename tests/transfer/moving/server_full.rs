//! From server-full, and from one weaved to another.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::House;
use super::browser;
use super::bytes;
use super::of;
use crate::suite::Ground;
use crate::suite::Home;
use crate::suite::Kind;
use crate::suite::Site;
use crate::suite::User;
use crate::suite::Way;
use crate::suite::on_every_database;

on_every_database! {
    a_weaved_moves_to_another_database
}

/// A copy of a database that the original wrote, and what it answered from it.
fn original(era: &str) -> (TempDir, PathBuf, Value) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/databases");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("old.db");
    fs::copy(fixtures.join(format!("server-full-{era}.sqlite")), &file).unwrap();
    let told = fs::read(fixtures.join(format!("server-full-{era}.json"))).unwrap();
    (folder, file, serde_json::from_slice(&told).unwrap())
}

#[test]
fn every_era_moves_in() {
    for era in ["2011", "2012", "2013"] {
        let (folder, file, told) = original(era);
        let before = bytes(folder.path());
        // Somebody is here, so that numbers of users differ.
        let house = House::new(Kind::Sqlite);
        house.serve().user();
        let path = file.to_str().unwrap();
        let report = house.report("server-full", &[path]);
        assert_eq!(report.len(), 3, "{era}");
        assert_eq!(bytes(folder.path()), before, "{era}");
        let site = house.serve();
        for user in told["users"].as_array().unwrap() {
            let text = |key: &str| user[key].as_str().unwrap();
            let moved = of(&report, text("username"));
            assert_eq!(
                (&moved["account"], &moved["notes"]),
                (&json!("made"), &json!([]))
            );
            let here = User::named(&site, text("email"), text("password"));
            assert_eq!(here.name, text("username"));
            for (collection, records) in user["collections"].as_object().unwrap() {
                let got = here
                    .get(&format!("storage/{collection}?full=1"))
                    .ok()
                    .json();
                let got: Vec<&Value> = got.as_array().unwrap().iter().collect();
                assert_eq!(
                    got.len(),
                    records.as_object().unwrap().len(),
                    "{era} {collection}"
                );
                for record in got {
                    let mut expected = records[record["id"].as_str().unwrap()].clone();
                    // What has no time there has one here.
                    if expected["modified"].is_null() {
                        expected["modified"] = record["modified"].clone();
                    }
                    assert_eq!(*record, expected, "{era} {collection}");
                }
            }
            let mail = "SELECT mail FROM \"user\" WHERE username =";
            let mail = house
                .home
                .ground()
                .value(&format!("{mail} '{}'", here.name));
            assert_eq!(mail, text("email"));
        }
        drop(site);
        for moved in house.report("server-full", &[path]) {
            assert_eq!(
                (&moved["account"], &moved["added"]),
                (&json!("known"), &json!(0)),
                "{era}"
            );
            assert_eq!(
                (&moved["kept"], &moved["updated"]),
                (&json!(0), &json!(0)),
                "{era}"
            );
        }
    }
}

/// Accounts in one database, records in a hundred tables of another; and what belongs to nobody.
#[test]
fn shards_and_accounts_of_their_own_move_in() {
    const ACCOUNTS: &str = r#"
        CREATE TABLE "user" (userid INTEGER PRIMARY KEY, username VARCHAR(32), password VARCHAR(128),
            "accountStatus" INTEGER, mail VARCHAR(64), "mailVerified" INTEGER, "syncNode" VARCHAR(64));
        INSERT INTO "user" VALUES (107, 'ann', '{SSHA}dk58FHRTdppKv7yPvVBvpTjcVmtBQkNERUZHSA==', 1,
            'ann@example.com', 0, 'https://old.example/');
        INSERT INTO "user" VALUES (108, 'bob', NULL, 0, NULL, 0, NULL);
        INSERT INTO "user" VALUES (109, 'Ann', NULL, 1, NULL, 0, NULL);
        CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(32));"#;
    let records = |table: &str| {
        format!(
            "CREATE TABLE {table} (id VARCHAR(64), username INTEGER, collection INTEGER,
                parentid VARCHAR(64), predecessorid VARCHAR(64), sortindex INTEGER, modified BIGINT,
                payload TEXT, payload_size INTEGER, ttl INTEGER,
                PRIMARY KEY (username, collection, id));"
        )
    };
    let accounts = Ground::fresh(Kind::Sqlite);
    accounts.run_sql(ACCOUNTS);
    let ground = Ground::fresh(Kind::Sqlite);
    ground.run_sql(&records("wbo"));
    for shard in 0..100 {
        ground.run_sql(&records(&format!("wbo{shard}")));
    }
    ground.run_sql(
        "CREATE TABLE collections (userid INTEGER, collectionid INTEGER, name VARCHAR(32));
        INSERT INTO collections VALUES (107, 20, 'mine');
        INSERT INTO wbo7 VALUES
            ('a', 107, 7, NULL, NULL, NULL, 132200000050, 'x', 1, 2100000000),
            ('b', 107, 20, NULL, NULL, NULL, 132200000051, 'x', 1, NULL),
            ('c', 107, 21, NULL, NULL, NULL, 132200000052, 'x', 1, NULL);
        INSERT INTO wbo8 VALUES ('d', 8, 7, NULL, NULL, NULL, 132200000053, 'x', 1, NULL);",
    );
    let house = House::new(Kind::Sqlite);
    let [records, accounts] = [&ground, &accounts].map(|ground| ground.file());
    let [records, accounts] = [&records, &accounts].map(|path| path.to_str().unwrap());
    let (code, _, error) = house.import("server-full", &[records]);
    assert_eq!(code, Some(1));
    assert!(
        error.contains("it has no accounts in `user` or `users` (see --accounts)"),
        "{error}"
    );
    let report = house.report("server-full", &[records, "--accounts", accounts]);
    let ann = of(&report, "ann");
    assert_eq!(ann["added"], 2);
    let left = json!({"a collection that has no name, or one that no URL can hold": 1});
    assert_eq!(ann["skipped"], left);
    let note = "its node was https://old.example/; here it has the server's";
    assert_eq!(ann["notes"], json!([note]));
    assert_eq!(of(&report, "bob")["notes"].as_array().unwrap().len(), 1);
    for (name, note) in [
        (
            "Ann",
            "there are two accounts of this name there; the one with the number 107 was taken",
        ),
        ("user 8", "there is no account with this number there"),
    ] {
        assert_eq!(of(&report, name)["notes"], json!([note]));
    }
    assert_eq!(
        of(&report, "user 8")["skipped"],
        json!({"no account here": 1})
    );
    let site = house.serve();
    let ann = browser(&site, "ann", "password1");
    ann.get("info/collections")
        .answers(json!({"bookmarks": 1322000000.5, "mine": 1322000000.51}));
    let state = "SELECT \"accountStatus\" FROM \"user\" WHERE username = 'bob'";
    assert_eq!(house.home.ground().number(state), 0);
}

fn a_weaved_moves_to_another_database(kind: Kind) {
    let old = Home::on(kind);
    let uri = old.ground().uri();
    let (name, all) = {
        let site = Site::in_home(old, Way::Http, |options| options);
        let user = User::named(&site, "mover@example.com", "secret-pass");
        user.sign_up().ok();
        let records = json!([
            {"id": "a", "payload": "é\u{1F600}", "sortindex": 3},
            {"id": "b", "payload": "x", "ttl": 1000},
        ]);
        user.post("storage/own", records.to_string()).ok();
        user.put("storage/meta/global", r#"{"payload":"{}"}"#)
            .written();
        // The old one runs while the new one reads.
        let house = House::new(Kind::Sqlite);
        assert_eq!(
            of(&house.report("server-full", &[&uri]), &user.name)["added"],
            3
        );
        let all = user.get("storage/own?full=1&sort=newest").ok().json();
        let new = house.serve();
        let here = User::named(&new, "mover@example.com", "secret-pass");
        assert_eq!(here.get("storage/own?full=1&sort=newest").ok().json(), all);
        let info = user.get("info/collections").ok().json();
        assert_eq!(here.get("info/collections").ok().json(), info);
        (user.name, all)
    };
    assert_eq!((name.len(), all.as_array().map(Vec::len)), (32, Some(2)));
}

#[test]
fn what_is_no_server_full_is_told() {
    let house = House::new(Kind::Sqlite);
    let two = Ground::fresh(Kind::Sqlite);
    two.run_sql(
        "CREATE TABLE users (id INTEGER, username TEXT, password_hash TEXT, email TEXT, status INTEGER);
        CREATE TABLE \"user\" (userid INTEGER, username TEXT, password TEXT, mail TEXT,
            \"accountStatus\" INTEGER, \"syncNode\" TEXT);
        INSERT INTO users (id) VALUES (1); INSERT INTO \"user\" (userid) VALUES (1);",
    );
    let no_records = Ground::fresh(Kind::Sqlite);
    no_records.run_sql(
        "CREATE TABLE users (id INTEGER, username TEXT, password_hash TEXT, email TEXT, status INTEGER);
        INSERT INTO users (id) VALUES (1);",
    );
    for (ground, expected) in [
        (
            &two,
            "it has accounts in `user` and in `users`, and only one of them counts",
        ),
        (&no_records, "it has no table `wbo` or `wbo0`"),
    ] {
        let file = ground.file();
        let (code, _, error) = house.import("server-full", &[file.to_str().unwrap()]);
        assert_eq!(code, Some(1));
        assert!(error.contains(expected), "{error}");
    }
}
