//! What goes in comes out, whatever type the server asks for; what cannot be held is told.

use weaved::db::Database;
use weaved::db::DbError;
use weaved::db::Value;

use crate::support::execute;
use crate::support::int;
use crate::support::text;
use crate::support::with_table;

/// Puts a value into the column `a` and says what the database cannot hold, if so.
fn put(database: &Database, value: Value<'_>) -> Option<&'static str> {
    execute(database, "DELETE FROM t", &[]).unwrap();
    match execute(database, "INSERT INTO t (a) VALUES (:a)", &[(":a", value)]) {
        Ok(1) => None,
        Err(DbError::Unstorable(what)) => Some(what),
        other => panic!("{value:?}: {other:?}"),
    }
}

#[test]
fn integers_fit_their_column_or_are_refused() {
    const LARGE: &str = "a value: the number is too large for its column";
    for (kind, fits, too_large) in [
        ("smallint", &[0, -32768, 32767][..], &[32768, i64::MIN][..]),
        ("integer", &[0, i64::from(i32::MIN)], &[1 << 31, i64::MAX]),
        ("bigint", &[i64::MIN, i64::MAX], &[]),
        ("numeric", &[0, 1, -1, 10_000, i64::MIN, i64::MAX], &[]),
        ("numeric(5, 2)", &[999, -999], &[1000]),
        ("oid", &[0, 4_294_967_295], &[-1, 1 << 32]),
        ("boolean", &[0, 1], &[]),
    ] {
        let database = with_table(&format!("a {kind}"));
        for &number in fits {
            assert_eq!(put(&database, number.into()), None, "{kind} {number}");
            let read = int(
                &database,
                "SELECT a FROM t WHERE a = :a",
                &[(":a", number.into())],
            );
            assert_eq!(read.unwrap(), Some(number), "{kind} {number}");
        }
        for &number in too_large {
            assert_eq!(
                put(&database, number.into()),
                Some(LARGE),
                "{kind} {number}"
            );
        }
        assert_eq!(put(&database, Value::Null), None);
        assert_eq!(int(&database, "SELECT a FROM t", &[]).unwrap(), None);
    }
}

#[test]
fn texts_come_back_as_they_were() {
    let long = "Ω".repeat(256 << 10);
    for kind in ["text", "varchar(300000)", "d"] {
        let database = with_table("a integer");
        let sql = format!("CREATE DOMAIN d AS text; ALTER TABLE t ALTER a TYPE {kind}");
        crate::support::batch(&database, &sql);
        for value in [
            "",
            "a",
            "ä€😀\u{10ffff}",
            "\u{1}\u{7f}\r\n\t",
            "'\"\\%_:a$1",
            &long,
        ] {
            assert_eq!(put(&database, value.into()), None, "{kind}");
            let read = text(
                &database,
                "SELECT a FROM t WHERE a = :a",
                &[(":a", value.into())],
            );
            assert!(
                read.unwrap().as_deref() == Some(value),
                "{kind} {value:.20}"
            );
        }
        assert_eq!(put(&database, "a\0b".into()), Some("U+0000"));
        assert_eq!(put(&database, Value::Null), None);
        assert_eq!(text(&database, "SELECT a FROM t", &[]).unwrap(), None);
    }
}

#[test]
fn a_text_that_is_too_long_is_refused() {
    let database = with_table("a varchar(3)");
    assert_eq!(put(&database, "äöü".into()), None);
    let long = "a value: it is longer than its column";
    assert_eq!(put(&database, "äöüx".into()), Some(long));
}

#[test]
fn texts_are_looked_for_among_many() {
    let database = with_table("a varchar(64), n bigint");
    for (n, id) in ["a", "A", "{\"", "a,b", "NULL", "", "ä"]
        .into_iter()
        .enumerate()
    {
        let params = [(":a", id.into()), (":n", (1 << n).into())];
        execute(&database, "INSERT INTO t VALUES (:a, :n)", &params).unwrap();
    }
    let among = database.dialect().among("a", ":ids");
    let sql = format!("SELECT SUM(n) FROM t WHERE {among}");
    let sum = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        int(&database, &sql, &[(":ids", ids.as_slice().into())])
    };
    assert_eq!(sum(&["a", "b"]).unwrap(), Some(1));
    assert_eq!(sum(&["{\"", "a,b", "NULL", "", "ä"]).unwrap(), Some(124));
    assert_eq!(sum(&[]).unwrap(), None);
    assert!(matches!(
        sum(&["a", "\0"]),
        Err(DbError::Unstorable("U+0000"))
    ));
}

#[test]
fn a_column_of_another_kind_is_absent() {
    let database = with_table("a text");
    for (sql, number, text) in [
        ("SELECT 7", Some(7), None),
        ("SELECT '7'::text", None, Some("7")),
        (
            "SELECT SUM(n) FROM (VALUES (1), (2)) AS v (n)",
            Some(3),
            None,
        ),
        ("SELECT 7.0", Some(7), None),
        ("SELECT 7.5", None, None),
        ("SELECT 'NaN'::numeric", None, None),
        ("SELECT 7::float8", None, None),
        ("SELECT NULL", None, None),
        ("SELECT TRUE", Some(1), None),
        ("SELECT 'x'::bytea", None, Some("x")),
        ("SELECT '\\xff'::bytea", None, None),
        ("SELECT now()", None, None),
    ] {
        let read = |row: &weaved::db::Row<'_>| (row.int(0), row.text(0).map(str::to_owned));
        let row = database.read::<_, DbError>(|session| session.query_one(sql, &[], read));
        assert_eq!(
            row.unwrap(),
            Some((number, text.map(str::to_owned))),
            "{sql}"
        );
    }
    let beyond = database.read::<_, DbError>(|session| {
        session.query_one("SELECT 1", &[], |row| (row.int(1), row.text(9).is_some()))
    });
    assert_eq!(beyond.unwrap(), Some((None, false)));
}

#[test]
fn a_parameter_that_is_missing_is_null_and_one_too_many_is_nothing() {
    let database = with_table("a text");
    let params = [(":b", "x".into())];
    let sql = "SELECT 1 WHERE :a::text IS NULL";
    assert_eq!(int(&database, sql, &params).unwrap(), Some(1));
}
