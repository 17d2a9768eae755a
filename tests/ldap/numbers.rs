//! The numbers that weaved gives, on each database that can keep them.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Barrier;
use std::thread;

use weaved::accounts::LdapAccounts;
use weaved::accounts::Login;
use weaved::db::Database;
use weaved::db::PoolOptions;

use crate::slapd::PEOPLE;
use crate::slapd::Slapd;
use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::support::FIRST;
use crate::support::of_people;
use crate::support::open_on;
use crate::support::try_log_in;

/// Those without a number of the directory's that can be used.
const PEOPLE_WITHOUT: [(&str, &str); 6] = [
    ("ann", "ann-secret"),
    ("beth", "Beth-secret"),
    ("guest", "guest-secret"),
    ("huge", "huge-secret"),
    ("jane", "jane-secret"),
    ("root", "root-secret"),
];

#[track_caller]
fn id(accounts: &LdapAccounts, (user, word): (&str, &str)) -> i64 {
    match try_log_in(accounts, user, word).unwrap() {
        Login::Accepted(account) => account.id.0,
        Login::Refused(refusal) => panic!("{user} is refused: {refusal}"),
    }
}

/// Several processes that have never seen anybody, all at once.
#[track_caller]
fn everybody_has_one_number(uri: &str) {
    let slapd = Slapd::start(PEOPLE);
    let barrier = Barrier::new(3);
    let given: Vec<BTreeMap<&str, i64>> = thread::scope(|scope| {
        let process = |from: usize| {
            let options = PoolOptions::default();
            let database = Arc::new(Database::open(&uri.parse().unwrap(), &options).unwrap());
            barrier.wait();
            let accounts = open_on(of_people(&slapd), &database);
            barrier.wait();
            let mut people = PEOPLE_WITHOUT;
            people.rotate_left(from);
            let ids = people.map(|person| (person.0, id(&accounts, person)));
            BTreeMap::from(ids)
        };
        // All of them are started before one is waited for.
        let processes = [0, 1, 2].map(|from| scope.spawn(move || process(from)));
        processes
            .into_iter()
            .map(|process| process.join().unwrap())
            .collect()
    });
    for ids in &given {
        assert_eq!(*ids, given[0], "{uri}");
    }
    let ids: HashSet<i64> = given[0].values().copied().collect();
    assert_eq!(ids.len(), PEOPLE_WITHOUT.len());
    assert!(ids.iter().all(|id| *id >= FIRST));
}

#[test]
fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    everybody_has_one_number(&format!("sqlite:///{}", path.display()));
}

#[test]
fn on_mariadb() {
    let database = DatabaseServer::shared(Backend::MariaDb).database("numbers");
    everybody_has_one_number(&database.uri());
}

#[test]
fn on_postgresql() {
    let database = DatabaseServer::shared(Backend::PostgreSql).database("numbers");
    everybody_has_one_number(&database.uri());
}
