//! What comes back of what was written, and which values are refused.

use weaved::db::Database;
use weaved::db::DbError;
use weaved::db::Flow;
use weaved::db::Value;

use crate::support::fresh;
use crate::support::number;
use crate::support::open;
use crate::support::put;
use crate::support::texts;

/// Writes a payload and reads it.
fn there_and_back(database: &Database, payload: &str) -> Option<String> {
    let params = [(":payload", payload.into())];
    let put = "REPLACE INTO t (id, payload) VALUES ('a', :payload)";
    database
        .write(|session| session.execute(put, &params))
        .unwrap();
    let get = "SELECT payload FROM t WHERE id = 'a' AND payload = :payload COLLATE utf8mb4_bin";
    let got = database
        .read(|session| session.query_one(get, &params, |row| row.text(0).map(str::to_owned)));
    got.unwrap().flatten()
}

#[test]
fn texts_come_back_as_they_were() {
    let served = fresh();
    let database = open(&served.uri());
    for text in [
        "",
        "it's \\ \"x\" `y` %_ :a ? -- #",
        "U+0000: \0, and after",
        "\u{1F600} \u{E9} e\u{301} \u{FFFD}",
        " spaces  ",
        "\r\n\t\u{1A}",
    ] {
        assert_eq!(there_and_back(&database, text).as_deref(), Some(text));
    }
    let large = "\u{1F600}0123456789ab".repeat(16 * 1024);
    assert_eq!(large.len(), 256 << 10);
    assert_eq!(there_and_back(&database, &large), Some(large));
}

#[test]
fn columns_have_one_type() {
    let database = open(&fresh().uri());
    for n in [i64::MIN, -1, 0, i64::MAX] {
        put(&database, "n", n).unwrap();
        assert_eq!(number(&database, "SELECT n FROM t"), Some(n));
    }
    put(&database, "n", 40).unwrap();
    put(&database, "123", 2).unwrap();
    let sql =
        "SELECT SUM(n), COUNT(*), MAX(n), '7', MAX(payload), 0.5, 18446744073709551615 FROM t";
    let row = database.read(|session| {
        session.query_one(sql, &[], |row| {
            let columns = 0..8;
            let pair = |column| (row.int(column), row.text(column).map(str::to_owned));
            columns.map(pair).collect::<Vec<_>>()
        })
    });
    let none = (None, None);
    let expected = [
        (Some(42), None),
        (Some(2), None),
        (Some(40), None),
        (None, Some("7".to_owned())),
        none.clone(),
        none.clone(),
        none.clone(),
        none,
    ];
    assert_eq!(row.unwrap().unwrap(), expected);
}

#[test]
fn lists_of_all_sizes_find_what_is_in_them() {
    let database = open(&fresh().uri());
    let ids = |count: usize| (0..count).map(|n| format!("id{n}")).collect::<Vec<_>>();
    for id in ids(20) {
        put(&database, &id, 1).unwrap();
    }
    for count in 0..20 {
        let listed = ids(count);
        let sql = "SELECT COUNT(*) FROM t WHERE id IN (:ids) AND n = :n";
        let params = [(":ids", texts(&listed)), (":n", 1.into())];
        let found = database.read(|session| session.query_one(sql, &params, |row| row.int(0)));
        assert_eq!(found.unwrap().flatten(), i64::try_from(count).ok());
    }
}

#[test]
fn rows_are_counted_as_they_are_found() {
    let database = open(&fresh().uri());
    for id in ["a", "b"] {
        put(&database, id, 1).unwrap();
    }
    let execute = |sql: &str| database.write(|session| session.execute(sql, &[])).unwrap();
    // Nothing changes.
    assert_eq!(execute("UPDATE t SET n = 1"), 2);
    assert_eq!(execute("UPDATE t SET n = 1 WHERE id = 'c'"), 0);
    assert_eq!(execute("DELETE FROM t WHERE id IN ('a', 'c')"), 1);
    // Case matters in ids.
    assert_eq!(execute("UPDATE t SET n = 2 WHERE id = 'B'"), 0);
}

#[test]
fn what_a_column_cannot_hold_is_refused_and_changes_nothing() {
    let database = open(&fresh().uri());
    let refused = |column: &str, value: Value<'_>| {
        let sql = format!("INSERT INTO t (id, {column}) VALUES ('a', :value)");
        let written = database.write(|session| session.execute(&sql, &[(":value", value)]));
        written.unwrap_err()
    };
    let unstorable = |column, value| match refused(column, value) {
        DbError::Unstorable(what) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        unstorable("short", "12345".into()),
        "a text as long as this"
    );
    let emoji = "\u{1F600}";
    assert_eq!(unstorable("old", emoji.into()), "a character of this text");
    let shape = refused("short, id", "x".into());
    assert!(matches!(shape, DbError::Driver(_)), "{shape:?}");
    assert_eq!(number(&database, "SELECT COUNT(*) FROM t"), Some(0));
    put(&database, "a", 1).unwrap();
    for sql in [
        "INSERT INTO t (id) VALUES ('a')",
        "INSERT INTO t (id) VALUES (:missing)",
    ] {
        let written = database.write(|session| session.execute(sql, &[]));
        let error = written.unwrap_err();
        assert!(matches!(error, DbError::Constraint(_)), "{sql}: {error:?}");
    }
}

#[test]
fn a_query_may_be_left_early() {
    let database = open(&fresh().uri());
    let rows = "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_20000";
    database
        .read(|session| {
            for end in [1, 7, 19_999] {
                let mut last = None;
                session.query::<DbError>(rows, &[], |row| {
                    last = row.int(0);
                    Ok(if last == Some(end) {
                        Flow::Break(())
                    } else {
                        Flow::Continue(())
                    })
                })?;
                assert_eq!(last, Some(end));
                let next = session.query_one("SELECT 5", &[], |row| row.int(0))?;
                assert_eq!(next.flatten(), Some(5));
            }
            Ok::<_, DbError>(())
        })
        .unwrap();
}

#[test]
fn statements_are_forgotten_and_prepared_again() {
    let served = fresh();
    let database = open(&served.uri());
    for round in 0..2 {
        for n in 0..300 {
            let sql = format!("SELECT {n}");
            assert_eq!(number(&database, &sql), Some(n), "{round}");
        }
    }
    let kept = served.run_sql("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
    let kept: u32 = kept.trim().rsplit('\t').next().unwrap().parse().unwrap();
    assert!((1..5000).contains(&kept), "{kept}");
}

#[test]
fn a_table_may_be_changed_under_a_statement() {
    let served = fresh();
    let database = open(&served.uri());
    put(&database, "a", 7).unwrap();
    let all = "SELECT * FROM t WHERE n = 7";
    let read = |column| {
        let found = database.read(|session| session.query_one(all, &[], |row| row.int(column)));
        found.unwrap().flatten()
    };
    assert_eq!(read(1), Some(7));
    served.run_sql("ALTER TABLE t ADD COLUMN more INT DEFAULT 9 FIRST, MODIFY n INT");
    assert_eq!(read(0), Some(9));
    assert_eq!(read(2), Some(7));
}
