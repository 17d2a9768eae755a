//! From weave-minimal: a folder of SQLite files.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::House;
use super::browser;
use super::bytes;
use super::of;
use super::record;
use crate::suite::Kind;

/// A collection's table as weave-minimal makes it.
fn table(name: &str) -> String {
    format!(
        "CREATE table IF NOT EXISTS main.{name} (id VARCHAR(64) PRIMARY KEY, modified FLOAT,\
         sortindex INTEGER, payload VARCHAR(256),payload_size INTEGER, parentid VARCHAR(64),\
         predecessorid VARCHAR(64), ttl INTEGER);"
    )
}

fn file(folder: &Path, name: &str, statements: &str) {
    let connection = Connection::open(folder.join(name)).unwrap();
    connection.execute_batch(statements).unwrap();
}

/// bob's passwords are `secret123`, and before that `password1`; ann has nothing.
fn weave_minimal() -> TempDir {
    let folder = TempDir::new().unwrap();
    let insert = |collection: &str, values: &str| {
        let columns =
            "id, modified, payload, payload_size, sortindex, parentid, predecessorid, ttl";
        format!("INSERT INTO {collection} ({columns}) VALUES ({values});")
    };
    let statements = [
        table("bookmarks"),
        insert("bookmarks", "'b', 1400000000.25, 'ü', 1, 7, 'p', 'q', NULL"),
        table("tabs"),
        insert(
            "tabs",
            "'gone', 1400000000.5, 'x', 1, NULL, NULL, NULL, 100",
        ),
        insert(
            "tabs",
            "'here', 1400000000.75, 'y', 1, NULL, NULL, NULL, 800000000",
        ),
        insert(
            "tabs",
            "'empty', 1400000001, NULL, 0, NULL, NULL, NULL, NULL",
        ),
        insert(
            "tabs",
            "'blob', 1400000001, x'ff', 0, NULL, NULL, NULL, NULL",
        ),
    ];
    file(folder.path(), "bob.c203011d1453ba7c", &statements.concat());
    let older = [
        table("history"),
        insert(
            "history",
            "'h', 1300000000.5, 'x', 1, NULL, NULL, NULL, NULL",
        ),
    ];
    file(folder.path(), "bob.f92e782e2b4dde5f", &older.concat());
    fs::write(folder.path().join("ann.lee.e63d06d628931d69"), "").unwrap();
    fs::write(
        folder.path().join("eve.0123456789abcdef"),
        "no database at all, but long",
    )
    .unwrap();
    fs::write(folder.path().join("README"), "").unwrap();
    folder
}

#[test]
fn people_come_with_their_records_and_passwords() {
    let folder = weave_minimal();
    let before = bytes(folder.path());
    let house = House::new(Kind::Sqlite);
    let path = folder.path().to_str().unwrap();
    for again in [false, true] {
        let report = house.report("weave-minimal", &[path]);
        let of_bob: Vec<_> = report
            .iter()
            .filter(|moved| moved["name"] == "bob")
            .collect();
        let (added, same) = if again { (0, 3) } else { (3, 0) };
        assert_eq!(of_bob[0]["account"], if again { "known" } else { "made" });
        assert_eq!(
            (&of_bob[0]["added"], &of_bob[0]["same"]),
            (&json!(added), &json!(same))
        );
        assert_eq!(of_bob[0]["expired"], 1);
        assert_eq!(
            of_bob[0]["skipped"],
            json!({"a payload that is no text": 1})
        );
        assert_eq!(of_bob[1]["account"], "refused");
        let note = of_bob[1]["notes"][0].as_str().unwrap();
        assert!(note.ends_with("bob.f92e782e2b4dde5f is older than another file of the account"));
        assert_eq!(of_bob[1]["skipped"], json!({"no account here": 1}));
        let eve = of(&report, "eve")["notes"][0].as_str().unwrap();
        assert!(
            eve.contains("eve.0123456789abcdef cannot be read: "),
            "{eve}"
        );
        assert_eq!(of(&report, "ann.lee")["added"], 0);
        assert_eq!(report.len(), 4);
    }
    assert_eq!(bytes(folder.path()), before);
    let site = house.serve();
    let bob = browser(&site, "bob", "secret123");
    let bookmark = json!({
        "id": "b", "modified": 1400000000.25, "parentid": "p", "payload": "ü",
        "predecessorid": "q", "sortindex": 7,
    });
    assert_eq!(record(&bob, "bookmarks/b"), bookmark);
    bob.get("storage/tabs").holds(&["here", "empty"]);
    bob.get("storage/history").lists(&[]);
    bob.with_password("password1")
        .get("info/collections")
        .is(401);
    browser(&site, "ann.lee", "pässwörd")
        .get("info/collections")
        .answers(json!({}));
}

#[test]
fn what_is_no_weave_minimal_is_told() {
    let empty = TempDir::new().unwrap();
    let house = House::new(Kind::Sqlite);
    for (folder, expected) in [
        (empty.path(), "is no folder of weave-minimal"),
        (Path::new("/nosuch"), "the folder cannot be read"),
    ] {
        let (code, _, error) = house.import("weave-minimal", &[folder.to_str().unwrap()]);
        assert_eq!(code, Some(1));
        assert!(error.contains(expected), "{error}");
    }
}
