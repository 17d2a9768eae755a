//! What is told of mistakes and oddities: every one at once, each in one line with its place.

// So that the lints take the helpers, too, for test code.
#![cfg(test)]

mod config_folder;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use config_folder::Folder;
use config_folder::SECOND;
use config_folder::errors;
use config_folder::notes;
use proptest::prelude::*;
use weaved::config::Address;
use weaved::config::DatabaseUri;
use weaved::config::Gateway;
use weaved::config::PasswordHash;
use weaved::config::Registration;
use weaved::config::Serves;
use weaved::config::Tls;

/// The smallest first file.
const FIRST: &str = "[server:main]\nuse = fcgi\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_the_reader_panic(
        first in lines(&["[server:main]", "[DEFAULT]", "[app:main]", "[composite:main]",
            "[logger_root]", "use", "host", "port", "umask", "mode", "socket", "args", "level",
            "mount", "/a", "set x", "get x", "storage.sqluri", "keys", "[loggers]"]),
        second in lines(&["[storage]", "[auth]", "[global]", "[DEFAULT]", "[host:x]", "sqluri",
            "backend", "quota_size", "public_url", "max_body", "storage.sqluri", "retry_after",
            "shared_secret", "ldapuri", "fallback_node", "trusted_proxies"]),
    ) {
        let folder = Folder::new(&format!("{FIRST}{first}"), &format!("{SECOND}{second}"));
        match folder.load(&[]) {
            Ok(config) => prop_assert!(!config.describe().is_empty()),
            Err(problems) => prop_assert!(problems.errors().next().is_some()),
        }
    }
}

/// Lines that begin with one of the words.
fn lines(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop::sample::select(words);
    let value =
        "( ?= ?)?(egg:|http://|sqlite:///|file:)?([%()$'\"@:/é0-9a-z ,;-]|%\\(here\\)s){0,12}";
    prop::collection::vec((word, value), 0..12).prop_map(|lines| {
        let parts = lines
            .iter()
            .flat_map(|(word, value)| [word, &**value, "\n"]);
        parts.collect()
    })
}

#[test]
fn the_smallest_configuration_says_nothing() {
    let config = notes(FIRST, SECOND, &[]);
    assert_eq!(config.storage.sqluri, DatabaseUri::SqliteMemory);
    assert_eq!(config.server.address, Address::Inherited);
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    errors(
        "[server:main]\nuse = egg:Flup#ajp\nport = x\nssl_pem = a.pem\n",
        "[global]\nshared_secret = CHANGEME\nretry_after = never\n\
         [storage]\nuse_quota = perhaps\nquota_size = five\nsqluri = oracle://u:hunter2@h/d\n\
         shard = true\nshardsize = 10\nstandard_collections = 1\nfixed_collections = true\nwhat\n\
         [auth]\nbackend = dummy\nallow_new_users = some\nfallback_node = x y\nproxy = 1\n",
        &[
            "sync.conf:12: neither a [section], nor key = value, nor a # comment",
            "development.ini:2: [server:main] use: \"egg:Flup#ajp\" asks for AJP, which is not \
             spoken here: write egg:Flup#fcgi_thread and let the web server speak FastCGI",
            "development.ini:3: [server:main] port: \"x\" is not a whole number (a port), e.g. 5000",
            "development.ini:4: [server:main] ssl_pem: TLS belongs to the web server in front: \
             remove this and let it do HTTPS",
            "sync.conf:3: [global] retry_after: \"never\" is not a whole number (seconds), e.g. 300",
            "sync.conf:2: [global] shared_secret: is the value of the old sample, known to \
             everybody: write another of at least 16 characters",
            "sync.conf:7: [storage] sqluri: the URI names a database of the kind oracle, which \
             is not supported: use sqlite, mysql or postgresql",
            "sync.conf:9: [storage] shardsize: \"10\" cannot be served: the old server made that \
             many tables, and then wrote into 100 whatever was said here. Write 100; records that \
             are in wbo100 and above would not be found",
            "sync.conf:11: [storage] fixed_collections: \"true\" and standard_collections cannot \
             both be true: keep the one that was true when the database was made",
            "sync.conf:5: [storage] use_quota: \"perhaps\" is neither true nor false",
            "sync.conf:6: [storage] quota_size: \"five\" is not a whole number (KB), e.g. 5120",
            "sync.conf:14: [auth] backend: \"dummy\" lets anybody in with any password, so it is \
             refused: write sql",
            "sync.conf:15: [auth] allow_new_users: \"some\" is none of true, first, false, invite, secret",
            "sync.conf:16: [auth] fallback_node: \"x y\" is no URL, e.g. \
             https://www.yourserver.net/yourpath/",
            "sync.conf:17: [auth] proxy: belongs to a remote back end of Mozilla's, which is not \
             supported: remove it",
        ],
    );
}

