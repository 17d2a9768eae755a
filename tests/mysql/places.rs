//! Which of several servers is used, by which way, and whether its certificate is believed.

use std::fs;

use weaved::db::Database;
use weaved::db::PoolOptions;

use crate::suite::Backend;
use crate::suite::DatabaseServer;
use crate::suite::Durability;
use crate::support::fresh;
use crate::support::get;
use crate::support::open;
use crate::support::opened;
use crate::support::options;
use crate::support::put;
use crate::support::with_table;

#[test]
fn the_socket_and_the_port_lead_to_the_same() {
    let served = fresh();
    put(&open(&served.socket_uri()), "a", 3).unwrap();
    assert_eq!(get(&open(&served.uri()), "a").unwrap(), Some(3));
    // A name has several addresses, of which the server has one.
    let named = served.uri().replace("127.0.0.1", "localhost");
    assert_eq!(get(&open(&named), "a").unwrap(), Some(3));
}

#[test]
fn the_first_server_that_takes_writes_is_used() {
    let served = fresh();
    let replica = with_table(&DatabaseServer::start(Backend::MariaDb, Durability::Fast));
    let (port, other) = (served.server().port(), replica.server().port());
    let uri = served.uri();
    let hosts = |first: u16, second: u16| {
        let both = format!("127.0.0.1:1,127.0.0.1:{first},127.0.0.1:{second}");
        uri.replace(&format!("127.0.0.1:{port}"), &both)
    };
    // Nobody listens at the first one; the third one has no such database.
    put(&open(&hosts(port, other)), "a", 1).unwrap();
    replica.server().run_sql("SET GLOBAL read_only = 1");
    put(&open(&hosts(other, port)), "a", 2).unwrap();
    assert_eq!(get(&open(&uri), "a").unwrap(), Some(2));
    // A single one can be read from at least.
    let database = open(&replica.uri());
    assert_eq!(get(&database, "a").unwrap(), None);
    let refused = put(&database, "a", 1).unwrap_err();
    let text = weaved::causes::chain(&refused);
    assert!(
        text.ends_with("the server takes no writes: is it a replica?"),
        "{text}"
    );
}

/// A server that loses its part while it is in use: the first write that it refuses is done again
/// on the other one.
#[test]
fn a_server_that_takes_no_writes_any_more_is_left() {
    let old = with_table(&DatabaseServer::start(Backend::MariaDb, Durability::Fast));
    let new = with_table(&DatabaseServer::start(Backend::MariaDb, Durability::Fast));
    assert_eq!(old.name(), new.name());
    let (first, second) = (old.server().port(), new.server().port());
    let both = format!("127.0.0.1:{first},127.0.0.1:{second}");
    let uri = old.uri().replace(&format!("127.0.0.1:{first}"), &both);
    // More connections than a write is tried again.
    let options = PoolOptions {
        size: 16,
        ..options()
    };
    let database = Database::open(&uri.parse().unwrap(), &options).unwrap();
    put(&database, "a", 1).unwrap();
    drop([(); 16].map(|()| database.snapshot().unwrap()));
    old.server().run_sql("SET GLOBAL read_only = 1");
    put(&database, "a", 2).unwrap();
    // No read goes to the old one any more.
    let all = [(); 16].map(|()| database.snapshot().unwrap());
    for mut snapshot in all {
        let sql = "SELECT n FROM t";
        let seen = snapshot.session().query_one(sql, &[], |row| row.int(0));
        assert_eq!(seen.unwrap().flatten(), Some(2));
    }
    assert_eq!(get(&open(&old.uri()), "a").unwrap(), Some(1));
    assert_eq!(get(&open(&new.uri()), "a").unwrap(), Some(2));
}

#[test]
fn a_certificate_is_believed_when_its_authority_was_named() {
    let served = fresh();
    let database = open(&served.tls_uri());
    let cipher = "SELECT variable_value
        FROM information_schema.session_status
        WHERE variable_name = 'Ssl_cipher'";
    let read = |database: &Database| {
        let found = database
            .read(|session| session.query_one(cipher, &[], |row| row.text(0).map(str::to_owned)));
        found.unwrap().flatten().unwrap()
    };
    assert!(read(&database).starts_with("TLS_"), "{}", read(&database));
    assert_eq!(read(&open(&served.uri())), "");
    let unverified = format!("{}?ssl=true&ssl_verify_cert=false", served.uri());
    assert!(read(&open(&unverified)).starts_with("TLS_"));

    let system = format!("{}?ssl=true", served.uri());
    let other = DatabaseServer::start(Backend::MariaDb, Durability::Fast);
    let other = other.authority().display().to_string();
    let strange = format!("{}?ssl_ca={other}", served.uri());
    for uri in [system, strange] {
        let text = opened(&uri).err().unwrap();
        let expected = "; name the file of the authority that vouches for the server in ssl_ca";
        assert!(text.ends_with(expected), "{text}");
    }
    // Not that of the web either, when the name does not matter.
    let any_name = |ca: &str| format!("{}?ssl_ca={ca}&ssl_verify_identity=false", served.uri());
    assert!(opened(&any_name(&other)).is_err());
    let authority = served.server().authority().display().to_string();
    assert!(read(&open(&any_name(&authority))).starts_with("TLS_"));

    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let text = opened(&any_name(empty.to_str().unwrap())).err().unwrap();
    assert!(text.contains("there is no usable certificate in"), "{text}");
}
