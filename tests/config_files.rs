//! Whole configurations, from files on disk to a `Config` or to its problems.

use std::path::Path;
use std::path::PathBuf;

use weaved::config;
use weaved::config::Address;
use weaved::config::Config;
use weaved::config::DatabaseUri;
use weaved::config::Gateway;
use weaved::config::Problems;

fn load(name: &str) -> Result<Config, Problems> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    config::load(&folder.join(name), &[])
}

fn sqlite(path: &str) -> DatabaseUri {
    DatabaseUri::SqliteFile(PathBuf::from(path))
}

#[test]
fn a_file_with_only_a_server_finds_its_second_file() {
    let config = load("only_server/development.ini").unwrap();
    assert_eq!(config.server.gateway, Gateway::Fcgi);
    let address = Address::Tcp {
        host: "0.0.0.0".to_owned(),
        port: 5000,
    };
    assert_eq!(config.server.address, address);
    assert_eq!(config.storage.sqluri, sqlite("/var/lib/sync/weave_storage"));
    assert_eq!(*config.auth_database(), sqlite("/var/lib/sync/weave_user"));
    assert_eq!(config.storage.quota, Some(5120));
    let node = config.nodes.fallback_node.as_deref();
    assert_eq!(node, Some("https://www.yourserver.net/yourpath/"));
    let notes: Vec<_> = config.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(notes[0].contains("development.ini:3: [server:main] host: \"0.0.0.0\" lets anyone"));
}