#[test]
fn unknown_keys_and_sections_name_their_neighbours() {
    notes(
        "[server:main]\nuse = fcgi\nprot = 5000\n[logers]\nkeys = root\n",
        "[storage]\nsqluri = sqlite://\nquotasize = 1\nelephant = 2\npool_max_overflow = 3\n\
         [storge]\nx = 1\n[who]\nplugin = x\n",
        &[
            "warning: development.ini:3: [server:main] prot: unknown key; did you mean port?",
            "warning: sync.conf:4: [storage] elephant: unknown key, ignored",
            "warning: sync.conf:3: [storage] quotasize: unknown key; did you mean quota_size?",
            "warning: development.ini:4: [logers] unknown section; did you mean [loggers]?",
            "warning: sync.conf:7: [storge] unknown section; did you mean [storage]?",
            "notice: sync.conf:5: [storage] pool_max_overflow: not needed: the pool has pool_size \
             and pool_timeout only",
            "notice: sync.conf:9: [who] not needed: nothing of it is read here",
        ],
    );
}

#[test]
fn a_key_that_is_set_again_is_told() {
    let config = notes(
        FIRST,
        "[storage]\nsqluri = sqlite:////nowhere/x\n[smtp]\nport = 1\n[storage]\nsqluri = sqlite://\n",
        &["warning: sync.conf:2: [storage] sqluri: is set again in line 6, which counts"],
    );
    assert_eq!(config.storage.sqluri, DatabaseUri::SqliteMemory);
}

#[test]
fn missing_files_and_sections_are_one_line_each() {
    errors(
        "[server:main]\nuse = fcgi\n[app:main]\nuse = egg:SyncServer\nconfiguration = file:no.conf\n",
        "",
        &["no.conf: cannot be read: No such file or directory (os error 2)"],
    );
    errors(
        "[app:main]\nuse = egg:SyncServer\n",
        SECOND,
        &[
            "development.ini: has no [server:main] section: at least \"use = fcgi\" must stand there",
        ],
    );
    errors(
        FIRST,
        "[auth]\nbackend = sql\n",
        &[
            "sync.conf: [storage] sqluri: is missing: say where records shall live, e.g. \
           sqlite:////var/lib/weaved/weaved.db",
        ],
    );
    let folder = Folder::new(FIRST, SECOND);
    fs::remove_file(folder.path().join("sync.conf")).unwrap();
    let problems = folder.load(&[]).unwrap_err().to_string();
    assert!(problems.contains("names no second file"), "{problems}");
    fs::remove_file(folder.path().join("development.ini")).unwrap();
    let problems = folder.load(&[]).unwrap_err().to_string();
    assert!(
        problems.contains("development.ini: cannot be read"),
        "{problems}"
    );
}

#[test]
fn variables_fill_references_and_hide_nothing() {
    let folder = Folder::new(
        "[DEFAULT]\nname = sync\n[server:main]\nhost = 127.0.0.1\nport = %(port_number)s\n\
         [app:main]\nconfiguration = file:%(here)s/%(name)s.conf\n",
        SECOND,
    );
    let config = folder
        .load(&[("port_number", "5933"), ("host", "x")])
        .unwrap();
    let host = "127.0.0.1".to_owned();
    assert_eq!(config.server.address, Address::Tcp { host, port: 5933 });
    assert!(config.describe().contains("# command line, port_number"));
    let problems = folder.load(&[]).unwrap_err().to_string();
    assert!(
        problems.contains("%(port_number)s is not set"),
        "{problems}"
    );
}

