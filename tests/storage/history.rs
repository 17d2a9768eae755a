//! Random histories of calls give the same answers as a simple model in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;
use weaved::storage::StorageError;
use weaved::sync::Timestamp;

use super::support::ALICE;
use super::support::Stage;
use super::support::ids;
use super::support::name;
use super::support::post_as;
use super::support::times;
use super::support::usage;
use crate::suite::Kind;
use crate::suite::on_every_database;

/// One call of a client, or a move of the clock.
#[derive(Clone, Debug)]
enum Step {
    Clock(i64),
    Delete {
        collection: u8,
        query: String,
    },
    DeleteAll,
    Purge,
    Reopen,
    /// Records by id, payload length, ttl and sortindex; absent ones are not sent.
    Write {
        collection: u8,
        records: Vec<Sent>,
        stale: bool,
    },
}

#[derive(Clone, Debug)]
struct Sent {
    id: u8,
    payload: Option<usize>,
    ttl: Option<i64>,
    sortindex: Option<i64>,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    payload: Option<usize>,
    sortindex: Option<i64>,
    /// Seconds; absent: never.
    expires: Option<i64>,
    modified: Timestamp,
}

#[derive(Default)]
struct Model {
    collections: BTreeMap<String, (Timestamp, BTreeMap<String, Stored>)>,
    last: Timestamp,
}

