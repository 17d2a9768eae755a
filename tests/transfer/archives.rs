//! The format.

use std::io::Cursor;

use proptest::prelude::*;
use weaved::accounts::State;
use weaved::accounts::UserName;
use weaved::accounts::hash::StoredHash;
use weaved::storage::Source;
use weaved::storage::StorageError;
use weaved::storage::Stored;
use weaved::sync::CollectionName;
use weaved::sync::Record;
use weaved::sync::Timestamp;
use weaved::transfer::Archive;
use weaved::transfer::ArchiveError;
use weaved::transfer::Passenger;
use weaved::transfer::Writer;
use weaved::transfer::unfit;

const HASH: &str = "0123456789abcdef0123456789abcdef";

/// A record with everything of its own.
#[derive(Clone, Debug)]
struct Owned {
    collection: CollectionName,
    host: Option<&'static str>,
    id: String,
    modified: Timestamp,
    texts: [Option<String>; 3],
    sortindex: Option<i64>,
    expires: Option<i64>,
}

impl Owned {
    fn stored(&self) -> Stored<'_> {
        let [payload, parentid, predecessorid] = &self.texts;
        Stored {
            collection: &self.collection,
            record: Record {
                id: &self.id,
                modified: self.modified,
                payload: payload.as_deref(),
                parentid: parentid.as_deref(),
                predecessorid: predecessorid.as_deref(),
                sortindex: self.sortindex,
            },
            expires: self.expires,
        }
    }
}

fn record() -> impl Strategy<Value = Owned> {
    let id = "[ -~]{1,64}";
    let texts = (
        proptest::option::of("[^\0]{0,40}"),
        proptest::option::of(id),
        proptest::option::of(id),
    );
    (
        "[a-zA-Z0-9._-]{1,32}",
        proptest::option::of(Just("sync.example.com")),
        id,
        0_i64..300_000_000_000,
        texts,
        proptest::option::of(-999_999_999_i64..=999_999_999),
        proptest::option::of(0_i64..2_100_000_000),
    )
        .prop_map(
            |(collection, host, id, modified, (a, b, c), sortindex, expires)| Owned {
                collection: collection.parse().unwrap(),
                host,
                id,
                modified: Timestamp::from_centis(modified),
                texts: [a, b, c],
                sortindex,
                expires,
            },
        )
}

fn passenger(number: usize) -> Passenger {
    Passenger {
        name: UserName::new(&format!("user{number}")).unwrap(),
        email: number
            .is_multiple_of(2)
            .then(|| format!("\"ü\n{number}\"@example.com")),
        hash: (!number.is_multiple_of(3)).then(|| StoredHash::parse(HASH).unwrap()),
        state: match number % 4 {
            0 => State::Disabled,
            _ => State::Active,
        },
        node: None,
    }
}

fn written(accounts: &[Vec<Owned>]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), Timestamp::from_centis(170_000_000_012)).unwrap();
    for (number, records) in accounts.iter().enumerate() {
        writer.account(&passenger(number)).unwrap();
        for record in records {
            writer.record(&record.stored(), record.host).unwrap();
        }
    }
    writer.finish().unwrap().0
}

fn opened(bytes: &[u8]) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(bytes.to_vec()))
}

fn sample() -> Vec<u8> {
    let record = |id: &str| Owned {
        collection: "tabs".parse().unwrap(),
        host: None,
        id: id.to_owned(),
        modified: Timestamp::from_centis(169_999_999_950),
        texts: [Some("{\"ciphertext\":\"é\"}".to_owned()), None, None],
        sortindex: Some(-7),
        expires: Some(1_800_000_000),
    };
    written(&[vec![record("a"), record("b")], vec![], vec![record("c")]])
}