#[test]
fn another_file_can_hold_the_sections() {
    let folder = Folder::new(
        "[server:main]\nuse = config:base.ini#small\nport = 2\n[app:main]\nuse = config:base.ini\n",
        SECOND,
    );
    folder.write(
        "base.ini",
        "[server:small]\nuse = scgi\nhost = ::1\nport = 1\n\
         [app:main]\nuse = egg:SyncReg\nconfiguration = file:sync.conf\n",
    );
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.server.gateway, Gateway::Scgi);
    let host = "::1".to_owned();
    assert_eq!(config.server.address, Address::Tcp { host, port: 2 });
    assert_eq!(config.app.serves, Serves::User);
    let folder = Folder::new("[server:main]\nuse = config:development.ini\n", SECOND);
    assert!(
        folder
            .load(&[])
            .unwrap_err()
            .to_string()
            .contains("in a circle?")
    );
}

#[test]
fn settings_of_the_first_file_fill_what_the_second_one_leaves() {
    let config = notes(
        "[server:main]\nuse = fcgi\n[app:main]\nset storage.quota_size = 10\n\
         storage.use_quota = true\nstorage.sqluri = sqlite:////nowhere/x\nglobal.Retry_After = 7\n",
        SECOND,
        &[
            "warning: development.ini:6: [app:main] storage.sqluri: is not used: sync.conf:2 says \
           it too, and wins",
        ],
    );
    assert_eq!(config.storage.quota, Some(10));
    assert_eq!(config.global.retry_after, 7);
}

#[test]
fn a_second_file_extends_others() {
    let folder = Folder::new(
        FIRST,
        "[DEFAULT]\nextends = base.conf\nretry_after = 11\n[storage]\nsqluri = sqlite://\n[global]\n",
    );
    folder.write(
        "base.conf",
        "[global]\nretry_after = 5\nmax_body = 3M\n[storage]\nsqluri = sqlite:////x\n\
         [smtp]\nsender = \"a@b.c\"\n",
    );
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.storage.sqluri, DatabaseUri::SqliteMemory);
    assert_eq!(config.global.retry_after, 11);
    assert_eq!(config.global.max_body.0, 3 << 20);
    assert_eq!(config.smtp.sender.as_deref(), Some("a@b.c"));
    folder.write("base.conf", "[DEFAULT]\nextends = sync.conf\n");
    assert!(
        folder
            .load(&[])
            .unwrap_err()
            .to_string()
            .contains("in a circle?")
    );
}

#[test]
fn a_variable_of_the_environment_is_a_whole_value() {
    let second = "[storage]\nsqluri = sqlite://\n[smtp]\nhost = ${CARGO_PKG_NAME}\n";
    let config = notes(FIRST, second, &[]);
    assert_eq!(config.smtp.host, "weaved");
    assert!(config.describe().contains("# environment, CARGO_PKG_NAME"));
    errors(
        FIRST,
        "[storage]\nsqluri = sqlite://\n[smtp]\npassword = ${WEAVED_NO_SUCH}\n",
        &[
            "sync.conf:4: [smtp] password: the environment has no variable WEAVED_NO_SUCH (or it is \
           not UTF-8)",
        ],
    );
}

#[test]
fn a_variable_within_a_value_is_told() {
    for value in ["${DB_URI", "a$b", "a}"] {
        notes(
            FIRST,
            &format!("[storage]\nsqluri = sqlite://\n[smtp]\npassword = {value}\n"),
            &[],
        );
    }
    notes(
        FIRST,
        "[storage]\nsqluri = mysql://u:${SYNC_PASSWORD}@localhost/d\n",
        &[
            "warning: sync.conf:2: [storage] sqluri: has ${...} within it, which stays as it \
             is: a variable of the environment is a whole value",
        ],
    );
}