impl Model {
    fn live(&self, collection: &str, now: i64) -> Vec<(String, Stored)> {
        let records = self
            .collections
            .get(collection)
            .map(|(_, records)| records.clone());
        let mut all: Vec<_> = records
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, record)| record.expires.is_none_or(|expires| expires > now))
            .collect();
        all.sort_by_key(|(id, record)| (record.modified, id.clone()));
        all
    }

    fn write(&mut self, collection: &str, records: &[Sent], time: Timestamp) {
        self.last = time;
        if records.is_empty() {
            return;
        }
        let now = time.seconds();
        let (changed, stored) = self.collections.entry(collection.to_owned()).or_default();
        *changed = time;
        stored.retain(|_, record| record.expires.is_none_or(|expires| expires > now));
        for sent in records {
            let record = stored.entry(sent.id.to_string()).or_default();
            if record.expires.is_some_and(|expires| expires <= now) {
                *record = Stored::default();
            }
            record.modified = time;
            record.payload = sent.payload.or(record.payload);
            record.sortindex = sent.sortindex.or(record.sortindex);
            match (sent.ttl, sent.payload) {
                (Some(ttl), _) => record.expires = Some(now + ttl),
                (None, Some(_)) => record.expires = None,
                (None, None) => {}
            }
        }
    }

    /// What a delete with one of the test's queries takes; expired ones too, as long as they lie
    /// there.
    fn delete(&mut self, collection: &str, query: &str, time: Timestamp) {
        self.last = time;
        let Some((changed, stored)) = self.collections.get_mut(collection) else {
            return;
        };
        let mut order: Vec<_> = stored
            .iter()
            .map(|(id, record)| (record.modified, id.clone()))
            .collect();
        order.sort();
        let doomed: Vec<String> = match query {
            "" => order.into_iter().map(|(_, id)| id).collect(),
            "ids=1,2" => order
                .into_iter()
                .map(|(_, id)| id)
                .filter(|id| id == "1" || id == "2")
                .collect(),
            "sort=oldest&limit=1" => order.into_iter().map(|(_, id)| id).take(1).collect(),
            "sort=newest&limit=2" => order.into_iter().rev().map(|(_, id)| id).take(2).collect(),
            other => unreachable!("{other}"),
        };
        if !doomed.is_empty() {
            *changed = time;
        }
        stored.retain(|id, _| !doomed.contains(id));
        if stored.is_empty() {
            self.collections.remove(collection);
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let sent = (
        0_u8..5,
        proptest::option::of(0_usize..20),
        proptest::option::of(0_i64..8),
        proptest::option::of(-3_i64..3),
    )
        .prop_map(|(id, payload, ttl, sortindex)| Sent {
            id,
            payload,
            ttl,
            sortindex,
        });
    let query = prop_oneof![
        Just(String::new()),
        Just("ids=1,2".to_owned()),
        Just("sort=oldest&limit=1".to_owned()),
        Just("sort=newest&limit=2".to_owned()),
    ];
    prop_oneof![
        6 => (0_u8..3, proptest::collection::vec(sent, 0..6), any::<bool>())
            .prop_map(|(collection, records, stale)| Step::Write { collection, records, stale }),
        2 => (0_u8..3, query).prop_map(|(collection, query)| Step::Delete { collection, query }),
        2 => (-50_i64..600).prop_map(Step::Clock),
        1 => Just(Step::Purge),
        1 => Just(Step::Reopen),
        1 => Just(Step::DeleteAll),
    ]
}

fn body(records: &[Sent]) -> String {
    let records: Vec<_> = records
        .iter()
        .map(|sent| {
            let mut record = serde_json::json!({ "id": sent.id.to_string() });
            let fields = record.as_object_mut().unwrap();
            if let Some(payload) = sent.payload {
                fields.insert("payload".to_owned(), "x".repeat(payload).into());
            }
            if let Some(ttl) = sent.ttl {
                fields.insert("ttl".to_owned(), ttl.into());
            }
            if let Some(sortindex) = sent.sortindex {
                fields.insert("sortindex".to_owned(), sortindex.into());
            }
            record
        })
        .collect();
    serde_json::json!(records).to_string()
}

fn compare(stage: &Stage, model: &Model) -> Result<(), TestCaseError> {
    use weaved::sync::Clock as _;
    let storage = stage.storage.as_ref();
    let now = stage.clock.now().seconds();
    let mut expected_usage = Vec::new();
    for (collection, (changed, _)) in &model.collections {
        let live = model.live(collection, now);
        if !live.is_empty() {
            let bytes: usize = live.iter().filter_map(|(_, record)| record.payload).sum();
            expected_usage.push((collection.clone(), live.len() as u64, bytes as u64));
        }
        let shown = times(storage)
            .into_iter()
            .find(|(known, _)| known == collection);
        prop_assert!(shown.is_some() || live.is_empty());
        prop_assert!(shown.is_none_or(|(_, shown)| shown == *changed));
        let expected: Vec<_> = live.iter().map(|(id, _)| id.clone()).collect();
        prop_assert_eq!(ids(storage, collection, ""), expected);
        let mut by_index = live.clone();
        by_index.sort_by_key(|(id, record)| {
            (
                record.sortindex.is_none(),
                record.sortindex.map(|index| -index),
                id.clone(),
            )
        });
        let expected: Vec<_> = by_index.into_iter().map(|(id, _)| id).collect();
        prop_assert_eq!(ids(storage, collection, "sort=index&full=1"), expected);
    }
    let bytes: u64 = expected_usage.iter().map(|(_, _, bytes)| bytes).sum();
    prop_assert_eq!(storage.used(ALICE).unwrap().value, bytes);
    prop_assert_eq!(usage(storage), expected_usage);
    prop_assert!(storage.collections(ALICE).unwrap().time >= model.last);
    Ok(())
}

on_every_database!(any_history_gives_the_answers_of_the_model);

fn any_history_gives_the_answers_of_the_model(kind: Kind) {
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
    let steps = proptest::collection::vec(step(), 1..25);
    let result = TestRunner::new(config).run(&steps, |steps| history(kind, steps));
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Lives through a history, and compares after each step.
fn history(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    use weaved::sync::Clock as _;
    let mut stage = Stage::new(kind);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Clock(centis) => stage.clock.advance(centis),
            Step::Purge => {
                stage.storage.purge().unwrap();
                let now = stage.clock.now().seconds();
                for (_, records) in model.collections.values_mut() {
                    records.retain(|_, record| record.expires.is_none_or(|expires| expires > now));
                }
                model
                    .collections
                    .retain(|_, (_, records)| !records.is_empty());
            }
            Step::Reopen => {
                let elapsed = stage.clock.now().centis() - 170_000_000_000;
                stage = Stage::on(stage.close(), Default::default());
                stage.clock.advance(elapsed);
            }
            Step::DeleteAll => {
                let time = stage.storage.delete_all(ALICE).unwrap();
                prop_assert!(time > model.last);
                model.collections.clear();
                model.last = time;
            }
            Step::Delete { collection, query } => {
                let collection = format!("c{collection}");
                let parsed = weaved::sync::Query::parse(&query).unwrap();
                let time = stage
                    .storage
                    .delete(ALICE, &name(&collection), &parsed, None)
                    .unwrap();
                prop_assert!(time > model.last);
                model.delete(&collection, &query, time);
            }
            Step::Write {
                collection,
                records,
                stale,
            } => {
                let collection = format!("c{collection}");
                let changed = model
                    .collections
                    .get(&collection)
                    .map(|(changed, _)| *changed);
                let since = changed.map(|changed| {
                    if stale {
                        changed.minus_centis(1)
                    } else {
                        changed
                    }
                });
                let result = post_as(
                    stage.storage.as_ref(),
                    ALICE,
                    &collection,
                    &body(&records),
                    (since, None),
                );
                match result {
                    Err(StorageError::Modified) => prop_assert!(stale && changed.is_some()),
                    Err(error) => prop_assert!(false, "{}", error),
                    Ok(written) => {
                        prop_assert!(!stale || changed.is_none());
                        prop_assert!(written.modified > model.last);
                        model.write(&collection, &records, written.modified);
                    }
                }
            }
        }
        compare(&stage, &model)?;
    }
    Ok(())
}
