//! `examples/ldap`, in which nothing but names and places of this machine was changed.

use std::fs;
use std::process::Command;
use std::process::Stdio;

use crate::slapd::Slapd;
use crate::slapd::Tree;
use crate::suite::FastCgi;
use crate::suite::Home;
use crate::suite::HttpRequest;
use crate::suite::Options;
use crate::suite::PREFIX;
use crate::suite::Transport;
use crate::suite::Weaved;
use crate::suite::adapted;
use crate::suite::basic;
use crate::suite::shipped;
use crate::tls::Authority;

/// What an organisation has, with the rules that Debian installs.
const ORGANISATION: Tree = Tree {
    suffix: "dc=example,dc=org",
    ldif: "tests/fixtures/ldap/organisation.ldif",
    schema: None,
    rules: "access to attrs=userPassword by self write by anonymous auth by * none\n\
            access to attrs=shadowLastChange by self write by * read\n\
            access to * by * read\n",
};

#[test]
fn the_example_serves_the_people_of_an_organisation() {
    let authority = Authority::new();
    let slapd = Slapd::start_with(ORGANISATION, Some(&authority));
    slapd.modify(&fs::read_to_string(shipped("examples/ldap/weaved.ldif")).unwrap());
    let home = Home::new();
    let here = home.path().display().to_string();
    let ca = authority.file().display().to_string();
    let write = |name: &str, changes: &[(&str, &str)]| {
        let text = adapted(&format!("examples/ldap/{name}"), changes);
        fs::write(home.path().join(name), text).unwrap();
    };
    write("development.ini", &[("/run/weaved", &here)]);
    write(
        "sync.conf",
        &[
            ("/var/lib/weaved", &here),
            ("ldap://ldap.example.org", &slapd.url()),
            ("/etc/ssl/certs/ca-certificates.crt", &ca),
        ],
    );
    let mut command = Command::new(crate::suite::WEAVED);
    let ini = home.path().join("development.ini");
    let check = crate::suite::run(&["check", &ini.display().to_string()], "", home.path());
    assert!(check.status.success(), "{check:?}");
    command.arg("serve").arg(ini).stdin(Stdio::null());
    let options = Options::new(crate::suite::Gateway::Fcgi, PREFIX);
    let weaved = Weaved::run(home, options, &mut command);
    let client = FastCgi {
        endpoint: weaved.endpoint().clone(),
        mount: PREFIX,
    };
    let put = |name: &str, password: &str| {
        let request = HttpRequest::new("PUT", &format!("/1.1/{name}/storage/bookmarks/a"));
        let request = request.header("Authorization", &basic(name, password.as_bytes()));
        client.send(&request.body(r#"{"payload":"x"}"#)).status
    };
    assert_eq!(put("jane", "jane-secret"), 200);
    assert_eq!(put("jane", "john-secret"), 401);
    assert_eq!(put("john", "john-secret"), 200);
    // Everything was said over TLS.
    assert!(slapd.count("TLS established") >= 2);
    assert_eq!(slapd.connections(), slapd.count("TLS established") + 1);
}
