//! Hosts and their processes start at the same time, on a database in which nothing is yet.

use std::sync::Arc;
use std::sync::Barrier;
use std::thread;

use weaved::accounts::SqlAccounts;
use weaved::accounts::SqlSettings;
use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::storage::Settings;

use super::support::TestClock;
use super::support::open;
use crate::suite::Ground;
use crate::suite::Kind;
use crate::suite::on_every_database;

const ROUNDS: usize = 4;
const PROCESSES: usize = 6;

on_every_database!(many_may_start_at_once);

fn many_may_start_at_once(kind: Kind) {
    for _ in 0..ROUNDS {
        let ground = Ground::fresh(kind);
        let barrier = Barrier::new(PROCESSES);
        thread::scope(|scope| {
            for _ in 0..PROCESSES {
                scope.spawn(|| {
                    barrier.wait();
                    open(&ground, TestClock::at(1), Settings::default()).unwrap();
                    let uri = ground.uri().parse().unwrap();
                    let database = Database::open(&uri, &PoolOptions::default()).unwrap();
                    SqlAccounts::open(Arc::new(database), SqlSettings::default()).unwrap();
                });
            }
        });
    }
}
