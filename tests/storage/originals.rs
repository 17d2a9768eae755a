//! Tables that the original server made on MySQL and PostgreSQL (spec/storage-1.1.md, 7), opened
//! as they are, and mended where they would lose records.

use std::sync::Arc;

use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::storage::Finding;
use weaved::storage::Settings;
use weaved::storage::StorageError;
use weaved::storage::survey;
use weaved::sync::UserId;

use super::support::ALICE;
use super::support::Stage;
use super::support::TestClock;
use super::support::get;
use super::support::ids;
use super::support::ids_as;
use super::support::open;
use super::support::post;
use super::support::post_as;
use super::support::times;
use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

/// As SQLAlchemy printed them for MySQL, once with its charset and once by hand.
const MYSQL_COLLECTIONS: &str = "
    CREATE TABLE collections (
        userid INTEGER NOT NULL AUTO_INCREMENT,
        collectionid INTEGER NOT NULL,
        name VARCHAR(32) NOT NULL,
        PRIMARY KEY (userid, collectionid)
    );";
const MYSQL_RECORDS: &str = "
    CREATE TABLE wbo (
        id VARCHAR(64) NOT NULL,
        username INTEGER NOT NULL AUTO_INCREMENT,
        collection INTEGER NOT NULL,
        parentid VARCHAR(64),
        predecessorid VARCHAR(64),
        sortindex INTEGER,
        modified BIGINT,
        payload TEXT,
        payload_size INTEGER NOT NULL,
        ttl INTEGER,
        PRIMARY KEY (id, username, collection),
        KEY idx_autoinc_username (username)
    ) ENGINE=InnoDB CHARSET=latin1;";
const MYSQL_RECORDS_BY_HAND: &str = "
    CREATE TABLE wbo (
        id VARBINARY(64) NOT NULL DEFAULT '',
        username INT(11) NOT NULL,
        collection SMALLINT(6) NOT NULL DEFAULT '0',
        parentid VARBINARY(64) DEFAULT NULL,
        predecessorid VARBINARY(64) DEFAULT NULL,
        sortindex INT(11) DEFAULT NULL,
        modified BIGINT(20) DEFAULT NULL,
        payload LONGTEXT CHARACTER SET utf8mb4,
        payload_size INT(11) DEFAULT '0',
        ttl INT(11) DEFAULT '2100000000',
        PRIMARY KEY (username, collection, id),
        KEY parentindex (username, collection, parentid)
    ) ENGINE=InnoDB;";
const MYSQL_COLLECTIONS_BY_HAND: &str = "
    CREATE TABLE collections (
        userid INT(11) NOT NULL,
        collectionid SMALLINT(6) NOT NULL,
        name VARBINARY(32) NOT NULL,
        PRIMARY KEY (userid, collectionid),
        KEY nameindex (userid, name)
    ) ENGINE=InnoDB;";
const POSTGRESQL_COLLECTIONS: &str = "
    CREATE TABLE collections (
        userid SERIAL NOT NULL,
        collectionid INTEGER NOT NULL,
        name VARCHAR(32) NOT NULL,
        PRIMARY KEY (userid, collectionid)
    );";
const POSTGRESQL_RECORDS: &str = "
    CREATE TABLE wbo (
        id VARCHAR(64) NOT NULL,
        username SERIAL NOT NULL,
        collection INTEGER NOT NULL,
        parentid VARCHAR(64),
        predecessorid VARCHAR(64),
        sortindex INTEGER,
        modified BIGINT,
        payload TEXT,
        payload_size INTEGER NOT NULL,
        ttl INTEGER,
        PRIMARY KEY (id, username, collection)
    );";

/// User 7 with three records, one of them without a time, and user 8 with one.
const ROWS: &str = "
    INSERT INTO collections (userid, collectionid, name)
        VALUES (7, 0, 'meta'), (7, 1, 'tabs'), (8, 0, 'tabs');
    INSERT INTO wbo (id, username, collection, sortindex, modified, payload, payload_size, ttl)
        VALUES ('global', 7, 0, NULL, 129000000012, 'hello', 5, 2100000000),
            ('AbC', 7, 1, 12, 129000000013, 'one', 3, 2100000000),
            ('def', 7, 1, NULL, NULL, NULL, 0, 2100000000);
    INSERT INTO wbo (id, username, collection, sortindex, modified, payload, payload_size, ttl)
        VALUES ('AbC', 8, 0, NULL, 129000000014, 'hers', 4, NULL);";

