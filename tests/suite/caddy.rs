//! Caddy, started from the files that are shipped in `caddy/`.

use std::fs;

use super::endpoint::Endpoint;
use super::front::Behind;
use super::front::Front;
use super::front::Program;
use super::front::adapted;
use super::tls::Certificate;
use super::way::PREFIX;
use super::way::Way;

const CADDY: Program = Program {
    places: &["caddy", "/usr/bin/caddy", "/usr/local/bin/caddy"],
    version: "version",
    package: "caddy",
    ready: "serving initial configuration",
};

/// Starts a Caddy with the file of this way.
pub(crate) fn before(way: Way, behind: &Behind<'_>) -> Front {
    let facts = way.facts();
    with_file(facts.file, behind.endpoint(), facts.mount, |port| {
        let address = format!("http://:{port} {{");
        adapted("caddy/Caddyfile", &[("http://:8080 {", &address)])
    })
}

/// The site with a certificate of one's own.
#[track_caller]
pub(crate) fn with_tls(weaved: &Endpoint, certificate: &Certificate) -> Front {
    let (certificate, key) = (certificate.path(), certificate.key());
    with_file("caddy/weaved.caddy", weaved, PREFIX, |port| {
        let address = format!("https://127.0.0.1:{port} {{\n\ttls {certificate} {key}");
        adapted("caddy/Caddyfile", &[("http://:8080 {", &address)])
    })
}

fn with_file(
    name: &str,
    weaved: &Endpoint,
    mount: &'static str,
    caddyfile: impl Fn(u16) -> String,
) -> Front {
    let address = match weaved {
        Endpoint::Tcp(address) => address.to_string(),
        Endpoint::Unix(path) => format!("unix/{}", path.display()),
    };
    let site = adapted(name, &[("127.0.0.1:5000", &address)]);
    Front::start(&CADDY, mount, |command, folder, port| {
        fs::write(folder.join("site.caddy"), &site).unwrap();
        let main = caddyfile(port).replace("import weaved.caddy", "import site.caddy");
        fs::write(folder.join("Caddyfile"), main).unwrap();
        command
            .args(["run", "--config"])
            .arg(folder.join("Caddyfile"))
            // Where it keeps its own files.
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .env("GOMAXPROCS", "1");
    })
}
