//! The suite: each case gets a fresh storage, from whoever can make one.

use weaved::storage::Storage;
use weaved::storage::StorageError;
use weaved::sync::Timestamp;
use weaved::sync::UserId;

use super::support::ALICE;
use super::support::BOB;
use super::support::Stage;
use super::support::TestClock;
use super::support::delete;
use super::support::get;
use super::support::ids;
use super::support::ids_as;
use super::support::name;
use super::support::post;
use super::support::post_as;
use super::support::times;
use super::support::usage;
use crate::suite::Kind;
use crate::suite::on_every_database;

type Case = fn(&dyn Storage, &TestClock);

/// Runs every case on a storage of its own.
pub(crate) fn suite(fresh: impl Fn() -> Stage) {
    let cases: [(&str, Case); 24] = [
        ("an empty storage answers", an_empty_storage_answers),
        ("a record is stored and read", a_record_is_stored_and_read),
        (
            "absent fields keep their values",
            absent_fields_keep_their_values,
        ),
        (
            "times grow whatever the clock does",
            times_grow_whatever_the_clock_does,
        ),
        ("a batch has one time", a_batch_has_one_time),
        ("a batch may hold all kinds", a_batch_may_hold_all_kinds),
        (
            "conditions refuse and change nothing",
            conditions_refuse_and_change_nothing,
        ),
        (
            "a full quota refuses payloads only",
            a_full_quota_refuses_payloads_only,
        ),
        ("records expire", records_expire),
        ("an expired record is absent", an_expired_record_is_absent),
        (
            "a purge does not stop at what lives on",
            a_purge_does_not_stop_at_what_lives_on,
        ),
        ("purging leaves what lives", purging_leaves_what_lives),
        ("queries select and sort", queries_select_and_sort),
        ("odd ids are ids", odd_ids_are_ids),
        (
            "ids and names are their bytes",
            ids_and_names_are_their_bytes,
        ),
        ("many ids may be asked for", many_ids_may_be_asked_for),
        (
            "payloads come back as they were",
            payloads_come_back_as_they_were,
        ),
        (
            "the lowest character is kept or refused",
            the_lowest_character_is_kept_or_refused,
        ),
        (
            "deletes take what is selected",
            deletes_take_what_is_selected,
        ),
        (
            "a delete is a change as long as something is left",
            a_delete_is_a_change,
        ),
        (
            "deleting everything keeps the time",
            deleting_everything_keeps_the_time,
        ),
        (
            "nobody sees another's records",
            nobody_sees_anothers_records,
        ),
        (
            "a forgotten user leaves nothing behind",
            a_forgotten_user_leaves_nothing_behind,
        ),
        ("user ids are known for ever", user_ids_are_known_for_ever),
    ];
    for (name, case) in cases {
        println!("case: {name}");
        let stage = fresh();
        case(stage.storage.as_ref(), &stage.clock);
    }
}

on_every_database!(conforms);

fn conforms(kind: Kind) {
    suite(|| Stage::new(kind));
}

fn an_empty_storage_answers(storage: &dyn Storage, _: &TestClock) {
    assert_eq!(times(storage), []);
    assert_eq!(usage(storage), []);
    assert_eq!(ids(storage, "never", ""), [""; 0]);
    assert_eq!(get(storage, "never", "i"), None);
    assert_eq!(storage.purge().unwrap(), 0);
    assert_eq!(times(storage), [], "reading creates nothing");
}

fn a_record_is_stored_and_read(storage: &dyn Storage, _: &TestClock) {
    let time = post(
        storage,
        "c",
        r#"{"id":"i","payload":"é\"","sortindex":-7,"parentid":"p"}"#,
    );
    let expected = format!(
        r#"{{"id":"i","modified":{time},"sortindex":-7,"parentid":"p","payload":"\u00e9\""}}"#
    );
    assert_eq!(get(storage, "c", "i"), Some(expected));
    assert_eq!(times(storage), [("c".to_owned(), time)]);
    assert_eq!(usage(storage), [("c".to_owned(), 1, 3)]);
}

