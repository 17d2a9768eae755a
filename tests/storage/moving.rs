//! Records that move out of a storage and into one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use weaved::storage::Restored;
use weaved::storage::Storage;
use weaved::storage::StorageError;
use weaved::storage::Stored;
use weaved::storage::Visit;
use weaved::sync::CollectionName;
use weaved::sync::Record;
use weaved::sync::Timestamp;
use weaved::sync::UserId;

use super::support::ALICE;
use super::support::BOB;
use super::support::Stage;
use super::support::delete;
use super::support::get;
use super::support::ids;
use super::support::name;
use super::support::post;
use super::support::post_as;
use super::support::times;
use super::support::usage;
use crate::suite::Kind;
use crate::suite::on_every_database;

on_every_database! {
    a_fresh_user_gets_records_with_their_times
    a_dump_is_of_one_moment
    a_dump_is_put_back_as_it_was
    a_restore_is_all_or_nothing
    a_restore_that_takes_long_has_the_time_of_its_end
    devices_that_follow_see_what_is_put_back
    totals_are_of_those_who_have_an_account
    what_is_here_and_newer_stays
}

/// A record that a test moves.
pub(crate) fn stored<'a>(
    collection: &'a CollectionName,
    id: &'a str,
    seconds: i64,
    payload: &'a str,
) -> Stored<'a> {
    Stored {
        collection,
        record: Record {
            id,
            modified: Timestamp::from_centis(seconds * 100),
            payload: Some(payload),
            parentid: None,
            predecessorid: None,
            sortindex: None,
        },
        expires: None,
    }
}

