//! A storage on a fresh database with a clock that stands still, and short words for its calls.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::storage::Settings;
use weaved::storage::SqlStorage;
use weaved::storage::Storage;
use weaved::storage::StorageError;
use weaved::storage::Write;
use weaved::storage::Written;
use weaved::sync::Clock;
use weaved::sync::CollectionName;
use weaved::sync::JsonText;
use weaved::sync::Post;
use weaved::sync::Query;
use weaved::sync::RecordId;
use weaved::sync::Timestamp;
use weaved::sync::UserId;
use weaved::sync::Wbo;

use crate::suite::Ground;
use crate::suite::Kind;

/// The user of most tests.
pub(crate) const ALICE: UserId = UserId(7);
/// Somebody else, who must never notice.
pub(crate) const BOB: UserId = UserId(8);

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(seconds * 100)))
    }

    pub(crate) fn advance(&self, centis: i64) {
        self.0.fetch_add(centis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_centis(self.0.load(Ordering::SeqCst))
    }
}

/// A storage and what it stands on.
pub(crate) struct Stage {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) storage: Arc<dyn Storage>,
    ground: Ground,
}

impl Stage {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::on(Ground::fresh(kind), Settings::default())
    }

    /// Opens whatever is there.
    #[track_caller]
    pub(crate) fn on(ground: Ground, settings: Settings) -> Self {
        let clock = TestClock::at(1_700_000_000);
        let storage = open(&ground, Arc::<TestClock>::clone(&clock), settings);
        Self {
            clock,
            storage: Arc::new(storage.unwrap()),
            ground,
        }
    }

    /// Closes the storage and gives back what it stood on.
    pub(crate) fn close(self) -> Ground {
        drop(self.storage);
        self.ground
    }
}

/// Opens a storage.
pub(crate) fn open(
    ground: &Ground,
    clock: Arc<dyn Clock>,
    settings: Settings,
) -> Result<SqlStorage, StorageError> {
    let database = Database::open(&ground.uri().parse().unwrap(), &PoolOptions::default()).unwrap();
    SqlStorage::open(Arc::new(database), clock, settings)
}

pub(crate) fn name(name: &str) -> CollectionName {
    name.parse().unwrap()
}

/// Stores what a POST with this body would.
pub(crate) fn post_as(
    storage: &dyn Storage,
    user: UserId,
    collection: &str,
    body: &str,
    conditions: (Option<Timestamp>, Option<u64>),
) -> Result<Written, StorageError> {
    let text = JsonText::from_body(body.as_bytes()).unwrap();
    let records: Vec<Wbo<'_>> = match Post::parse(&text, Default::default()).unwrap() {
        Post::Batch(batch) => batch.accepted,
        Post::Single(wbo) => vec![wbo],
    };
    let (unmodified_since, quota) = conditions;
    let collection = name(collection);
    storage.write(&Write {
        user,
        collection: &collection,
        records: &records,
        unmodified_since,
        quota,
    })
}

/// Stores for Alice without conditions; returns the time.
pub(crate) fn post(storage: &dyn Storage, collection: &str, body: &str) -> Timestamp {
    post_as(storage, ALICE, collection, body, (None, None))
        .unwrap()
        .modified
}

/// One record of Alice as JSON.
pub(crate) fn get(storage: &dyn Storage, collection: &str, id: &str) -> Option<String> {
    let mut out = Vec::new();
    let id = RecordId::from_segment(id).unwrap();
    storage
        .record(ALICE, &name(collection), &id, &mut |record| {
            record.write_json(&mut out)
        })
        .unwrap();
    (!out.is_empty()).then(|| String::from_utf8(out).unwrap())
}

/// The ids of Alice's records that a query string selects, in order.
pub(crate) fn ids(storage: &dyn Storage, collection: &str, query: &str) -> Vec<String> {
    ids_as(storage, ALICE, collection, query)
}

pub(crate) fn ids_as(
    storage: &dyn Storage,
    user: UserId,
    collection: &str,
    query: &str,
) -> Vec<String> {
    let query = Query::parse(query).unwrap();
    let mut records = storage
        .records(user, &name(collection), query.clone())
        .unwrap();
    let mut all = Vec::new();
    records
        .each(0, &mut |record| {
            all.push(record.id.to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(
        records.count().unwrap(),
        all.len() as u64,
        "the count of {collection}"
    );
    if let Some(known) = records.known_usage().unwrap() {
        assert_eq!(known.records, all.len() as u64, "known of {collection}");
    }
    // Whole records come in the same order.
    let full = Query {
        full: true,
        ..query
    };
    let mut whole = Vec::new();
    storage
        .records(user, &name(collection), full)
        .unwrap()
        .each(0, &mut |record| {
            whole.push(record.id.to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(whole, all, "whole records");
    // Whoever comes back for the rest gets exactly the rest.
    let mut rest = Vec::new();
    records
        .each(1, &mut |record| {
            rest.push(record.id.to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rest, all.get(1..).unwrap_or_default(), "the rest");
    all
}

pub(crate) fn delete(storage: &dyn Storage, collection: &str, query: &str) -> Timestamp {
    let query = Query::parse(query).unwrap();
    storage
        .delete(ALICE, &name(collection), &query, None)
        .unwrap()
}

/// Alice's collections with their times, sorted.
pub(crate) fn times(storage: &dyn Storage) -> Vec<(String, Timestamp)> {
    let mut all = storage.collections(ALICE).unwrap().value.to_vec();
    all.sort();
    all
}

/// Alice's collections with numbers and bytes, sorted.
pub(crate) fn usage(storage: &dyn Storage) -> Vec<(String, u64, u64)> {
    let all = storage.usage(ALICE).unwrap().value;
    let mut all: Vec<_> = all
        .into_iter()
        .map(|(name, usage)| (name, usage.records, usage.bytes))
        .collect();
    all.sort();
    all
}