#[test]
fn odd_values_are_told() {
    notes(
        "[server:main]\nuse = egg:Flup#fcgi_fork\nhost = ::\nport = 1\nmultiplexed = true\n",
        "[global]\npublic_url = https://h:6000/\ndebug_page = __debug__\n\
         [storage]\nsqluri = sqlite://\ncreate_tables = no\n\
         [auth]\nfallback_node = https://a/\n[nodes]\nfallback_node = https://b/\n",
        &[
            "warning: development.ini:3: [server:main] host: \"::\" lets anyone who reaches this \
             port speak as the web server, for any user. Write 127.0.0.1, or use a socket, or set \
             allowedServers",
            "warning: sync.conf:2: [global] public_url: \"https://h:6000/\" has port 6000, which \
             browsers refuse to connect to (they will call the URL invalid)",
            "warning: sync.conf:3: [global] debug_page: showed environment and passwords to \
             anybody; there is no such page here",
            "warning: sync.conf:6: [storage] create_tables: \"no\" is read as false; the old server \
             took it as true. Write true or false",
            "warning: sync.conf:10: [nodes] fallback_node: \"https://b/\" is used; [auth] \
             fallback_node says something else: remove one of the two",
            "notice: development.ini:5: [server:main] multiplexed: has no effect: the requests of \
             a connection are answered one after another",
        ],
    );
}

#[test]
fn a_relative_database_is_told_where_it_is() {
    let folder = Folder::new(FIRST, "[storage]\nsqluri = sqlite:///data.db\n");
    let config = folder.load(&[]).unwrap();
    let expected = std::env::current_dir().unwrap().join("data.db");
    assert_eq!(
        config.storage.sqluri,
        DatabaseUri::SqliteFile(expected.clone())
    );
    let notes = config
        .notes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        notes.contains(&format!("it means {}", expected.display())),
        "{notes}"
    );
}

#[test]
fn remarks_on_a_uri_have_their_place() {
    let config = notes(
        FIRST,
        "[storage]\nsqluri = mysql://u:hunter2@db.example/d?ssl_ca=/nowhere/ca.pem&use_unicode=1\n\
         [auth]\nsqluri = postgresql://db.example/d?sslrootcert=system\n",
        &[
            "warning: sync.conf:2: [storage] sqluri: the file /nowhere/ca.pem does not exist (or \
             cannot be seen by this user)",
            "notice: sync.conf:2: [storage] sqluri: the URI's option use_unicode has no effect",
        ],
    );
    assert!(
        config
            .describe()
            .contains("sqluri = mysql://u:***@db.example/d?ssl=true&ssl_ca=/nowhere/ca.pem")
    );
    // Relative files are put below the current directory, as database files are.
    let folder = Folder::new(
        FIRST,
        "[storage]\nsqluri = postgresql:///d?sslrootcert=Cargo.toml\n",
    );
    let config = folder.load(&[]).unwrap();
    let DatabaseUri::PostgreSql(uri) = &config.storage.sqluri else {
        panic!("{}", config.storage.sqluri);
    };
    let Tls::On { ca: Some(ca), .. } = &uri.server.tls else {
        panic!("{}", config.storage.sqluri);
    };
    assert_eq!(*ca, std::env::current_dir().unwrap().join("Cargo.toml"));
    assert!(config.notes.is_empty(), "{:?}", config.notes);
}

#[test]
fn a_password_that_everybody_can_read_is_told_and_never_printed() {
    let second = "[global]\nshared_secret = hunter2hunter2hunter2\n[storage]\nsqluri = sqlite://\n";
    let folder = Folder::new(FIRST, second);
    let config = folder.load(&[]).unwrap();
    assert!(config.notes.is_empty());
    let path = folder.path().join("sync.conf");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.notes.len(), 1);
    assert!(config.notes[0].text.contains("chmod 0640"));
    for text in [format!("{config:?}"), config.describe()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(config.describe().contains("shared_secret = ***"));
}