/// Everything that the rows hold is served, and what is written beside them as well.
fn serves(ground: Ground, settings: Settings) -> Ground {
    let stage = Stage::on(ground, settings);
    let storage = stage.storage.as_ref();
    let expected = r#"{"id":"global","modified":1290000000.12,"payload":"hello"}"#;
    assert_eq!(get(storage, "meta", "global").as_deref(), Some(expected));
    assert_eq!(ids(storage, "tabs", ""), ["def", "AbC"]);
    assert_eq!(ids(storage, "tabs", "sort=index"), ["AbC", "def"]);
    assert_eq!(ids_as(storage, UserId(8), "tabs", ""), ["AbC"]);
    assert_eq!(storage.highest_user().unwrap(), UserId(8));
    let longest = "\u{1F98A}".repeat(64 * 1024);
    let body = serde_json::json!([
        {"id": "abc", "payload": longest},
        {"id": "def", "payload": "now"},
    ]);
    let time = post(storage, "tabs", &body.to_string());
    assert_eq!(ids(storage, "tabs", ""), ["AbC", "abc", "def"]);
    let stored = get(storage, "tabs", "abc").unwrap();
    let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored["payload"], longest);
    assert_eq!(times(storage).last(), Some(&("tabs".to_owned(), time)));
    post(
        storage,
        "Tabs",
        r#"{"id":"abc","payload":"another collection"}"#,
    );
    assert_eq!(ids(storage, "Tabs", ""), ["abc"]);
    stage.close()
}

fn findings(ground: &Ground, settings: Settings) -> Vec<Finding> {
    let database = Database::open(&ground.uri().parse().unwrap(), &PoolOptions::default()).unwrap();
    survey(&database, settings).unwrap()
}

#[test]
fn postgresql_is_served_as_it_is() {
    let ground = Ground::fresh(Kind::POSTGRESQL);
    ground.run_sql(POSTGRESQL_COLLECTIONS);
    ground.run_sql(POSTGRESQL_RECORDS);
    ground.run_sql(ROWS);
    let ground = serves(
        ground,
        Settings {
            create_tables: false,
            ..Settings::default()
        },
    );
    assert_eq!(findings(&ground, Settings::default()), []);
}

#[test]
fn mysql_made_by_hand_is_served_as_it_is() {
    let ground = Ground::fresh(Kind::MARIADB);
    ground.run_sql(MYSQL_COLLECTIONS_BY_HAND);
    ground.run_sql(MYSQL_RECORDS_BY_HAND);
    ground.run_sql(ROWS);
    let ground = serves(
        ground,
        Settings {
            create_tables: false,
            ..Settings::default()
        },
    );
    assert_eq!(findings(&ground, Settings::default()), []);
}

/// The statements that the refusal names are all that it takes.
#[test]
fn mysql_that_loses_records_is_refused_until_it_is_mended() {
    let ground = Ground::fresh(Kind::MARIADB);
    ground.run_sql(MYSQL_COLLECTIONS);
    ground.run_sql(MYSQL_RECORDS);
    ground.run_sql(ROWS);
    ground.run_sql("ALTER TABLE collections ENGINE=MyISAM");
    let refused = open(&ground, TestClock::at(1), Settings::default());
    let Err(StorageError::Schema(text)) = refused.map(drop) else {
        panic!("it was opened");
    };
    for part in [
        "would lose records",
        "the table wbo: it takes ids that differ in upper and lower case for one",
        "cuts or refuses payloads above 64 KB",
        "the table collections: its engine knows no transactions",
        "ALTER TABLE wbo MODIFY id VARBINARY(64) NOT NULL, MODIFY parentid",
        "`weaved migrate FILE`",
    ] {
        assert!(text.contains(part), "{part}\nin: {text}");
    }
    let found = findings(&ground, Settings::default());
    assert_eq!(found.len(), 2);
    // The second time they find nothing to do.
    for finding in found.iter().chain(&found) {
        assert!(text.contains(&finding.mending), "{text}");
        ground.run_sql(&finding.mending);
    }
    let ground = serves(ground, Settings::default());
    // The original goes on with them.
    ground.run_sql(
        "INSERT INTO wbo (id, username, collection, modified, payload, payload_size, ttl)
            VALUES ('old', 7, 0, 129000000015, 'x', 1, 2100000000)",
    );
    let stage = Stage::on(ground, Settings::default());
    assert_eq!(ids(stage.storage.as_ref(), "meta", ""), ["global", "old"]);
}