/// All that a dump has of a user, as text.
pub(crate) fn dumped(storage: &dyn Storage, user: UserId) -> Vec<String> {
    let mut all = Vec::new();
    let mut dump = storage.dump().unwrap();
    dump.each(user, &mut |stored| {
        all.push(format!("{stored:?}"));
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

fn a_fresh_user_gets_records_with_their_times(kind: Kind) {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let (tabs, forms) = (name("tabs"), name("forms"));
    let mut from_the_future = stored(&tabs, "c", 1_900_000_000, "cc");
    from_the_future.record.sortindex = Some(-3);
    let mut expired = stored(&tabs, "d", 1_600_000_000, "d");
    expired.expires = Some(1_650_000_000);
    let mut passing = stored(&forms, "e", 1_600_000_002, "eeee");
    passing.expires = Some(1_700_000_100);
    let mut records = vec![
        stored(&tabs, "a", 1_600_000_001, "a"),
        stored(&forms, "b", 0, "bbb"),
        from_the_future,
        expired,
        passing,
    ];
    let restored = storage.restore(ALICE, &mut records).unwrap();
    let expected = Restored {
        added: 4,
        expired: 1,
        ..Restored::default()
    };
    assert_eq!(restored, expected);
    assert_eq!(
        get(storage, "tabs", "a").unwrap(),
        r#"{"id":"a","modified":1600000001.00,"payload":"a"}"#
    );
    // What has no time, or one that is not yet, gets that of the restore.
    assert_eq!(
        get(storage, "tabs", "c").unwrap(),
        r#"{"id":"c","modified":1700000000.00,"sortindex":-3,"payload":"cc"}"#
    );
    let now = Timestamp::from_centis(170_000_000_000);
    let both = vec![("forms".to_owned(), now), ("tabs".to_owned(), now)];
    assert_eq!(times(storage), both);
    assert_eq!(
        usage(storage),
        [("forms".to_owned(), 2, 7), ("tabs".to_owned(), 2, 3)]
    );
    // Again: nothing is done.
    stage.clock.advance(500);
    let restored = storage.restore(ALICE, &mut records).unwrap();
    assert_eq!((restored.same, restored.expired), (4, 1));
    assert_eq!(times(storage), both);
    // What was put back expires like anything else.
    stage.clock.advance(100 * 100);
    assert_eq!(ids(storage, "forms", ""), ["b"]);
    assert!(storage.collections(BOB).unwrap().value.is_empty());
}

fn what_is_here_and_newer_stays(kind: Kind) {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let tabs = name("tabs");
    let first = post(
        storage,
        "tabs",
        r#"[{"id":"a","payload":"ours"},{"id":"b","payload":"old"},{"id":"c","payload":"same"}]"#,
    );
    stage.clock.advance(10_000);
    let mut records = vec![
        stored(&tabs, "a", 1_699_999_999, "theirs"),
        stored(&tabs, "b", 1_700_000_050, "new"),
        stored(&tabs, "c", 1_700_000_050, "same"),
        stored(&tabs, "d", 1_600_000_000, "more"),
    ];
    let restored = storage.restore(ALICE, &mut records).unwrap();
    let expected = Restored {
        added: 1,
        kept: 1,
        same: 1,
        updated: 1,
        ..Restored::default()
    };
    assert_eq!(restored, expected);
    let time = Timestamp::from_centis(170_000_010_000);
    assert!(
        get(storage, "tabs", "a")
            .unwrap()
            .contains(&format!("{first},\"payload\":\"ours\""))
    );
    assert!(
        get(storage, "tabs", "b")
            .unwrap()
            .contains(&format!("{time},\"payload\":\"new\""))
    );
    assert!(
        get(storage, "tabs", "c")
            .unwrap()
            .contains(&first.to_string())
    );
    assert!(
        get(storage, "tabs", "d")
            .unwrap()
            .contains(&time.to_string())
    );
    assert_eq!(times(storage), [("tabs".to_owned(), time)]);
    assert_eq!(usage(storage), [("tabs".to_owned(), 4, 15)]);
    let restored = storage.restore(ALICE, &mut records).unwrap();
    assert_eq!((restored.kept, restored.same), (1, 3));
    assert_eq!(times(storage), [("tabs".to_owned(), time)]);
}

/// The promise of `X-Weave-Timestamp` holds for restores, too.
fn devices_that_follow_see_what_is_put_back(kind: Kind) {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let tabs = name("tabs");
    post(storage, "tabs", r#"[{"id":"a","payload":"a"}]"#);
    // Later than the last write, and before what a device was promised.
    stage.clock.advance(100_000);
    let mut record = vec![stored(&tabs, "b", 1_700_000_100, "b")];
    let promised = storage.collections(ALICE).unwrap().time;
    storage.restore(ALICE, &mut record).unwrap();
    assert_eq!(ids(storage, "tabs", &format!("newer={promised}")), ["b"]);
    let seen = times(storage)[0].1;
    assert!(post(storage, "forms", r#"[{"id":"f"}]"#) > seen);
    // The clock has not moved, and the time of a restore is above it nevertheless.
    let last = times(storage)[0].1;
    let mut record = vec![stored(&tabs, "c", 1_700_000_100, "c")];
    storage.restore(ALICE, &mut record).unwrap();
    assert_eq!(ids(storage, "tabs", &format!("newer={last}")), ["c"]);
}

/// What readers were promised while it ran is not broken.
fn a_restore_that_takes_long_has_the_time_of_its_end(kind: Kind) {
    struct Slow<'a>(CollectionName, &'a Stage);
    impl weaved::storage::Source for Slow<'_> {
        fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError> {
            visit(&stored(&self.0, "b", 1_600_000_000, "b"))?;
            self.1.clock.advance(100_000);
            visit(&stored(&self.0, "c", 1_600_000_000, "c"))
        }
    }
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let first = post(storage, "tabs", r#"[{"id":"a","payload":"a"}]"#);
    storage
        .restore(ALICE, &mut Slow(name("tabs"), &stage))
        .unwrap();
    let time = Timestamp::from_centis(170_000_100_000);
    for id in ["b", "c"] {
        let record = get(storage, "tabs", id).unwrap();
        assert!(record.contains(&time.to_string()), "{record}");
    }
    assert!(
        get(storage, "tabs", "a")
            .unwrap()
            .contains(&first.to_string())
    );
    assert_eq!(times(storage), [("tabs".to_owned(), time)]);
    assert!(post(storage, "forms", r#"[{"id":"f"}]"#) > time);
}

fn a_restore_is_all_or_nothing(kind: Kind) {
    struct Broken(CollectionName);
    impl weaved::storage::Source for Broken {
        fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError> {
            visit(&stored(&self.0, "a", 1_600_000_000, "a"))?;
            Err(StorageError::Source("cut".into()))
        }
    }
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let error = storage
        .restore(ALICE, &mut Broken(name("tabs")))
        .unwrap_err();
    assert!(matches!(error, StorageError::Source(_)), "{error:?}");
    assert_eq!(times(storage), []);
    assert_eq!(storage.dump().unwrap().totals().unwrap(), BTreeMap::new());
    storage.forget(ALICE).unwrap();
    let tabs = name("tabs");
    let error = storage
        .restore(ALICE, &mut vec![stored(&tabs, "a", 1, "a")])
        .unwrap_err();
    assert!(matches!(error, StorageError::Forgotten), "{error:?}");
}

fn a_dump_is_put_back_as_it_was(kind: Kind) {
    let (from, to) = (Stage::new(kind), Stage::new(kind));
    let body = r#"[{"id":"a","payload":"é\u0000\n","sortindex":7,"parentid":"p","predecessorid":"q"},
        {"id":"B","ttl":500},{"id":"b","payload":""},{"id":"gone","payload":"x","ttl":1}]"#;
    let body = match kind {
        Kind::Sqlite => body.to_owned(),
        // PostgreSQL holds no such character.
        Kind::Served(_) => body.replace(r"\u0000", ""),
    };
    post(from.storage.as_ref(), "own.collection", &body);
    from.clock.advance(200);
    post(
        from.storage.as_ref(),
        "bookmarks",
        r#"[{"id":"z","payload":"z"}]"#,
    );
    let mut moved = Vec::new();
    let mut dump = from.storage.dump().unwrap();
    dump.each(ALICE, &mut |stored| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let record = &stored.record;
        moved.push((
            stored.collection.clone(),
            record.id.to_owned(),
            [
                owned(record.payload),
                owned(record.parentid),
                owned(record.predecessorid),
            ],
            (record.modified, record.sortindex, stored.expires),
        ));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(moved.len(), 4);
    let mut records: Vec<Stored<'_>> = Vec::new();
    for (collection, id, [payload, parentid, predecessorid], (modified, sortindex, expires)) in
        &moved
    {
        records.push(Stored {
            collection,
            record: Record {
                id,
                modified: *modified,
                payload: payload.as_deref(),
                parentid: parentid.as_deref(),
                predecessorid: predecessorid.as_deref(),
                sortindex: *sortindex,
            },
            expires: *expires,
        });
    }
    to.clock.advance(1000);
    to.storage.restore(BOB, &mut records).unwrap();
    let (before, after) = (
        dumped(from.storage.as_ref(), ALICE),
        dumped(to.storage.as_ref(), BOB),
    );
    assert_eq!(before, after);
    assert_eq!(
        to.storage.collections(BOB).unwrap().value.len(),
        times(from.storage.as_ref()).len()
    );
}

fn a_dump_is_of_one_moment(kind: Kind) {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    post(storage, "tabs", r#"[{"id":"a","payload":"a"}]"#);
    let mut dump = storage.dump().unwrap();
    // PostgreSQL and MySQL take their snapshot with the first statement.
    let before = dump.totals().unwrap();
    post(
        storage,
        "tabs",
        r#"[{"id":"a","payload":"changed"},{"id":"b","payload":"b"}]"#,
    );
    delete(storage, "tabs", "ids=a");
    assert_eq!(dump.totals().unwrap(), before);
    let mut seen = Vec::new();
    dump.each(ALICE, &mut |stored| {
        seen.push(stored.record.payload.unwrap().to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, ["a"]);
    let mut visited = 0;
    let mut dump = storage.dump().unwrap();
    post(storage, "forms", r#"[{"id":"f","payload":"f"}]"#);
    dump.each(ALICE, &mut |_| {
        visited += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(visited, 1);
}

fn totals_are_of_those_who_have_an_account(kind: Kind) {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let body = r#"[{"id":"a","payload":"12345"},{"id":"b"}]"#;
    post_as(storage, BOB, "tabs", body, (None, None)).unwrap();
    post_as(storage, BOB, "forms", body, (None, None)).unwrap();
    let last = post(storage, "tabs", body);
    let totals = storage.dump().unwrap().totals().unwrap();
    assert_eq!(totals.len(), 2);
    assert_eq!((totals[&BOB].records, totals[&BOB].bytes), (4, 10));
    assert_eq!(totals[&ALICE].last_write, last);
    storage.forget(BOB).unwrap();
    assert_eq!(storage.dump().unwrap().totals().unwrap().len(), 1);
}
