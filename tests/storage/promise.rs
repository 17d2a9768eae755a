//! A reader that follows by the time of its own reads never misses a record (design,
//! "X-Weave-Timestamp is a promise").

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::storage::Settings;
use weaved::storage::SqlStorage;
use weaved::storage::Storage;
use weaved::sync::Clock;
use weaved::sync::Query;
use weaved::sync::Record;
use weaved::sync::SystemClock;
use weaved::sync::Timestamp;

use super::support::ALICE;
use super::support::BOB;
use super::support::TestClock;
use super::support::name;
use super::support::open;
use super::support::post_as;
use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

const WRITERS: usize = 4;
const WRITES: usize = 60;

on_every_database! {
    a_reader_that_follows_misses_nothing
    what_a_slow_commit_has_written_gets_a_later_time
    clocks_may_differ_by_a_little
}

fn a_reader_that_follows_misses_nothing(kind: Kind) {
    let clock = Arc::new(SystemClock::default());
    let storage = open(&Ground::fresh(kind), clock, Settings::default()).unwrap();
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let reader = scope.spawn(|| follow(&storage, &done));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let storage = &storage;
                    move || write(storage, writer)
                })
            })
            .collect();
        let mut times: Vec<Timestamp> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        done.store(true, Ordering::SeqCst);
        times.sort();
        let distinct: BTreeSet<_> = times.iter().collect();
        assert_eq!(
            distinct.len(),
            WRITERS * WRITES,
            "no two writes share a time"
        );
        reader.join().unwrap()
    });
    assert_eq!(seen.len(), WRITERS * WRITES, "every record was seen");
}