#[test]
fn a_table_without_its_key_is_refused() {
    for (kind, text) in [
        (Kind::MARIADB, MYSQL_RECORDS_BY_HAND),
        (Kind::POSTGRESQL, POSTGRESQL_RECORDS),
    ] {
        let ground = Ground::fresh(kind);
        let text = text
            .replace(
                "PRIMARY KEY (id, username, collection)",
                "PRIMARY KEY (id, username)",
            )
            .replace(
                "PRIMARY KEY (username, collection, id)",
                "PRIMARY KEY (username, id)",
            );
        ground.run_sql(&text);
        let refused = open(&ground, TestClock::at(1), Settings::default());
        let Err(StorageError::Schema(text)) = refused.map(drop) else {
            panic!("it was opened");
        };
        assert!(text.contains("the table wbo"), "{text}");
        assert!(text.contains("lacks its primary key"), "{text}");
    }
}

on_every_database! {
    a_hundred_tables_are_one_storage
    tables_that_may_not_be_made_are_missed
}

fn a_hundred_tables_are_one_storage(kind: Kind) {
    let ground = Ground::fresh(kind);
    let settings = Settings {
        shard: true,
        ..Settings::default()
    };
    let stage = Stage::on(ground, settings);
    let storage = stage.storage.as_ref();
    let users = [1, 7, 99, 100, 107, 1207].map(UserId);
    for user in users {
        let body =
            format!(r#"[{{"id":"a","payload":"{user}"}},{{"id":"b","payload":"","ttl":1}}]"#);
        post_as(storage, user, "c", &body, (None, None)).unwrap();
    }
    assert_eq!(storage.highest_user().unwrap(), UserId(1207));
    stage.clock.advance(500);
    assert_eq!(storage.purge().unwrap(), users.len() as u64);
    storage.forget(UserId(107)).unwrap();
    storage.delete_all(UserId(7)).unwrap();
    for user in users {
        let expected: &[&str] = if [7, 107].contains(&user.0) {
            &[]
        } else {
            &["a"]
        };
        assert_eq!(ids_as(storage, user, "c", ""), expected, "{user}");
        assert_eq!(ids_as(storage, user, "c", "ids=a"), expected, "{user}");
        assert_eq!(ids_as(storage, user, "c", "sort=index"), expected, "{user}");
    }
    post(storage, "c", r#"{"id":"z","payload":"12345"}"#);
    let ground = stage.close();
    assert_eq!(
        ground.number("SELECT COUNT(*) FROM wbo7"),
        2,
        "those of 7 and of 1207"
    );
    assert_eq!(ground.number("SELECT COUNT(*) FROM wbo0"), 1);
    // What the original writes is seen when the storage is opened.
    ground.run_sql(
        "INSERT INTO wbo7 (id, username, collection, modified, payload, payload_size, ttl)
            VALUES ('old', 7, 0, 129000000015, 'x', 1, 2100000000)",
    );
    let stage = Stage::on(ground, settings);
    assert_eq!(ids(stage.storage.as_ref(), "c", ""), ["old", "z"]);
    assert_eq!(stage.storage.used(ALICE).unwrap().value, 6);
}

fn tables_that_may_not_be_made_are_missed(kind: Kind) {
    let ground = Ground::fresh(kind);
    let closed = Settings {
        create_tables: false,
        ..Settings::default()
    };
    let refused = open(&ground, TestClock::at(1), closed);
    let Err(StorageError::Schema(text)) = refused.map(drop) else {
        panic!("it was opened");
    };
    assert!(
        text.contains("no table collections; set create_tables = true"),
        "{text}"
    );
    // Many at once make them once.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| open(&ground, TestClock::at(1), Settings::default()).unwrap());
        }
    });
    drop(Arc::new(open(&ground, TestClock::at(1), closed).unwrap()));
}