#[test]
fn an_archive_is_text_that_anybody_can_read() {
    let bytes = sample();
    let text = std::str::from_utf8(&bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..3],
        [
            r#"{"head":{"format":"weaved archive","version":1,"made":1700000000.12}}"#,
            r#"{"account":{"name":"user0","email":"\"ü\n0\"@example.com","state":"disabled"}}"#,
            r#"{"record":{"collection":"tabs","expires":1800000000,"id":"a","modified":1699999999.50,"sortindex":-7,"payload":"{\"ciphertext\":\"\u00e9\"}"}}"#,
        ]
    );
    assert_eq!(
        lines[4],
        format!(r#"{{"account":{{"name":"user1","hash":"{HASH}","state":"active"}}}}"#)
    );
    assert!(lines[7].starts_with(r#"{"end":{"accounts":3,"records":3,"sha256":""#));
    assert_eq!(lines.len(), 8);
}

#[test]
fn what_was_cut_or_damaged_is_found_out() {
    let bytes = sample();
    assert!(opened(&bytes).is_ok());
    for end in 0..bytes.len() {
        assert!(opened(&bytes[..end]).is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(opened(&damaged).is_err(), "damaged at {place}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = opened(text.as_bytes()).err().unwrap();
        assert_eq!(error.to_string(), expected);
    }
    let head = r#"{"head":{"format":"weaved archive","version":1,"made":1.00}}"#;
    let account = r#"{"account":{"name":"joe","state":"active"}}"#;
    check("", "this is no archive of weaved");
    check("SQLite format 3\0", "this is no archive of weaved");
    check("{}\n", "this is no archive of weaved");
    check(
        &format!("{head}\n{account}\n"),
        "the archive is cut off: it has no end",
    );
    check(
        "{\"head\":{\"format\":\"weaved archive\",\"version\":2,\"made\":1.00}}\n",
        "the archive is of version 2, which this weaved does not know",
    );
    let line = |number, what| format!("line {number} is none that an archive has there: {what}");
    for (lines, number, what) in [
        (format!("{head}\n{head}\n"), 2, "a second head"),
        (format!("{head}\nx\n"), 2, "it is no JSON"),
        (
            format!("{head}\n{{\"account\":{{}}}}\n"),
            2,
            "it lacks something",
        ),
        (
            format!("{head}\n{}\n", account.replace("joe", "joe smith")),
            2,
            "the name is none",
        ),
        (
            format!("{head}\n{}\n", account.replace("active", "odd")),
            2,
            "the state is none",
        ),
        (
            format!(
                "{head}\n{{\"record\":{{\"collection\":\"a\",\"id\":\"b\",\"modified\":1}}}}\n"
            ),
            2,
            "a record before any account",
        ),
        (
            format!(
                "{head}\n{account}\n{{\"record\":{{\"collection\":\"/\",\"id\":\"b\",\"modified\":1}}}}\n"
            ),
            3,
            "the name of the collection is none",
        ),
        (
            format!(
                "{head}\n{account}\n{{\"record\":{{\"collection\":\"a\",\"id\":\"b\",\"modified\":\"x\"}}}}\n"
            ),
            3,
            "modified is no time",
        ),
    ] {
        check(&lines, &line(number, what));
    }
    let mut more = sample();
    more.extend_from_slice(b"x\n");
    let text = String::from_utf8(more).unwrap();
    check(&text, &line(9, "something after the end"));
}

#[test]
fn records_that_no_database_holds_are_left_out_and_counted() {
    let mut records = vec![];
    for (id, payload) in [("ok", "p"), ("é", "p"), ("nul", "\0"), ("", "p")] {
        records.push(Owned {
            collection: "tabs".parse().unwrap(),
            host: None,
            id: id.to_owned(),
            modified: Timestamp::from_centis(5),
            texts: [Some(payload.to_owned()), None, None],
            sortindex: None,
            expires: None,
        });
    }
    let mut archive = opened(&written(&[records])).unwrap();
    let mut source = archive.records(0, None);
    // Each reading counts anew.
    for _ in 0..2 {
        let mut seen = 0;
        source
            .each(&mut |_| {
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!((seen, source.skipped().values().sum::<u64>()), (1, 3));
    }
}

#[test]
fn an_error_of_the_reader_ends_the_reading() {
    let mut archive = opened(&sample()).unwrap();
    let mut seen = 0;
    let result = archive.records(0, None).each(&mut |_| {
        seen += 1;
        Err(StorageError::Forgotten)
    });
    assert!(matches!(result, Err(StorageError::Forgotten)));
    assert_eq!(seen, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        accounts in proptest::collection::vec(proptest::collection::vec(record(), 0..5), 0..4),
    ) {
        let mut archive = opened(&written(&accounts)).unwrap();
        prop_assert_eq!(archive.made(), Timestamp::from_centis(170_000_000_012));
        let names: Vec<_> = archive.passengers().map(|found| format!("{found:?}")).collect();
        let expected: Vec<_> = (0..accounts.len()).map(|n| format!("{:?}", passenger(n))).collect();
        prop_assert_eq!(names, expected);
        // In any order, and as often as wanted.
        for (place, records) in accounts.iter().enumerate().rev() {
            for host in [None, Some("sync.example.com"), None] {
                let of_host = records.iter().filter(|record| record.host == host);
                let expected: Vec<_> = of_host.map(|record| format!("{:?}", record.stored())).collect();
                let mut found = Vec::new();
                archive.records(place, host).each(&mut |stored| {
                    assert_eq!(unfit(stored), None);
                    found.push(format!("{stored:?}"));
                    Ok(())
                }).unwrap();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(lines in proptest::collection::vec("\\PC{0,60}", 0..6)) {
        let head = r#"{"head":{"format":"weaved archive","version":1,"made":1.00}}"#;
        let _ = opened(format!("{head}\n{}\n", lines.join("\n")).as_bytes());
    }
}