fn absent_fields_keep_their_values(storage: &dyn Storage, _: &TestClock) {
    post(
        storage,
        "c",
        r#"{"id":"i","payload":"a","sortindex":7,"parentid":"p"}"#,
    );
    let time = post(storage, "c", r#"{"id":"i","payload":"bcd"}"#);
    let expected =
        format!(r#"{{"id":"i","modified":{time},"sortindex":7,"parentid":"p","payload":"bcd"}}"#);
    assert_eq!(get(storage, "c", "i"), Some(expected));
    let time = post(storage, "c", r#"{"id":"i","sortindex":1}"#);
    let expected =
        format!(r#"{{"id":"i","modified":{time},"sortindex":1,"parentid":"p","payload":"bcd"}}"#);
    assert_eq!(
        get(storage, "c", "i"),
        Some(expected),
        "a write without payload is a change too"
    );
    assert_eq!(usage(storage), [("c".to_owned(), 1, 3)]);
    let time = post(storage, "c", r#"{"id":"new","sortindex":5}"#);
    let expected = format!(r#"{{"id":"new","modified":{time},"sortindex":5}}"#);
    assert_eq!(get(storage, "c", "new"), Some(expected));
    post(storage, "c", r#"{"id":"new","payload":"x"}"#);
    assert_eq!(usage(storage), [("c".to_owned(), 2, 4)]);
}

fn times_grow_whatever_the_clock_does(storage: &dyn Storage, clock: &TestClock) {
    let mut last = Timestamp::ZERO;
    for step in [0, 0, 1, -100_000, 0, 5, 200_000, 0] {
        clock.advance(step);
        let time = post(storage, "c", r#"{"id":"i","payload":"x"}"#);
        assert!(time > last, "{time} comes after {last}");
        last = time;
    }
    let read = storage.collections(ALICE).unwrap();
    assert!(
        read.time >= last,
        "a read promises nothing less than what it saw"
    );
}

fn a_batch_has_one_time(storage: &dyn Storage, _: &TestClock) {
    let body = r#"[{"id":"a","payload":"1"},{"id":"b","payload":"2"},{"id":"b","payload":"33"}]"#;
    let time = post(storage, "c", body);
    for id in ["a", "b"] {
        assert!(get(storage, "c", id).unwrap().contains(&time.to_string()));
    }
    assert_eq!(
        usage(storage),
        [("c".to_owned(), 2, 3)],
        "the last one wins"
    );
    assert!(post(storage, "c", "[]") > time);
    assert_eq!(
        times(storage),
        [("c".to_owned(), time)],
        "nothing stored, nothing changed"
    );
    post(storage, "d", "[]");
    assert_eq!(times(storage).len(), 1);
}

/// New records, those that are there, those that have expired, and one that comes twice.
fn a_batch_may_hold_all_kinds(storage: &dyn Storage, clock: &TestClock) {
    let mut batch: Vec<_> = (0..99)
        .map(|number| serde_json::json!({"id": format!("i{number:02}"), "payload": "new"}))
        .collect();
    let known = serde_json::json!([batch[3], {"id": "i05", "payload": "old", "ttl": 1}]);
    post(storage, "c", &known.to_string());
    clock.advance(200);
    batch[3]["payload"] = "newer".into();
    batch[50] = serde_json::json!({"id": "i49", "sortindex": 5});
    batch[98] = serde_json::json!({"id": "i97", "payload": "newest"});
    let body = serde_json::Value::from(batch).to_string();
    let time = post(storage, "c", &body);
    assert_eq!(usage(storage), [("c".to_owned(), 97, 97 * 3 + 2 + 3)]);
    assert_eq!(ids(storage, "c", "").len(), 97);
    for (id, rest) in [
        ("i03", r#""payload":"newer""#),
        ("i05", r#""payload":"new""#),
        ("i49", r#""sortindex":5,"payload":"new""#),
        ("i97", r#""payload":"newest""#),
    ] {
        let expected = format!(r#"{{"id":"{id}","modified":{time},{rest}}}"#);
        assert_eq!(get(storage, "c", id), Some(expected));
    }
    assert_eq!(post(storage, "c", &body), time.next(), "and again");
    assert_eq!(usage(storage), [("c".to_owned(), 97, 97 * 3 + 2 + 3)]);
}

fn conditions_refuse_and_change_nothing(storage: &dyn Storage, _: &TestClock) {
    let time = post(storage, "c", r#"{"id":"i","payload":"x"}"#);
    let before = get(storage, "c", "i");
    let since = |time| {
        post_as(
            storage,
            ALICE,
            "c",
            r#"[{"id":"i","payload":"y"}]"#,
            (Some(time), None),
        )
    };
    let earlier = time.minus_centis(1);
    assert!(matches!(since(earlier), Err(StorageError::Modified)));
    assert!(matches!(
        storage.delete(ALICE, &name("c"), &Default::default(), Some(earlier)),
        Err(StorageError::Modified)
    ));
    assert_eq!(get(storage, "c", "i"), before);
    assert!(since(time).is_ok());
    let elsewhere = post_as(
        storage,
        ALICE,
        "d",
        r#"[{"id":"i"}]"#,
        (Some(Timestamp::ZERO), None),
    );
    assert!(elsewhere.is_ok(), "an empty collection was never changed");
}

fn a_full_quota_refuses_payloads_only(storage: &dyn Storage, _: &TestClock) {
    let with_quota = |body| post_as(storage, ALICE, "c", body, (None, Some(4)));
    assert_eq!(
        with_quota(r#"[{"id":"i","payload":"abc"}]"#).unwrap().left,
        Some(4)
    );
    let last = with_quota(r#"[{"id":"j","payload":"abc"}]"#);
    assert_eq!(last.unwrap().left, Some(1), "the last one may overshoot");
    for body in [r#"[{"id":"i","payload":"x"}]"#, "[]"] {
        assert!(
            matches!(with_quota(body), Err(StorageError::OverQuota)),
            "{body}"
        );
    }
    assert_eq!(
        with_quota(r#"[{"id":"i","sortindex":1}]"#).unwrap().left,
        Some(0)
    );
    delete(storage, "c", "ids=j");
    assert!(with_quota(r#"[{"id":"i","payload":"x"}]"#).is_ok());
}

fn records_expire(storage: &dyn Storage, clock: &TestClock) {
    post(
        storage,
        "c",
        r#"[{"id":"dead","payload":"xx","ttl":0},{"id":"brief","payload":"x","ttl":2}]"#,
    );
    post(storage, "c", r#"{"id":"live","payload":"abc"}"#);
    assert_eq!(ids(storage, "c", "sort=oldest"), ["brief", "live"]);
    assert_eq!(usage(storage), [("c".to_owned(), 2, 4)]);
    clock.advance(300);
    assert_eq!(ids(storage, "c", ""), ["live"]);
    assert_eq!(get(storage, "c", "brief"), None);
    assert_eq!(usage(storage), [("c".to_owned(), 1, 3)]);
    // Longer than a century: 2036 is not the end.
    clock.advance(100 * 365 * 86_400 * 100);
    assert_eq!(ids(storage, "c", ""), ["live"]);
    post(storage, "c", r#"{"id":"late","payload":"x"}"#);
    assert_eq!(ids(storage, "c", ""), ["live", "late"]);
}

fn an_expired_record_is_absent(storage: &dyn Storage, clock: &TestClock) {
    post(
        storage,
        "c",
        r#"{"id":"i","payload":"old","ttl":0,"parentid":"p"}"#,
    );
    let time = post(storage, "c", r#"{"id":"i","sortindex":1}"#);
    let expected = format!(r#"{{"id":"i","modified":{time},"sortindex":1}}"#);
    assert_eq!(
        get(storage, "c", "i"),
        Some(expected),
        "the old payload stays dead"
    );
    // Also within one batch, where nothing was purged in between.
    post(
        storage,
        "c",
        r#"[{"id":"j","payload":"old","ttl":0},{"id":"j","sortindex":2}]"#,
    );
    assert!(!get(storage, "c", "j").unwrap().contains("old"));
    // Without a payload the record lives as long as it would have.
    post(storage, "c", r#"{"id":"k","payload":"x","ttl":10}"#);
    post(storage, "c", r#"{"id":"k","sortindex":1}"#);
    clock.advance(2000);
    assert_eq!(get(storage, "c", "k"), None);
    // With one and without a ttl it lives for ever.
    post(storage, "c", r#"{"id":"l","payload":"x","ttl":10}"#);
    post(storage, "c", r#"{"id":"l","payload":"y"}"#);
    clock.advance(2000);
    assert!(get(storage, "c", "l").is_some());
}

fn purging_leaves_what_lives(storage: &dyn Storage, clock: &TestClock) {
    post(
        storage,
        "c",
        r#"[{"id":"a","payload":"1","ttl":1},{"id":"b","payload":"2"}]"#,
    );
    let time = post(storage, "d", r#"[{"id":"a","payload":"1","ttl":1}]"#);
    post(storage, "e", r#"[{"id":"a","payload":"1","ttl":500}]"#);
    assert_eq!(storage.purge().unwrap(), 0);
    clock.advance(200);
    assert_eq!(storage.purge().unwrap(), 2);
    assert_eq!(storage.purge().unwrap(), 0);
    assert_eq!(
        usage(storage),
        [("c".to_owned(), 1, 1), ("e".to_owned(), 1, 1)]
    );
    let names: Vec<_> = times(storage).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["c", "e"]);
    assert!(post(storage, "d", "[]") > time);
}

fn queries_select_and_sort(storage: &dyn Storage, _: &TestClock) {
    let index = |place: usize| {
        [
            ",\"sortindex\":3",
            ",\"sortindex\":5",
            ",\"sortindex\":1",
            "",
        ][place]
    };
    let written: Vec<_> = (0..4)
        .map(|place| {
            let parent = if place % 2 == 0 { "A" } else { "B" };
            let body = format!(
                r#"{{"id":"{place}","payload":"x","parentid":"{parent}","predecessorid":"{place}"{}}}"#,
                index(place)
            );
            post(storage, "c", &body)
        })
        .collect();
    let [_, one, _, three] = written.as_slice() else {
        unreachable!()
    };
    let table: [(String, &[&str]); 22] = [
        (String::new(), &["0", "1", "2", "3"]),
        (format!("newer={one}"), &["2", "3"]),
        (format!("older={one}"), &["0"]),
        (format!("newer={one}&older={three}"), &["2"]),
        ("newer=-5".to_owned(), &["0", "1", "2", "3"]),
        ("newer=1e20".to_owned(), &[]),
        ("older=1e20".to_owned(), &["0", "1", "2", "3"]),
        ("sort=index".to_owned(), &["1", "0", "2", "3"]),
        ("sort=newest".to_owned(), &["3", "2", "1", "0"]),
        ("sort=newest&limit=2".to_owned(), &["3", "2"]),
        ("sort=newest&limit=2&offset=1".to_owned(), &["2", "1"]),
        ("limit=2&offset=99999999999999999999".to_owned(), &[]),
        ("limit=0&offset=3".to_owned(), &["3"]),
        ("index_above=2".to_owned(), &["0", "1"]),
        ("index_below=4".to_owned(), &["0", "2"]),
        ("index_above=1&index_below=4".to_owned(), &["0"]),
        ("index_above=nan".to_owned(), &[]),
        ("ids=0,2,0,nosuch".to_owned(), &["0", "2"]),
        ("ids=".to_owned(), &[]),
        ("parentid=A".to_owned(), &["0", "2"]),
        ("predecessorid=3&full=1".to_owned(), &["3"]),
        (
            "ids=0,1,2&parentid=A&sort=newest&limit=1&full=1".to_owned(),
            &["2"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(ids(storage, "c", &query), expected, "{query}");
    }
    let many: Vec<_> = (0..1500).map(|number| number.to_string()).collect();
    assert_eq!(
        ids(storage, "c", &format!("ids={}", many.join(","))).len(),
        4
    );
}

fn odd_ids_are_ids(storage: &dyn Storage, _: &TestClock) {
    let body = r#"[{"id":"{g} *","payload":"1"},{"id":"a/b\"\\'%_","payload":"2"},{"id":"AbC","payload":"4"},{"id":"abc","payload":"5"}]"#;
    post(storage, "c", body);
    assert_eq!(ids(storage, "c", "ids=%7Bg%7D+*"), ["{g} *"]);
    assert_eq!(ids(storage, "c", "ids=a/b%22%5C%27%25_"), ["a/b\"\\'%_"]);
    assert_eq!(ids(storage, "c", "ids=AbC"), ["AbC"]);
    delete(storage, "c", "ids=AbC,%7Bg%7D+*");
    assert_eq!(ids(storage, "c", "").len(), 2);
}

/// Whatever the collation of the database: upper and lower case, blanks at the end.
fn ids_and_names_are_their_bytes(storage: &dyn Storage, _: &TestClock) {
    let ids_sent = [
        "AbC", "abc", "abc ", "abc  ", " abc", "a_c", "a%c", "ABC", "_", "Z", "a",
    ];
    let body: Vec<_> = ids_sent
        .iter()
        .map(|id| serde_json::json!({"id": id, "payload": id}))
        .collect();
    let body = serde_json::Value::from(body).to_string();
    let written = post(storage, "Case", &body);
    post(storage, "case", r#"{"id":"other","payload":""}"#);
    let mut sorted = ids_sent.map(str::to_owned);
    sorted.sort();
    assert_eq!(ids(storage, "Case", ""), sorted);
    assert_eq!(ids(storage, "case", ""), ["other"]);
    assert_eq!(times(storage)[0], ("Case".to_owned(), written));
    // One of them is changed, the others are not.
    post(storage, "Case", r#"{"id":"abc","payload":"new"}"#);
    assert_eq!(ids(storage, "Case", &format!("newer={written}")), ["abc"]);
    sorted.reverse();
    let newest: Vec<_> = [&["abc".to_owned()][..], &sorted]
        .concat()
        .into_iter()
        .enumerate()
        .filter(|(place, id)| *place == 0 || id != "abc")
        .map(|(_, id)| id)
        .collect();
    assert_eq!(ids(storage, "Case", "sort=newest"), newest);
    delete(storage, "Case", "ids=abc,ABC");
    assert_eq!(ids(storage, "Case", "").len(), ids_sent.len() - 2);
    assert_eq!(ids(storage, "Case", "ids=AbC"), ["AbC"]);
    // Parents and predecessors as well.
    post(
        storage,
        "p",
        r#"{"id":"1","payload":"","parentid":"Up","predecessorid":"Up"}"#,
    );
    assert_eq!(ids(storage, "p", "parentid=up"), [""; 0]);
    assert_eq!(ids(storage, "p", "predecessorid=Up"), ["1"]);
}

fn many_ids_may_be_asked_for(storage: &dyn Storage, _: &TestClock) {
    let body: Vec<_> = (0..100)
        .map(|id| serde_json::json!({"id": format!("{id:03}"), "payload": "x"}))
        .collect();
    post(storage, "c", &serde_json::Value::from(body).to_string());
    for count in [1, 2, 3, 64, 65, 99] {
        let wanted: Vec<_> = (0..count).map(|id| format!("{id:03}")).collect();
        let query = format!("ids={}", wanted.join(","));
        assert_eq!(ids(storage, "c", &query), wanted);
    }
    let query = format!(
        "ids={}&limit=3&sort=newest",
        "007,008,nosuch,009,010".repeat(2)
    );
    assert_eq!(ids(storage, "c", &query), ["010", "009", "008"]);
}

fn payloads_come_back_as_they_were(storage: &dyn Storage, _: &TestClock) {
    let longest = "y".repeat(256 * 1024);
    let payloads = [
        "",
        "\u{1F98A}\u{10FFFF}\u{FFFF}\u{80}",
        "\\ ' \" % _ \u{7F} \r\n\t\u{1}",
        "null",
        " \u{20AC} ends with a blank ",
        &longest,
    ];
    for (number, payload) in payloads.into_iter().enumerate() {
        let id = number.to_string();
        let body = serde_json::json!({"id": id, "payload": payload, "sortindex": -999_999_999});
        let time = post(storage, "c", &body.to_string());
        let stored = get(storage, "c", &id).unwrap();
        let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(stored["payload"], payload);
        assert_eq!(stored["modified"].to_string(), {
            let shown: serde_json::Value = serde_json::from_str(&time.to_string()).unwrap();
            shown.to_string()
        });
    }
    let bytes: usize = payloads.iter().map(|payload| payload.len()).sum();
    let expected = [("c".to_owned(), payloads.len() as u64, bytes as u64)];
    assert_eq!(usage(storage), expected);
}

/// PostgreSQL cannot hold U+0000 in a text. Where it is refused nothing of the write is stored.
fn the_lowest_character_is_kept_or_refused(storage: &dyn Storage, _: &TestClock) {
    let body = r#"[{"id":"a","payload":"x"},{"id":"b","payload":"x\u0000y"}]"#;
    match post_as(storage, ALICE, "c", body, (None, None)) {
        Ok(_) => {
            let expected = r#""payload":"x\u0000y"}"#;
            assert!(get(storage, "c", "b").unwrap().ends_with(expected));
        }
        Err(StorageError::Unstorable(what)) => {
            assert!(what.contains("U+0000"), "{what}");
            assert_eq!(times(storage), []);
            post(storage, "c", r#"{"id":"a","payload":"x"}"#);
        }
        Err(error) => panic!("{error}"),
    }
}

fn deletes_take_what_is_selected(storage: &dyn Storage, _: &TestClock) {
    let fill = || {
        delete(storage, "c", "");
        let times: Vec<_> = (0..4)
            .map(|id| {
                post(
                    storage,
                    "c",
                    &format!(
                        r#"{{"id":"{id}","payload":"12","parentid":"p{id}","sortindex":{id}}}"#
                    ),
                )
            })
            .collect();
        (times[1], times[2])
    };
    for (query, left) in [
        ("ids=0,2", vec!["1", "3"]),
        ("parentid=p0", vec!["1", "2", "3"]),
        ("index_above=1", vec!["0", "1"]),
        ("sort=newest&limit=2", vec!["0", "1"]),
        ("sort=oldest&limit=1&offset=1", vec!["0", "2", "3"]),
        ("limit=0&offset=3", vec!["0", "1", "2"]),
        ("full=1&foo=bar", vec![]),
        ("ids=nosuch", vec!["0", "1", "2", "3"]),
    ] {
        fill();
        delete(storage, "c", query);
        assert_eq!(ids(storage, "c", ""), left, "{query}");
        let bytes = 2 * left.len() as u64;
        let expected = [("c".to_owned(), left.len() as u64, bytes)];
        assert_eq!(
            usage(storage),
            if left.is_empty() { &[] } else { &expected[..] },
            "{query}"
        );
    }
    let (one, two) = fill();
    delete(storage, "c", &format!("newer={one}&older={two}"));
    assert_eq!(ids(storage, "c", "").len(), 4);
    delete(storage, "c", &format!("newer={one}"));
    assert_eq!(ids(storage, "c", ""), ["0", "1"]);
    assert!(delete(storage, "never", "") > two);
}

fn a_purge_does_not_stop_at_what_lives_on(storage: &dyn Storage, clock: &TestClock) {
    for number in 0..25 {
        let collection = format!("c{number}");
        post(storage, &collection, r#"{"id":"a","payload":"1","ttl":10}"#);
        post(storage, &collection, r#"{"id":"a","payload":"1"}"#);
    }
    post(storage, "gone", r#"{"id":"a","payload":"1","ttl":10}"#);
    clock.advance(2_000);
    assert_eq!(storage.purge().unwrap(), 1);
    assert_eq!(storage.purge().unwrap(), 0);
    assert_eq!(times(storage).len(), 25);
}

fn a_delete_is_a_change(storage: &dyn Storage, _: &TestClock) {
    post(
        storage,
        "c",
        r#"[{"id":"a","payload":"1"},{"id":"b","payload":"2"}]"#,
    );
    let time = delete(storage, "c", "ids=a");
    assert_eq!(times(storage), [("c".to_owned(), time)]);
    delete(storage, "c", "ids=a");
    assert_eq!(
        times(storage),
        [("c".to_owned(), time)],
        "nothing deleted, nothing changed"
    );
    delete(storage, "c", "ids=b");
    assert_eq!(times(storage), []);
}

fn deleting_everything_keeps_the_time(storage: &dyn Storage, clock: &TestClock) {
    post(storage, "c", r#"{"id":"a","payload":"1"}"#);
    clock.advance(-500);
    let deleted = storage.delete_all(ALICE).unwrap();
    assert_eq!(times(storage), []);
    assert_eq!(ids(storage, "c", ""), [""; 0]);
    assert!(post(storage, "d", r#"{"id":"a","payload":"1"}"#) > deleted);
    assert_eq!(ids(storage, "d", ""), ["a"]);
    assert_eq!(ids(storage, "c", ""), [""; 0]);
}

fn nobody_sees_anothers_records(storage: &dyn Storage, _: &TestClock) {
    for (user, collection) in [(ALICE, "c"), (BOB, "d"), (BOB, "c")] {
        let body = format!(r#"[{{"id":"i","payload":"{user} {collection}"}}]"#);
        post_as(storage, user, collection, &body, (None, None)).unwrap();
    }
    assert!(get(storage, "c", "i").unwrap().contains("7 c"));
    assert_eq!(get(storage, "d", "i"), None);
    assert_eq!(times(storage).len(), 1);
    delete(storage, "c", "");
    storage.delete_all(ALICE).unwrap();
    storage.forget(ALICE).unwrap();
    assert_eq!(ids_as(storage, BOB, "c", ""), ["i"]);
    assert_eq!(storage.collections(BOB).unwrap().value.len(), 2);
}

fn a_forgotten_user_leaves_nothing_behind(storage: &dyn Storage, _: &TestClock) {
    let body = r#"{"id":"a","payload":"1"}"#;
    post(storage, "c", body);
    post_as(storage, BOB, "c", body, (None, None)).unwrap();
    storage.forget(ALICE).unwrap();
    // A request that was let in before the account went.
    let late = post_as(storage, ALICE, "c", body, (None, None));
    assert!(matches!(late, Err(StorageError::Forgotten)));
    let late = storage.delete_all(ALICE);
    assert!(matches!(late, Err(StorageError::Forgotten)));
    assert_eq!(times(storage), []);
    assert_eq!(ids(storage, "c", ""), [""; 0]);
    storage.forget(ALICE).unwrap();
    assert_eq!(ids_as(storage, BOB, "c", ""), ["a"]);
    post_as(storage, BOB, "c", body, (None, None)).unwrap();
}

fn user_ids_are_known_for_ever(storage: &dyn Storage, _: &TestClock) {
    assert_eq!(storage.highest_user().unwrap(), UserId(0));
    post(storage, "c", r#"{"id":"a","payload":"1"}"#);
    assert_eq!(storage.highest_user().unwrap(), ALICE);
    storage.delete_all(ALICE).unwrap();
    assert_eq!(storage.highest_user().unwrap(), ALICE, "he may come back");
}
