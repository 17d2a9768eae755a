//! Random restores among random writes: the same as a model in memory, nobody who follows by
//! times misses anything, and a second time nothing is done.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;
use weaved::storage::Restored;
use weaved::storage::Stored;
use weaved::sync::Clock as _;
use weaved::sync::CollectionName;
use weaved::sync::Query;
use weaved::sync::Record;
use weaved::sync::Timestamp;

use super::support::ALICE;
use super::support::Stage;
use super::support::name;
use super::support::post;
use super::support::times;
use super::support::usage;
use crate::suite::Kind;
use crate::suite::on_every_database;

const COLLECTIONS: [&str; 2] = ["bookmarks", "own.1"];
/// When the clock begins, in centiseconds.
const START: i64 = 170_000_000_000;

#[derive(Clone, Debug)]
enum Step {
    Clock(i64),
    DeleteAll,
    Restore(Vec<Moved>),
    Write(Place, usize),
}

/// A collection and an id.
type Place = (usize, u8);

/// A record that is put back.
#[derive(Clone, Debug)]
struct Moved {
    place: Place,
    /// Centiseconds after the start; absent: it has no time.
    modified: Option<i64>,
    payload: Option<usize>,
    sortindex: Option<i64>,
    /// Whether it expired long ago, or does in a long time.
    expires: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
struct Kept {
    modified: Timestamp,
    payload: Option<String>,
    sortindex: Option<i64>,
    expires: Option<i64>,
}

#[derive(Default)]
struct Model {
    records: BTreeMap<Place, Kept>,
    changed: BTreeMap<usize, Timestamp>,
    last: Timestamp,
}

impl Moved {
    fn kept(&self) -> Kept {
        let modified = self.modified.map_or(0, |after| START + after);
        Kept {
            modified: Timestamp::from_centis(modified),
            payload: self.payload.map(|size| "é".repeat(size)),
            sortindex: self.sortindex,
            expires: self
                .expires
                .map(|gone| if gone { 1000 } else { 2_000_000_000 }),
        }
    }
}

impl Model {
    fn restore(&mut self, moved: &[Moved], now: Timestamp) -> Restored {
        let mut restored = Restored::default();
        let keeps = self.last == Timestamp::ZERO;
        let time = now.max(self.last.next());
        let mut newest = None;
        for moved in moved {
            let mut kept = moved.kept();
            if kept.expires == Some(1000) {
                restored.expired += 1;
                continue;
            }
            let told = kept.modified;
            if !(keeps && told > Timestamp::ZERO && told < time) {
                kept.modified = time;
            }
            match self.records.get(&moved.place) {
                None => restored.added += 1,
                Some(ours)
                    if (Kept {
                        modified: kept.modified,
                        ..ours.clone()
                    }) == kept =>
                {
                    restored.same += 1;
                    continue;
                }
                Some(ours) if ours.modified >= told => {
                    restored.kept += 1;
                    continue;
                }
                Some(_) => restored.updated += 1,
            }
            let changed = self.changed.entry(moved.place.0).or_default();
            *changed = kept.modified.max(*changed);
            newest = newest.max(Some(kept.modified));
            self.records.insert(moved.place, kept);
        }
        self.last = newest.unwrap_or(self.last);
        restored
    }
}

fn step() -> impl Strategy<Value = Step> {
    let place = (0..COLLECTIONS.len(), 0_u8..4);
    let moved = (
        place.clone(),
        proptest::option::weighted(0.9, -3000_i64..3000),
        proptest::option::weighted(0.9, 0_usize..3),
        proptest::option::of(-2_i64..2),
        proptest::option::weighted(0.3, any::<bool>()),
    )
        .prop_map(|(place, modified, payload, sortindex, expires)| Moved {
            place,
            modified,
            payload,
            sortindex,
            expires,
        });
    prop_oneof![
        4 => proptest::collection::vec(moved, 0..8).prop_map(Step::Restore),
        2 => (place, 0_usize..3).prop_map(|(place, size)| Step::Write(place, size)),
        2 => (-20_i64..600).prop_map(Step::Clock),
        1 => Just(Step::DeleteAll),
    ]
}

on_every_database!(any_restores_give_what_the_model_says);

fn any_restores_give_what_the_model_says(kind: Kind) {
    let cases = match kind {
        Kind::Sqlite => 64,
        // Each makes its tables.
        Kind::Served(_) => 16,
    };
    let config = Config {
        cases,
        source_file: Some(file!()),
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 1..20);
    let result = TestRunner::new(config).run(&steps, |steps| history(kind, steps));
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn history(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let stage = Stage::new(kind);
    let storage = stage.storage.as_ref();
    let names = COLLECTIONS.map(name);
    let mut model = Model::default();
    // A device that asks for what is newer than what it was promised.
    let mut device = BTreeMap::new();
    let mut promise = None;
    for step in steps {
        match step {
            Step::Clock(centis) => stage.clock.advance(centis),
            Step::DeleteAll => {
                model.last = storage.delete_all(ALICE).unwrap();
                model.records.clear();
                model.changed.clear();
                device.clear();
            }
            Step::Write(place, size) => {
                let payload = "x".repeat(size);
                let body = format!(r#"[{{"id":"{}","payload":"{payload}"}}]"#, place.1);
                let time = post(storage, COLLECTIONS[place.0], &body);
                prop_assert!(time > model.last, "{} after {}", time, model.last);
                model.last = time;
                model.changed.insert(place.0, time);
                let sortindex = model.records.get(&place).and_then(|old| old.sortindex);
                let kept = Kept {
                    modified: time,
                    payload: Some(payload),
                    sortindex,
                    expires: None,
                };
                model.records.insert(place, kept);
            }
            Step::Restore(moved) => {
                let was = model.last;
                let expected = model.restore(&moved, stage.clock.now());
                prop_assert_eq!(put_back(&stage, &names, &moved), expected);
                if was > Timestamp::ZERO && expected.added + expected.updated > 0 {
                    prop_assert!(model.last > was);
                }
                // What the model says of the second time is what is there already.
                let before = model.last;
                let again = put_back(&stage, &names, &moved);
                prop_assert_eq!(again, model.restore(&moved, stage.clock.now()));
                if was == Timestamp::ZERO {
                    prop_assert_eq!(again.added, 0);
                }
                if again.updated == 0 {
                    prop_assert_eq!(model.last, before);
                }
            }
        }
        compare(&stage, &model, &names)?;
        // Nobody has heard of anything before the first write.
        if model.last > Timestamp::ZERO {
            follow(&stage, &names, &mut device, &mut promise);
            for (place, kept) in &model.records {
                prop_assert_eq!(device.get(place), Some(&kept.payload), "{:?}", place);
            }
        }
    }
    Ok(())
}

fn put_back(stage: &Stage, names: &[CollectionName], moved: &[Moved]) -> Restored {
    let all: Vec<_> = moved
        .iter()
        .map(|m| (m.place, m.place.1.to_string(), m.kept()))
        .collect();
    let mut records: Vec<Stored<'_>> = Vec::new();
    for ((collection, _), id, kept) in &all {
        records.push(Stored {
            collection: &names[*collection],
            record: Record {
                id,
                modified: kept.modified,
                payload: kept.payload.as_deref(),
                parentid: None,
                predecessorid: None,
                sortindex: kept.sortindex,
            },
            expires: kept.expires,
        });
    }
    stage.storage.restore(ALICE, &mut records).unwrap()
}

fn compare(stage: &Stage, model: &Model, names: &[CollectionName]) -> Result<(), TestCaseError> {
    let storage = stage.storage.as_ref();
    let mut found = BTreeMap::new();
    let mut dump = storage.dump().unwrap();
    dump.each(ALICE, &mut |stored| {
        let collection = names.iter().position(|name| name == stored.collection);
        let place = (collection.unwrap(), stored.record.id.parse().unwrap());
        let kept = Kept {
            modified: stored.record.modified,
            payload: stored.record.payload.map(str::to_owned),
            sortindex: stored.record.sortindex,
            expires: stored.expires,
        };
        found.insert(place, kept);
        ControlFlow::Continue(())
    })
    .unwrap();
    prop_assert_eq!(&found, &model.records);
    let mut sums: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    for ((collection, _), kept) in &model.records {
        let sum = sums.entry(*collection).or_default();
        sum.0 += 1;
        sum.1 += kept.payload.as_ref().map_or(0, String::len) as u64;
    }
    let sums: Vec<_> = sums
        .into_iter()
        .map(|(at, (records, bytes))| (COLLECTIONS[at].to_owned(), records, bytes))
        .collect();
    prop_assert_eq!(usage(storage), sums);
    let changed: Vec<_> = model
        .changed
        .iter()
        .map(|(at, time)| (COLLECTIONS[*at].to_owned(), *time))
        .collect();
    prop_assert_eq!(times(storage), changed);
    let total = dump
        .totals()
        .unwrap()
        .get(&ALICE)
        .copied()
        .unwrap_or_default();
    prop_assert_eq!(total.records, model.records.len() as u64);
    prop_assert_eq!(total.last_write, model.last);
    Ok(())
}

/// Takes over what is newer than the last promise.
fn follow(
    stage: &Stage,
    names: &[CollectionName],
    device: &mut BTreeMap<Place, Option<String>>,
    promise: &mut Option<Timestamp>,
) {
    let mut next = None;
    for (at, collection) in names.iter().enumerate() {
        let query = Query {
            full: true,
            newer: *promise,
            ..Query::default()
        };
        let mut records = stage.storage.records(ALICE, collection, query).unwrap();
        next = Some(next.map_or(records.time(), |time: Timestamp| time.min(records.time())));
        records
            .each(0, &mut |record| {
                let place = (at, record.id.parse().unwrap());
                device.insert(place, record.payload.map(str::to_owned));
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    *promise = next;
}