/// A reader in another process was told, while the commit took its time, that nothing so old
/// would still come.
fn what_a_slow_commit_has_written_gets_a_later_time(kind: Kind) {
    let ground = Ground::fresh(kind);
    let open = |clock: Arc<dyn Clock>| open(&ground, clock, Settings::default()).unwrap();
    let other = Arc::new(open(TestClock::at(1_700_000_005)));
    let promised = other.time();
    let slow = Arc::new(SlowCommit {
        seen_by: Arc::clone(&other),
    });
    let storage = open(Arc::<SlowCommit>::clone(&slow));
    let body = r#"[{"id":"a","payload":"x"},{"id":"b","payload":"y"}]"#;
    let written = post_as(&storage, ALICE, "c", body, (None, None)).unwrap();
    assert!(written.modified > promised, "{}", written.modified);
    let collections = other.collections(ALICE).unwrap();
    assert_eq!(*collections.value, [("c".to_owned(), written.modified)]);
    let mut times = Vec::new();
    let query = Query {
        full: true,
        ..Query::default()
    };
    other
        .records(ALICE, &name("c"), query)
        .unwrap()
        .each(0, &mut |record| {
            times.push(record.modified);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(times, [written.modified; 2]);
    // The next one is quick: the time of the clock, and no more.
    let next = post_as(&storage, ALICE, "c", body, (None, None)).unwrap();
    assert_eq!(next.modified, written.modified.next());
}

/// A commit that got no answer within the time-out, and that the server makes nevertheless: what
/// it has written is news to those who have read since.
#[test]
fn a_commit_without_an_answer_breaks_no_promise() {
    const SLOW: &str = "
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.payload LIKE 'slow%' THEN PERFORM pg_sleep(9); END IF;
            IF NEW.payload = 'slow, in vain' THEN RAISE EXCEPTION 'in vain'; END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON wbo
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()";
    const COMMITTING: &str =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";
    let ground = Ground::fresh(Kind::POSTGRESQL);
    let open = || {
        let options = PoolOptions {
            timeout: Duration::from_secs(1),
            ..PoolOptions::default()
        };
        let clock = Arc::new(SystemClock::default());
        let database = Database::open(&ground.uri().parse().unwrap(), &options).unwrap();
        SqlStorage::open(Arc::new(database), clock, Settings::default()).unwrap()
    };
    let (storage, other) = (open(), open());
    ground.run_sql(SLOW);
    for (user, id, payload) in [(ALICE, "made", "slow"), (BOB, "lost", "slow, in vain")] {
        let before = storage.time();
        let body = format!(r#"[{{"id":"{id}","payload":"{payload}"}}]"#);
        let answer = post_as(&storage, user, "c", &body, (None, None));
        assert!(answer.is_err(), "{answer:?}");
        let promised = other.collections(user).unwrap();
        assert_eq!(*promised.value, [], "it is not there yet");
        // Longer than readers assume of any commit.
        assert!(promised.time > before, "{} {before}", promised.time);
        assert!(storage.time() < promised.time);
        while ground.number(COMMITTING) > 0 {
            thread::sleep(Duration::from_millis(20));
        }
        storage.purge().unwrap();
        let query = Query {
            newer: Some(promised.time),
            ..Query::default()
        };
        let mut news = Vec::new();
        let mut records = other.records(user, &name("c"), query).unwrap();
        let visit = &mut |record: &Record<'_>| {
            news.push(record.id.to_owned());
            ControlFlow::Continue(())
        };
        records.each(0, visit).unwrap();
        let expected: &[&str] = if user == ALICE { &["made"] } else { &[] };
        assert_eq!(news, expected);
        assert!(storage.time() > promised.time, "the promise goes on");
    }
}

/// The clock of the machine that writes is behind that of the one that reads, and the commit takes
/// as long as it just may, or longer.
fn clocks_may_differ_by_a_little(kind: Kind) {
    for behind in [0, 90] {
        for taken in [190, 250] {
            let ground = Ground::fresh(kind);
            let open = |clock: Arc<dyn Clock>| open(&ground, clock, Settings::default()).unwrap();
            let reader_clock = TestClock::at(1_700_000_000);
            reader_clock.advance(taken - 10);
            let other = Arc::new(open(reader_clock));
            // Read just before the write is committed.
            let promised = other.collections(ALICE).unwrap().time;
            let storage = open(Arc::new(Behind {
                seen_by: Arc::clone(&other),
                behind,
                taken,
            }));
            let body = r#"[{"id":"a","payload":"x"}]"#;
            let written = post_as(&storage, ALICE, "c", body, (None, None)).unwrap();
            assert!(
                written.modified > promised,
                "{behind} {taken}: {written:?} {promised}"
            );
        }
    }
}

/// A clock that is behind; the first commit takes some time.
struct Behind {
    seen_by: Arc<SqlStorage>,
    behind: i64,
    taken: i64,
}

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        let seen = self.seen_by.collections(ALICE).unwrap().value;
        let passed = if seen.is_empty() { 0 } else { self.taken };
        Timestamp::from_centis(1_700_000_000 * 100 + passed - self.behind)
    }
}

/// Ten seconds pass between the last statement of the first write and the end of its commit.
struct SlowCommit {
    seen_by: Arc<SqlStorage>,
}

impl Clock for SlowCommit {
    fn now(&self) -> Timestamp {
        let seen = self.seen_by.collections(ALICE).unwrap().value;
        let seconds = if seen.is_empty() { 0 } else { 10 };
        Timestamp::from_centis((1_700_000_000 + seconds) * 100)
    }
}

fn write(storage: &dyn Storage, writer: usize) -> Vec<Timestamp> {
    let store = |number| {
        let body = format!(r#"[{{"id":"{writer}-{number}","payload":"x"}}]"#);
        post_as(storage, ALICE, "c", &body, (None, None))
            .unwrap()
            .modified
    };
    (0..WRITES).map(store).collect()
}

/// Reads `newer=` the promise of the read before, over and over, until everything is written.
fn follow(storage: &dyn Storage, done: &AtomicBool) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut newer = Timestamp::ZERO;
    loop {
        let last_round = done.load(Ordering::SeqCst);
        let query = Query {
            newer: Some(newer),
            ..Query::default()
        };
        let mut records = storage.records(ALICE, &name("c"), query).unwrap();
        assert!(records.time() >= newer, "promises do not go back");
        records
            .each(0, &mut |record| {
                seen.insert(record.id.to_owned());
                ControlFlow::Continue(())
            })
            .unwrap();
        newer = records.time();
        if last_round {
            return seen;
        }
    }
}
