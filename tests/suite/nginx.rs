//! nginx, started from the files that are shipped in `nginx/`.

use std::fs;

use super::endpoint::Endpoint;
use super::front::Behind;
use super::front::Front;
use super::front::Program;
use super::front::adapted;
use super::tls::Certificate;
use super::way::PREFIX;
use super::way::Way;

const NGINX: Program = Program {
    places: &["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"],
    version: "-v",
    package: "nginx",
    ready: "start worker process ",
};

/// Keeps connections; the other snippets name the address themselves.
const KEEPALIVE: &str = "nginx/snippets/weaved-fastcgi-keepalive.conf";

const UPSTREAM: &str = "nginx/conf.d/weaved-upstream.conf";

/// Starts an nginx with the snippet of this way.
pub(crate) fn before(way: Way, behind: &Behind<'_>) -> Front {
    let facts = way.facts();
    with_snippet(facts.file, behind.endpoint(), facts.mount)
}

/// `nginx/weaved.conf` with one of the snippets, in which nothing but the address and the mount
/// was changed.
#[track_caller]
fn with_snippet(name: &str, weaved: &Endpoint, mount: &'static str) -> Front {
    let address = match weaved {
        Endpoint::Tcp(address) => address.to_string(),
        Endpoint::Unix(path) => format!("unix:{}", path.display()),
    };
    let pass = ("127.0.0.1:5000;", &*format!("{address};"));
    let location = ("location /yourpath/ {", &*format!("location {mount}/ {{"));
    let (snippet, upstream) = if name == KEEPALIVE {
        (adapted(name, &[location]), Some(adapted(UPSTREAM, &[pass])))
    } else {
        (adapted(name, &[location, pass]), None)
    };
    start(mount, |port| {
        let listen = format!("listen 127.0.0.1:{port};");
        let main = adapted(
            "nginx/weaved.conf",
            &[
                ("listen 127.0.0.1:8080;", &listen),
                ("snippets/weaved-fastcgi.conf", "snippet.conf"),
            ],
        );
        let upstream = upstream.clone().unwrap_or_default();
        [
            ("weaved.conf", main),
            ("snippet.conf", snippet.clone()),
            ("conf.d/upstream.conf", upstream),
        ]
    })
}

/// The site of `nginx/sites-available/weaved`, with TLS.
#[track_caller]
pub(crate) fn with_tls(name: &str, weaved: &Endpoint, certificate: &Certificate) -> Front {
    let pass = format!("127.0.0.1:{};", weaved.port());
    let snippet = adapted(name, &[("127.0.0.1:5000;", &pass)]);
    let (certificate, key) = (certificate.path(), certificate.key());
    start(PREFIX, |port| {
        let listen = format!("listen 127.0.0.1:{port} ssl;");
        let site = adapted(
            "nginx/sites-available/weaved",
            &[
                ("listen 443 ssl;", &listen),
                ("    listen [::]:443 ssl;\n", ""),
                (
                    "/etc/letsencrypt/live/www.yourserver.net/fullchain.pem",
                    &certificate,
                ),
                ("/etc/letsencrypt/live/www.yourserver.net/privkey.pem", &key),
                ("snippets/weaved-fastcgi.conf", "snippet.conf"),
            ],
        );
        // The site in place of the server block that weaved.conf has.
        let main = adapted("nginx/weaved.conf", &[]);
        let (main, _) = main.split_once("    server {").unwrap();
        [
            ("weaved.conf", format!("{main}}}\n")),
            ("snippet.conf", snippet.clone()),
            ("conf.d/site.conf", site),
        ]
    })
}

fn start<const N: usize>(
    mount: &'static str,
    files: impl Fn(u16) -> [(&'static str, String); N],
) -> Front {
    Front::start(&NGINX, mount, |command, folder, port| {
        fs::create_dir(folder.join("conf.d")).unwrap();
        for (name, text) in files(port) {
            fs::write(folder.join(name), text).unwrap();
        }
        command
            .arg("-p")
            .arg(folder)
            .args(["-e", "stderr", "-c"])
            .arg(folder.join("weaved.conf"));
        // Started by root its workers would become somebody who may not enter our folders;
        // started by anybody else it says that the line has no effect.
        command.args(["-g", "user root;"]);
    })
}
