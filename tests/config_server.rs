//! `[server:main]` in all its spellings (spec/config.md, 2.1 and 2.3).

// So that the lints take the helpers, too, for test code.
#![cfg(test)]

mod config_folder;

use config_folder::Folder;
use config_folder::SECOND;
use config_folder::errors;
use config_folder::notes;
use weaved::config;
use weaved::config::Address;
use weaved::config::Gateway;
use weaved::config::Model;
use weaved::config::Serves;

#[track_caller]
fn server(text: &str) -> config::Server {
    let first = format!("[server:main]\n{text}");
    let folder = Folder::new(&first, SECOND);
    folder
        .load(&[])
        .unwrap_or_else(|problems| panic!("{problems}"))
        .server
}

#[test]
fn the_server_is_known_by_all_its_names() {
    for (name, gateway, model) in [
        ("egg:Flup#fcgi_thread", Gateway::Fcgi, Model::Threads),
        ("egg:flup#FCGI", Gateway::Fcgi, Model::Threads),
        ("egg:Flup#fcgi_fork", Gateway::Fcgi, Model::Processes),
        ("egg:Flup#scgi_thread", Gateway::Scgi, Model::Threads),
        (
            "egg:PasteScript#flup_scgi_fork",
            Gateway::Scgi,
            Model::Processes,
        ),
        ("egg:Paste#http", Gateway::Http, Model::Threads),
        ("egg:gunicorn", Gateway::Http, Model::Threads),
        ("egg:gunicorn#main", Gateway::Http, Model::Threads),
        ("fcgi", Gateway::Fcgi, Model::Threads),
        ("SCGI", Gateway::Scgi, Model::Threads),
        ("http", Gateway::Http, Model::Threads),
    ] {
        let server = server(&format!("use = {name}\n"));
        assert_eq!((server.gateway, server.model), (gateway, model), "{name}");
    }
    for name in [
        "egg:Flup#nothing",
        "egg:PasteScript#cherrypy",
        "call:x:y",
        "other",
    ] {
        let folder = Folder::new(&format!("[server:main]\nuse = {name}\n"), SECOND);
        assert!(folder.load(&[]).is_err(), "{name}");
    }
}

#[test]
fn addresses_are_taken_from_host_port_and_socket() {
    let tcp = |host: &str, port| {
        let host = host.to_owned();
        Address::Tcp { host, port }
    };
    assert_eq!(server("use = fcgi\n").address, Address::Inherited);
    assert_eq!(server("use = scgi\n").address, Address::Inherited);
    assert_eq!(server("use = http\n").address, tcp("127.0.0.1", 8080));
    assert_eq!(server("use = scgi\nhost = ::1\n").address, tcp("::1", 4000));
    assert_eq!(server("host = [::1]\nport = 5\n").address, tcp("::1", 5));
    assert_eq!(server("port = 5000\n").address, tcp("127.0.0.1", 5000));
    let unix = Address::Unix {
        path: "/run/weaved/sock".into(),
        mode: Some(0o660),
        umask: None,
        owner: None,
        group: Some("www-data".to_owned()),
    };
    let text = "use = scgi\nsocket = /run/weaved/sock\nmode = 660\ngroup = www-data\n";
    assert_eq!(server(text).address, unix);
    errors(
        "[server:main]\nsocket = /s\nhost = h\nport = 1\n",
        SECOND,
        &[
            "development.ini:2: [server:main] socket: \"/s\" cannot be combined with host and port: \
           keep one of the two",
        ],
    );
    errors(
        "[server:main]\nhost = h\n",
        SECOND,
        &["development.ini:2: [server:main] host: \"h\" needs a port beside it, e.g. port = 5000"],
    );
}

#[test]
fn a_umask_is_octal_where_it_looks_octal() {
    #[track_caller]
    fn check(text: &str, expected: u32, warns: bool) {
        let first = format!("[server:main]\nsocket = /s\numask = {text}\n");
        let config = Folder::new(&first, SECOND).load(&[]).unwrap();
        let Address::Unix { umask, .. } = config.server.address else {
            panic!("no socket");
        };
        assert_eq!(
            (umask, !config.notes.is_empty()),
            (Some(expected), warns),
            "{text}"
        );
    }
    check("0o077", 0o077, false);
    check("077", 0o077, true);
    check("117", 0o117, true);
    check("77", 77, true);
    check("7", 7, false);
    check("000", 0, false);
}

