//! Old configurations that must load unchanged (spec/config.md, 3 and 4).

// So that the lints take the helpers, too, for test code.
#![cfg(test)]

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;
use weaved::config;
use weaved::config::Address;
use weaved::config::AuthBackend;
use weaved::config::Collections;
use weaved::config::Config;
use weaved::config::DatabaseUri;
use weaved::config::Gateway;
use weaved::config::LogTarget;
use weaved::config::Model;
use weaved::config::Severity;
use weaved::config::UsersRoot;

fn load(name: &str) -> Config {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    config::load(&folder.join(name), &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn sqlite(path: &str) -> DatabaseUri {
    DatabaseUri::SqliteFile(PathBuf::from(path))
}

fn tcp(host: &str, port: u16) -> Address {
    let host = host.to_owned();
    Address::Tcp { host, port }
}

/// Section and key of the warnings, without those about this machine.
fn warnings(config: &Config) -> Vec<String> {
    let notes = config.notes.iter().filter(|note| {
        note.severity == Severity::Warning
            && !note.text.contains("does not exist")
            && !note.text.contains("chmod")
    });
    let place = |part: &Option<String>| part.clone().unwrap_or_default();
    notes
        .map(|note| format!("{} {}", place(&note.section), place(&note.key)))
        .collect()
}

#[track_caller]
fn check_seed(config: &Config) {
    assert_eq!(config.server.gateway, Gateway::Fcgi);
    assert_eq!(config.server.model, Model::Threads);
    assert_eq!(config.server.address, tcp("0.0.0.0", 5000));
    assert_eq!(config.server.mount, None);
    assert_eq!(config.storage.sqluri, sqlite("/var/lib/sync/weave_storage"));
    assert_eq!(config.storage.collections, Collections::Named);
    assert_eq!(config.storage.quota, Some(5120));
    assert_eq!(config.storage.pool_size, 100);
    assert!(config.storage.create_tables);
    assert_eq!(*config.auth_database(), sqlite("/var/lib/sync/weave_user"));
    assert_eq!(config.reset_codes_database(), config.auth_database());
    assert!(config.auth.create_tables);
    let node = config.nodes.fallback_node.as_deref();
    assert_eq!(node, Some("https://www.yourserver.net/yourpath/"));
    assert!(!config.captcha.required);
    assert_eq!(config.cef.target, None);
    assert_eq!((&*config.smtp.host, config.smtp.port), ("localhost", 25));
}

#[test]
fn the_seed_loads_unchanged_but_for_a_warning() {
    let config = load("seed/development.ini");
    check_seed(&config);
    assert_eq!(config.server.threads, 60);
    assert!(config.server.access_log);
    assert_eq!(warnings(&config), ["server:main host"]);
}

#[test]
fn a_file_with_only_a_server_finds_its_second_file() {
    let config = load("only_server/development.ini");
    check_seed(&config);
    assert_eq!(config.server.threads, 16);
    assert!(!config.server.access_log);
    assert_eq!(warnings(&config), ["server:main host"]);
}

#[test]
fn the_shipped_default_loads() {
    let config = load("shipped/sync.ini");
    assert_eq!(config.server.gateway, Gateway::Http);
    assert_eq!(config.server.address, tcp("0.0.0.0", 5000));
    assert_eq!(config.auth.backend, AuthBackend::SqlUser);
    let node = config.nodes.fallback_node.as_deref();
    assert_eq!(node, Some("http://localhost:5000/"));
    assert_eq!(config.smtp.sender.as_deref(), Some("weave@example.org"));
    assert!(config.cef.target.is_some());
    assert_eq!(
        warnings(&config),
        ["server:main host", "storage sqluri", "auth sqluri"]
    );
}

#[test]
fn the_log_sections_of_the_shipped_files_are_mapped() {
    let logging = load("shipped/sync.ini").logging;
    assert_eq!(logging.level, LevelFilter::Info);
    let targets: Vec<_> = logging
        .outputs
        .iter()
        .map(|output| &output.target)
        .collect();
    let file = LogTarget::File {
        path: PathBuf::from("/var/log/sync/messages.log"),
        max_bytes: 0,
        backups: 0,
    };
    assert_eq!(targets, [&file, &LogTarget::Stderr]);
    let levels: Vec<_> = logging.outputs.iter().map(|output| output.level).collect();
    assert_eq!(levels, [LevelFilter::Debug, LevelFilter::Error]);
}

#[test]
fn the_shipped_sqlite_file_warns_of_its_place() {
    let config = load("shipped/sqlite.ini");
    assert_eq!(config.storage.sqluri, sqlite("/tmp/test.db"));
    assert!(config.captcha.required);
    assert_eq!(
        warnings(&config),
        ["server:main host", "storage sqluri", "auth sqluri",]
    );
}

#[test]
fn the_shipped_mysql_file_keeps_its_password_to_itself() {
    let config = load("shipped/mysql.ini");
    let DatabaseUri::MySql(uri) = &config.storage.sqluri else {
        panic!("{}", config.storage.sqluri);
    };
    let uri = &uri.server;
    assert_eq!(uri.hosts[0].name.as_deref(), Some("localhost"));
    assert_eq!(
        uri.password.as_ref().map(config::Secret::expose),
        Some("sync")
    );
    let described = config.describe();
    assert!(described.contains("sqluri = mysql://sync:***@localhost/sync"));
    assert!(!described.contains("sync:sync"));
}

#[test]
fn the_shipped_ldap_files_load() {
    for name in ["shipped/ldap.ini", "shipped/memcachedldap.ini"] {
        let config = load(name);
        assert_eq!(config.auth.backend, AuthBackend::Ldap);
        let ldap = &config.auth.ldap;
        assert_eq!(ldap.uris, ["ldap://localhost:390"]);
        let root = UsersRoot::Dn("ou=users,dc=mozilla".to_owned());
        assert_eq!(ldap.users_root, root);
        assert_eq!(ldap.timeout, Duration::ZERO);
        let bind = ldap.bind.as_ref().unwrap();
        assert_eq!(
            (&*bind.user, bind.password.expose()),
            ("cn=admin,dc=mozilla", "admin")
        );
        assert!(warnings(&config).contains(&"auth ldapuri".to_owned()));
    }
}

#[test]
fn the_shipped_memcached_file_warns_of_what_memcached_still_holds() {
    let config = load("shipped/memcached.ini");
    assert_eq!(
        warnings(&config),
        [
            "server:main host",
            "storage backend",
            "storage cache_servers",
        ]
    );
}
