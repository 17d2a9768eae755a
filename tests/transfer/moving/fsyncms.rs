//! From FSyncMS, in both of its forks.

use serde_json::json;

use super::House;
use super::browser;
use super::bytes;
use super::of;
use super::record;
use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

on_every_database! {
    people_come_with_their_records_and_passwords
}

/// The tables as `setup.php` of balu's makes them.
const TABLES: &str = "
    create table wbo (username varchar(100), id varchar(65), collection varchar(100),
        parentid varchar(65), predecessorid int, modified real, sortindex int,
        payload text, payload_size int, ttl int, primary key (username,collection,id));
    create table users (username varchar(255), md5 varchar(64), primary key (username));
    create index parentindex on wbo (username, parentid);";

/// And that of martok's, with a prefix.
const PREFIXED: &str = "
    CREATE TABLE fs_wbo (username varchar(100), id varchar(65), collection varchar(100),
        parentid varchar(65), predecessorid int, modified double precision, sortindex int,
        payload text, payload_size int, ttl int, PRIMARY KEY (username,collection,id));
    CREATE TABLE fs_users (username varchar(255), md5 varchar(124), primary key (username));";

/// `password1` by MD5, and `pässwörd` by bcrypt; then what nobody can check, and a name that no
/// URL can hold.
const PEOPLE: &str = "
    INSERT INTO users VALUES ('alice', '7c6a180b36896a0a8c02787eeafb0e4c');
    INSERT INTO users VALUES
        ('bob', '$2y$05$abcdefghijklmnopqrstuuZVEMa1pjhlynBQ1qXmSvGBJpN9h1w8G');
    INSERT INTO users VALUES ('carol', 'x');
    INSERT INTO users VALUES ('dave@example.com', '7c6a180b36896a0a8c02787eeafb0e4c');";

const RECORDS: &str = "
    INSERT INTO wbo VALUES
        ('alice', 'aaaaaaaaaaaa', 'bookmarks', 'toolbar', NULL, 1322000000.5, 150, '{\"a\":\"é\"}', 9,
            NULL),
        ('alice', '{b}', 'bookmarks', NULL, NULL, 1322000001.17, -1, '', 0, NULL),
        ('alice', 'old', 'tabs', NULL, NULL, 1322000002, NULL, 'x', 1, 60),
        ('alice', 'new', 'tabs', NULL, NULL, 1322000003.99, NULL, 'y', 1, 700000000),
        ('alice', 'odd', 'a b', NULL, NULL, 1322000004, NULL, 'z', 1, NULL),
        ('alice', 'x23456789012345678901234567890123456789012345678901234567890123yz', 'tabs', NULL,
            NULL, 1322000004, NULL, 'z', 1, NULL),
        ('bob', 'global', 'meta', NULL, NULL, 1322000005.01, NULL, '{}', 2, NULL),
        ('dave@example.com', 'd', 'meta', NULL, NULL, 1322000006, NULL, '{}', 2, NULL),
        ('nobody', 'n', 'meta', NULL, NULL, 1322000007, NULL, '{}', 2, NULL),
        ('nobody', 'o', 'meta', NULL, NULL, 1322000007, NULL, '{}', 2, NULL);";

/// A database of FSyncMS; the fork with a prefix is the one that knows PostgreSQL.
fn fsyncms(kind: Kind) -> (Ground, Vec<String>) {
    let ground = Ground::fresh(kind);
    let mut arguments = vec![ground.uri()];
    let data = format!("{PEOPLE}{RECORDS}");
    if kind == Kind::POSTGRESQL {
        ground.run_sql(PREFIXED);
        let data = data.replace("INTO ", "INTO fs_");
        ground.run_sql(&data);
        arguments.extend(["--prefix".to_owned(), "fs".to_owned()]);
    } else {
        ground.run_sql(TABLES);
        ground.run_sql(&data);
    }
    (ground, arguments)
}

