//! A fresh database, and guards of several processes at it.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::guard::Guard;
use weaved::guard::Limits;
use weaved::sync::Clock;
use weaved::sync::Timestamp;

use crate::suite::Ground;
use crate::suite::Kind;

/// A fresh database, and the time.
pub(crate) struct Gate {
    ground: Ground,
    clock: Arc<Hand>,
}

/// A clock that is set by hand, in seconds.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_centis(self.0.load(Ordering::SeqCst) * 100)
    }
}

impl Gate {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            ground: Ground::fresh(kind),
            clock: Arc::new(Hand(AtomicI64::new(1_000_000_000))),
        }
    }

    /// What another process has: its own connections and memory.
    pub(crate) fn guard(&self) -> Guard {
        let uri = self.ground.uri().parse().unwrap();
        let database = Database::open(&uri, &PoolOptions::default()).unwrap();
        let clock = Arc::<Hand>::clone(&self.clock);
        Guard::open(Arc::new(database), clock, Limits::default()).unwrap()
    }

    /// A time some seconds from now.
    pub(crate) fn after(&self, seconds: i64) -> Timestamp {
        Timestamp::from_centis(self.clock.now().centis() + seconds * 100)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }
}
