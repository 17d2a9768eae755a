//! Files that the original server wrote to, before and in between, are brought up to date.

use weaved::storage::Names;
use weaved::storage::Settings;
use weaved::storage::StorageError;

use super::support::ALICE;
use super::support::Stage;
use super::support::get;
use super::support::ids;
use super::support::post;
use super::support::post_as;
use super::support::times;
use super::support::usage;
use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

on_every_database! {
    what_the_original_wrote_in_between_is_seen
    rows_of_the_first_era_are_served
    opening_twice_changes_nothing
    listed_names_have_their_ids
    a_forgotten_users_id_can_come_back_with_the_original
}

fn sql(stage: Stage, statements: &str) -> Stage {
    let ground = stage.close();
    if !statements.is_empty() {
        ground.run_sql(statements);
    }
    Stage::on(ground, Settings::default())
}

fn what_the_original_wrote_in_between_is_seen(kind: Kind) {
    let stage = Stage::new(kind);
    post(
        stage.storage.as_ref(),
        "c",
        r#"[{"id":"a","payload":"1"},{"id":"b","payload":"22"}]"#,
    );
    post(stage.storage.as_ref(), "d", r#"[{"id":"a","payload":"1"}]"#);
    let stage = sql(
        stage,
        "INSERT INTO wbo (id, username, collection, modified, payload, payload_size, ttl)
             VALUES ('new', 7, 0, 170000100000, 'abc', 3, 2100000000);
         DELETE FROM wbo WHERE id = 'b';
         DELETE FROM wbo WHERE collection = 1;
         DELETE FROM collections WHERE collectionid = 1;",
    );
    let storage = stage.storage.as_ref();
    assert_eq!(usage(storage), [("c".to_owned(), 2, 4)]);
    assert_eq!(times(storage)[0].1.to_string(), "1700001000.00");
    let time = post(storage, "c", r#"{"id":"z","payload":"1"}"#);
    assert_eq!(
        time.to_string(),
        "1700001000.01",
        "later than what the original wrote"
    );
}

fn rows_of_the_first_era_are_served(kind: Kind) {
    // No sizes, no times, a ttl that is NULL: seen in files of 2011.
    let ground = Ground::fresh(kind);
    let mut statements = "CREATE TABLE collections (
                 userid INTEGER NOT NULL, collectionid INTEGER NOT NULL,
                 name VARCHAR(32) NOT NULL, PRIMARY KEY (userid, collectionid));
             CREATE TABLE wbo (
                 id VARCHAR(64) NOT NULL, username INTEGER NOT NULL, collection INTEGER NOT NULL,
                 parentid VARCHAR(64), predecessorid VARCHAR(64), sortindex INTEGER,
                 modified BIGINT, payload TEXT, payload_size INTEGER, ttl INTEGER,
                 PRIMARY KEY (id, username, collection));
             INSERT INTO collections VALUES (7, 0, 'meta'), (7, 1, 'forms'), (7, 2, 'twice'),
                 (7, 3, 'twice');
             INSERT INTO wbo VALUES
                 ('global', 7, 0, NULL, NULL, NULL, 129000000012, 'hello', NULL, NULL),
                 ('idx', 7, 1, NULL, NULL, 12, NULL, NULL, NULL, 2100000000),
                 ('lost', 7, 99, NULL, NULL, NULL, 1, 'x', 1, 2100000000),
                 ('a', 7, 2, NULL, NULL, NULL, 5, 'old', 3, 2100000000),
                 ('a', 7, 3, NULL, NULL, NULL, 6, 'new', 3, 2100000000),
                 ('b', 7, 3, NULL, NULL, NULL, 4, 'b', 1, 2100000000);"
        .to_owned();
    if kind == Kind::MARIADB {
        // Nobody's tables as they were: those are refused (`originals.rs`).
        statements = statements.replace("VARCHAR", "VARBINARY");
        let payload = "payload MEDIUMTEXT CHARACTER SET utf8mb4";
        statements = statements.replace("payload TEXT", payload);
    }
    ground.run_sql(&statements);
    if kind == Kind::Sqlite {
        // It takes any type anywhere, and clients of the original could send some.
        ground.run_sql(
            "INSERT INTO wbo VALUES ('odd', 7, 'text', NULL, NULL, NULL, 1, 'x', 1, 2100000000)",
        );
    }
    let stage = Stage::on(ground, Settings::default());
    let storage = stage.storage.as_ref();
    let expected = r#"{"id":"global","modified":1290000000.12,"payload":"hello"}"#;
    assert_eq!(get(storage, "meta", "global").as_deref(), Some(expected));
    assert_eq!(
        get(storage, "forms", "idx").as_deref(),
        Some(r#"{"id":"idx","modified":0.00,"sortindex":12}"#)
    );
    assert_eq!(ids(storage, "forms", "newer=0"), [""; 0]);
    assert_eq!(ids(storage, "forms", "older=1"), ["idx"]);
    assert_eq!(ids(storage, "twice", "full=1"), ["b", "a"]);
    assert!(get(storage, "twice", "a").unwrap().contains("new"));
    assert_eq!(
        usage(storage),
        [
            ("forms".to_owned(), 1, 0),
            ("meta".to_owned(), 1, 5),
            ("twice".to_owned(), 2, 4)
        ]
    );
    // A new name must not get the id of the records whose name was lost.
    post(storage, "fresh", r#"{"id":"x","payload":"1"}"#);
    assert_eq!(ids(storage, "fresh", ""), ["x"]);
    assert_eq!(storage.highest_user().unwrap(), ALICE);
}

fn opening_twice_changes_nothing(kind: Kind) {
    let stage = Stage::new(kind);
    post(
        stage.storage.as_ref(),
        "c",
        r#"[{"id":"a","payload":"1","ttl":50}]"#,
    );
    let before = (times(stage.storage.as_ref()), usage(stage.storage.as_ref()));
    let stage = sql(stage, "");
    assert_eq!(
        (times(stage.storage.as_ref()), usage(stage.storage.as_ref())),
        before
    );
}

fn listed_names_have_their_ids(kind: Kind) {
    for (names, id) in [(Names::Fixed, 1), (Names::Standard, 100), (Names::Free, 0)] {
        let settings = Settings {
            names,
            ..Settings::default()
        };
        let stage = Stage::on(Ground::fresh(kind), settings);
        post(
            stage.storage.as_ref(),
            "clients",
            r#"{"id":"a","payload":"1"}"#,
        );
        assert_eq!(ids(stage.storage.as_ref(), "clients", ""), ["a"]);
        assert_eq!(times(stage.storage.as_ref()).len(), 1);
        let stored = stage.close().number("SELECT collection FROM wbo");
        assert_eq!(stored, id, "{names:?}");
    }
}

fn a_forgotten_users_id_can_come_back_with_the_original(kind: Kind) {
    const MINUTE: i64 = 60 * 100;
    let stage = Stage::new(kind);
    stage.clock.advance(-59 * MINUTE);
    stage.storage.forget(ALICE).unwrap();
    // Somebody else opens the database while writes of hers may be on their way.
    let stage = sql(stage, "");
    let write = |stage: &Stage| post_as(stage.storage.as_ref(), ALICE, "c", "[]", (None, None));
    assert!(matches!(write(&stage), Err(StorageError::Forgotten)));
    stage.clock.advance(-61 * MINUTE);
    stage.storage.forget(ALICE).unwrap();
    let stage = sql(stage, "");
    post(stage.storage.as_ref(), "c", r#"{"id":"a","payload":"1"}"#);
    assert_eq!(ids(stage.storage.as_ref(), "c", ""), ["a"]);
}

#[test]
fn sizes_that_clients_of_the_original_made_up_are_corrected() {
    let stage = sql(
        Stage::new(Kind::Sqlite),
        "INSERT INTO collections VALUES (7, 0, 'c');
         INSERT INTO wbo (id, username, collection, modified, payload, payload_size, ttl)
             VALUES ('a', 7, 0, 170000000000, 'abc', 9223372036854775807, 2100000000),
                    ('b', 7, 0, 170000000000, 'ab', 9223372036854775807, 2100000000),
                    ('c', 7, 0, 170000000000, 'x', -1000000, 2100000000);",
    );
    assert_eq!(usage(stage.storage.as_ref()), [("c".to_owned(), 3, 6)]);
}