#[test]
fn wrong_secrets_are_not_shown() {
    for line in [
        "[global]\nshared_secret = hunter2",
        "[storage]\nsqluri = oracle://u:hunter2@h/d",
        "[storage]\nsqluri = mysql://u:hunter2/x@h/d",
        "[storage]\nsqluri = postgres://u:hunter2@h/d?sslmode=prefer",
        "[storage]\nsqluri = postgres://u@h/d?passwrd=hunter2",
        "[smtp]\npasswrd = hunter2\n[global]\nretry_after = x",
        "[global]\npublic_url = https://u:hunter2@h/",
        "[smtp]\npassword = hunter2\n hunter2",
        "[auth]\nbackend = ldap\nusers_root = dc=x\nldapuri = ldap://cn:hunter2@h",
        "[auth]\nbackend = ldap\nusers_root = dc=x\nldapuri = ldapi://cn:hunter2@h",
        "[auth]\nbackend = ldap\nusers_root = dc=x\nldapuri = cn:hunter2@h",
    ] {
        let folder = Folder::new(FIRST, line);
        let problems = folder.load(&[]).unwrap_err();
        assert!(
            !format!("{problems} {problems:?}").contains("hunter2"),
            "{problems}"
        );
    }
}

#[test]
fn new_settings_are_read() {
    let folder = Folder::new(
        FIRST,
        "[global]\nshared_secret = 0123456789abcdef\nmax_body = 64M\nbody_memory = 1G\n\
         trusted_proxies = 127.0.0.1\npublic_url = https://h/p\n[storage]\nsqluri = sqlite://\n\
         [auth]\npassword_hash = SSCRYPT\nrehash = false\nallow_new_users = secret\n",
    );
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.auth.password_hash, PasswordHash::Sscrypt);
    assert!(!config.auth.rehash);
    assert_eq!(config.auth.allow_new_users, Registration::Secret);
    assert_eq!(config.global.max_body.0, 64 << 20);
    assert_eq!(config.global.body_memory.0, 1 << 30);
    assert_eq!(config.global.public_url.as_deref(), Some("https://h/p/"));
    assert_eq!(config.global.trusted_proxies.len(), 1);
}

#[test]
fn a_host_has_settings_of_its_own() {
    let second = "[storage]\nsqluri = sqlite://\nretry = 1\n\
                  [host:Other.example:8443]\nstorage.use_quota = true\nstorage.quota_size = 3\n\
                  auth.backend = sql\nsmtp.port = 26\n";
    let config = notes(
        FIRST,
        second,
        &[
            "warning: sync.conf:3: [storage] retry: unknown key, ignored",
            "warning: sync.conf:7: [host:Other.example:8443] auth.backend: cannot differ by host: \
             only storage.*, smtp.* and nodes.fallback_node can",
            "notice: sync.conf:8: [host:Other.example:8443] smtp.port: has no effect: this version \
             sends no mails",
        ],
    );
    let [host] = &*config.hosts else {
        panic!("{:?}", config.hosts);
    };
    assert_eq!(host.name, "other.example:8443");
    assert_eq!(host.storage.as_ref().unwrap().quota, Some(3));
    assert_eq!(host.smtp.as_ref().unwrap().port, 26);
    let plain: Vec<_> = config
        .hosts_with_storage()
        .map(|(host, _)| &*host.name)
        .collect();
    assert_eq!(plain, ["other.example:8443"]);
}