#[test]
fn threads_and_mount_have_several_names() {
    assert_eq!(server("threadpool_workers = 60\n").threads, 60);
    assert_eq!(
        server("maxthreads = 9\nthreadpool_workers = 60\n").threads,
        9
    );
    assert_eq!(server("threads = 4\nmaxThreads = 9\n").threads, 4);
    let mount = |text: &str| server(text).mount;
    assert_eq!(mount("use = scgi\nscriptName =\n"), None);
    assert_eq!(
        mount("scriptName = /yourpath/\n").as_deref(),
        Some("/yourpath")
    );
    assert_eq!(
        mount("mount = yourpath\nforce_script_name = /yourpath\n").as_deref(),
        Some("/yourpath")
    );
    assert_eq!(mount("mount = /\n").as_deref(), Some("/"));
    errors(
        "[server:main]\nmount = /a\nscriptName = /b\n",
        SECOND,
        &[
            "development.ini:3: [server:main] scriptName: \"/b\" differs from the mount /a that is \
           set elsewhere: keep one",
        ],
    );
}

#[test]
fn a_mount_is_a_path() {
    errors(
        "[server:main]\nmount = https://h/p?x\n",
        SECOND,
        &[
            "development.ini:2: [server:main] mount: \"https://h/p?x\" is no path like /yourpath, \
           without ?, #, . and .. in it",
        ],
    );
}

#[test]
fn scgi_lets_this_machine_in_and_fcgi_everybody() {
    assert!(server("use = fcgi\n").allowed_peers.is_empty());
    assert_eq!(server("use = scgi\n").allowed_peers.len(), 2);
    let peers = server("use = fcgi\nallowedServers = 10.0.0.1 10.0.0.2\n").allowed_peers;
    assert_eq!(peers.len(), 2);
}

#[test]
fn a_composite_gives_the_mount() {
    let folder = Folder::new(
        "[server:main]\nuse = fcgi\n[composite:main]\nuse = egg:Paste#urlmap\n/yourpath = sync\n\
         [app:sync]\nuse = egg:SyncStorage\nconfiguration = file:%(here)s/sync.conf\n",
        SECOND,
    );
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.server.mount.as_deref(), Some("/yourpath"));
    assert_eq!(config.app.serves, Serves::Storage);
    errors(
        "[server:main]\nuse = fcgi\n[composite:main]\n/a = sync\n",
        SECOND,
        &["development.ini: has no section [app:sync], which [composite:main] names"],
    );
}

#[test]
fn doors_that_stand_open_are_told() {
    notes(
        "[server:main]\nuse = http\nhost = 0.0.0.0\nprocesses = 4\n",
        SECOND,
        &[
            "warning: development.ini:3: [server:main] host: \"0.0.0.0\" offers plain HTTP to the \
             network, so that passwords travel in clear. Write 127.0.0.1, and let a web server \
             with TLS speak to it",
        ],
    );
    notes(
        "[server:main]\nuse = scgi\nsocket = /s\nmode = 0666\n",
        SECOND,
        &[
            "warning: development.ini:4: [server:main] mode: \"0666\" lets every user of this \
           machine speak as the web server; write 0660, and the web server's group",
        ],
    );
}

#[test]
fn a_node_without_the_path_of_the_mount_is_told() {
    let first = "[server:main]\nport = 5000\nmount = /yourpath\n";
    let with = |text: &str| format!("{SECOND}{text}");
    notes(
        first,
        &with("[global]\npublic_url = https://h/\n"),
        &[
            "warning: sync.conf:4: [global] public_url: \"https://h/\" sends browsers to the path \
             /, but mount in [server:main] is /yourpath: right only if something before weaved \
             changes the path",
        ],
    );
    let old = with("[auth]\nfallback_node = https://h/other/\n");
    notes(
        first,
        &old,
        &[
            "warning: sync.conf:4: [auth] fallback_node: \"https://h/other/\" sends browsers to \
             the path /other/, but mount in [server:main] is /yourpath: right only if something \
             before weaved changes the path",
        ],
    );
    for fine in ["h/yourpath", "https://h:8443/yourpath/", "null"] {
        notes(
            first,
            &with(&format!("[nodes]\nfallback_node = {fine}\n")),
            &[],
        );
    }
    let automatic = "[server:main]\nport = 5000\n";
    notes(
        automatic,
        &with("[nodes]\nfallback_node = https://h/\n"),
        &[],
    );
}