fn people_come_with_their_records_and_passwords(kind: Kind) {
    let (_ground, arguments) = fsyncms(kind);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let house = House::new(Kind::Sqlite);
    let report = house.report("fsyncms", &arguments);
    assert_eq!(report.len(), 5);
    let alice = json!({
        "name": "alice", "account": "made", "added": 3, "expired": 1, "kept": 0, "same": 0,
        "updated": 0, "notes": [],
        "skipped": {
            "a collection that has no name, or one that no URL can hold": 1,
            "an id that no client makes": 1,
        },
    });
    assert_eq!(*of(&report, "alice"), alice);
    assert_eq!(of(&report, "bob")["notes"], json!([]));
    let note = "it has no password that can be used here: set one with `weaved user passwd`";
    assert_eq!(of(&report, "carol")["notes"], json!([note]));
    for (name, records) in [("dave@example.com", 1), ("nobody", 2)] {
        let left = of(&report, name);
        assert_eq!(left["account"], "refused");
        assert_eq!(left["skipped"], json!({"no account here": records}));
    }
    {
        let site = house.serve();
        let alice = browser(&site, "alice", "password1");
        let times = json!({"bookmarks": 1322000001.17, "tabs": 1322000003.99});
        alice.get("info/collections").answers(times);
        let bookmark = json!({
            "id": "aaaaaaaaaaaa", "modified": 1322000000.5, "parentid": "toolbar",
            "payload": "{\"a\":\"é\"}", "sortindex": 150,
        });
        assert_eq!(record(&alice, "bookmarks/aaaaaaaaaaaa"), bookmark);
        let empty = json!({"id": "{b}", "modified": 1322000001.17, "payload": "", "sortindex": -1});
        assert_eq!(
            record(&alice, "bookmarks?ids=%7Bb%7D&full=1"),
            json!([empty])
        );
        alice.get("storage/tabs").lists(&["new"]);
        alice
            .with_password("password2")
            .get("info/collections")
            .is(401);
        browser(&site, "bob", "pässwörd")
            .get("storage/meta")
            .lists(&["global"]);
        browser(&site, "carol", "x").get("info/collections").is(401);
        // The logins have replaced what was stored.
        let old = "SELECT COUNT(*) FROM \"user\" WHERE password NOT LIKE '$argon2id$%'";
        assert_eq!(house.home.ground().number(old), 0);
        // What is written here is newer than what comes from there.
        alice
            .put("storage/bookmarks/aaaaaaaaaaaa", r#"{"payload":"mine"}"#)
            .written();
    }
    let again = house.report("fsyncms", &arguments);
    let alice = of(&again, "alice");
    let counts = ["account", "added", "kept", "same", "updated"].map(|key| alice[key].clone());
    assert_eq!(
        counts,
        [json!("known"), json!(0), json!(1), json!(2), json!(0)]
    );
    let site = house.serve();
    let mine = record(
        &browser(&site, "alice", "password1"),
        "bookmarks/aaaaaaaaaaaa",
    );
    assert_eq!(mine["payload"], "mine");
}

#[test]
fn a_rehearsal_changes_nothing_here_and_nothing_does_there() {
    let (ground, _) = fsyncms(Kind::Sqlite);
    let file = ground.file();
    let before = bytes(file.parent().unwrap());
    let house = House::new(Kind::Sqlite);
    let path = file.to_str().unwrap();
    let (code, out, error) = house.import("fsyncms", &[path, "--dry-run"]);
    assert_eq!(code, Some(1), "{error}");
    assert!(
        out.contains("alice: made, 3 records added, 1 expired\n"),
        "{out}"
    );
    assert!(
        out.ends_with("nothing was changed; run this without --dry-run\n"),
        "{out}"
    );
    let told = "2 accounts and 5 records were left out";
    assert!(error.contains(told), "{error}");
    assert_eq!(
        house.home.ground().number("SELECT COUNT(*) FROM \"user\""),
        0
    );
    house.report("fsyncms", &[path]);
    assert_eq!(bytes(file.parent().unwrap()), before);
    let known = house.report("fsyncms", &[path, "--dry-run"]);
    assert_eq!(of(&known, "alice")["account"], "known");
}

#[test]
fn what_is_no_fsyncms_is_told() {
    #[track_caller]
    fn check(arguments: &[&str], code: i32, expected: &str) {
        let house = House::new(Kind::Sqlite);
        let own = house.home.database();
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|argument| match *argument {
                "OWN" => own.to_str().unwrap(),
                other => other,
            })
            .collect();
        let (status, _, error) = house.import("fsyncms", &arguments);
        assert_eq!(status, Some(code), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let (ground, _) = fsyncms(Kind::Sqlite);
    let file = ground.file();
    let path = file.to_str().unwrap();
    check(
        &[path, "--prefix", "x"],
        1,
        "it has no table x_users (see --prefix)",
    );
    check(&[path, "--prefix", "x;"], 1, "a prefix of tables has only");
    check(
        &["/nosuch/file.db"],
        69,
        "cannot open the database /nosuch/file.db",
    );
    check(&["OWN"], 64, "the database of this installation itself");
    check(
        &["oracle://u:secret@h/d"],
        64,
        "the URI of the other database: ",
    );
    check(
        &["mysql://u:secret@127.0.0.1:1/d"],
        69,
        "cannot open the database",
    );
}