#[test]
fn mistakes_of_a_host_are_told_in_its_section() {
    errors(
        FIRST,
        "[storage]\nsqluri = sqlite://\nquota_sise = 3\n\
         [host:a]\nstorage.quota_size = many\n\
         [host:b]\nstorage.use_quota = true\n\
         [host:https://c/]\nstorage.quota_size = 1\n\
         [host:A]\nstorage.quota_size = 1\n\
         [host:d]\nstorage.fixed_collections = true\n\
         [host:e]\nstorage.sqluri = mysql://u:hunter2@h:x/d\n",
        &[
            "sync.conf:5: [host:a] storage.quota_size: \"many\" is not a whole number (KB), e.g. 5120",
            "sync.conf:5: [host:a] is the host of [host:A]: put both into one section",
            "sync.conf: [host:b] storage.quota_size: must be set when use_quota is true, in KB, \
             e.g. quota_size = 25600: with 0 nothing could be written",
            "sync.conf:13: [host:d] storage.fixed_collections: is not what [storage] says, and the \
             database is the same: its records would not be found. Remove this, or give the host a \
             storage.sqluri of its own",
            "sync.conf:15: [host:e] storage.sqluri: the URI has a port that is no number from 1 to \
             65535",
            "sync.conf:9: [host:https://c/] names no host, e.g. [host:sync.example.org] or \
             [host:example.org:8443]",
        ],
    );
    notes(
        FIRST,
        "[storage]\nsqluri = sqlite://\n\
         [host:a]\nstorage.pool_size = 3\nstorage.quotasize = 1\n\
         [host:b]\nstorage.sqluri = sqlite:////nowhere/b\nstorage.pool_size = 3\n\
         storage.fixed_collections = true\n\
         [host:c]\nstorage.sqluri = sqlite:////nowhere/b\nstorage.pool_size = 3\n\
         storage.fixed_collections = true\nstorage.quota_size = 1\n",
        &[
            "warning: sync.conf:5: [host:a] storage.quotasize: unknown key; did you mean \
             quota_size?",
            "warning: sync.conf:4: [host:a] storage.pool_size: has no effect: the database is \
             opened as [storage] says",
        ],
    );
}

#[test]
fn a_host_with_a_storage_needs_a_node_where_one_is_set() {
    let config = notes(
        FIRST,
        "[storage]\nsqluri = sqlite://\n[nodes]\nfallback_node = https://a/\n\
         [host:a]\nstorage.quota_size = 1\nnodes.fallback_nod = x\n\
         [host:b]\nstorage.quota_size = 1\nnodes.fallback_node = b/y\n\
         [host:c]\nnodes.fallback_node = null\n",
        &[
            "warning: sync.conf:7: [host:a] nodes.fallback_nod: unknown key; did you mean \
             fallback_node?",
            "warning: sync.conf:6: [host:a] browsers are sent from this host to https://a/ \
             (public_url, or fallback_node), where other settings may count: write \
             nodes.fallback_node here too",
        ],
    );
    let nodes: Vec<_> = config
        .hosts
        .iter()
        .map(|host| host.node.as_deref())
        .collect();
    assert_eq!(nodes, [None, Some("https://b/y/"), Some("null")]);
}

#[test]
fn a_value_of_several_lines_stays_on_one() {
    errors(
        FIRST,
        "[storage]\nsqluri = sqlite://\n[smtp]\nport = 2\n 5\n",
        &["sync.conf:4: [smtp] port: \"2\\n5\" is not a whole number (a port), e.g. 25"],
    );
}

#[test]
fn a_description_names_the_place_of_every_value() {
    let folder = Folder::new(FIRST, SECOND);
    let described = folder.load(&[]).unwrap().describe();
    let lines = folder.lines(&described);
    let line = |text: &str, origin: &str| format!("{text:<50} # {origin}");
    assert_eq!(lines[0], "[server:main]");
    assert_eq!(
        lines[1],
        line("use = egg:Flup#fcgi_thread", "development.ini:2")
    );
    assert_eq!(lines[2], line("host =", "default"));
    assert!(lines.contains(&line("sqluri = sqlite://", "sync.conf:2")));
    assert!(lines.contains(&line("max_body = 32M", "default")));
}

#[test]
fn what_has_no_effect_yet_is_told() {
    notes(
        "[server:main]\nuse = fcgi\nsocket = /run/s\ngroup = www-data\n[app:main]\nconfiguration = file:sync.conf\n",
        "[storage]\nsqluri = sqlite://\n[cors]\norigins = https://a.b\n",
        &[
            "notice: sync.conf:4: [cors] origins: has no effect: this version answers no web pages of other origins",
        ],
    );
}
