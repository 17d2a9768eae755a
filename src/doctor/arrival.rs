//! Whether a client arrives: name, connection, TLS, and that it is weaved that answers.
//!
//! Out: what the page `misc/1.0/echo` says of a plain request. Where that page is not found, what
//! is there instead, and under which other path weaved would have answered.

use std::io;

use serde::Deserialize;

use super::Url;
use super::Walk;
use super::client;
use super::client::BadCertificate;
use super::client::Client;
use super::client::Reply;
use super::client::Trouble;
use super::client::Trust;
use super::shown;
use crate::config;
use crate::remedies;

/// The page that tells what arrived of a request.
pub(super) const ECHO: &str = "misc/1.0/echo";

/// Prefixes that manuals use, to be looked at when the given one leads nowhere.
const USUAL: [&str; 5] = ["/", "/yourpath/", "/sync/", "/weave/", "/weaved/"];

/// What arrived of a request, as weaved tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Echo {
    weaved: String,
    pub(super) method: String,
    pub(super) scheme: String,
    pub(super) host: Option<String>,
    pub(super) prefix: String,
    pub(super) segments: Vec<String>,
    pub(super) query: String,
    pub(super) body: u64,
    pub(super) fields: Vec<String>,
    pub(super) node: Option<String>,
    pub(super) is_configured: bool,
}

impl Echo {
    /// Reads an answer, if it is weaved's.
    pub(super) fn read(reply: &Reply) -> Option<Self> {
        if reply.status != 200 {
            return None;
        }
        let echo: Self = serde_json::from_slice(&reply.body).ok()?;
        (echo.weaved == "echo").then_some(echo)
    }
}

/// Arrives at weaved, or tells why not.
pub(super) fn arrive(walk: &mut Walk<'_>) -> Option<(Reply, Echo)> {
    port(walk);
    connect(walk)?;
    let reply = greet(walk)?;
    walk.server = reply.web_server();
    match Echo::read(&reply) {
        Some(echo) => {
            walk.ok("weaved", format!("weaved answers{}", by(&reply)));
            Some((reply, echo))
        }
        None => {
            tell_who(walk, &reply);
            None
        }
    }
}

fn by(reply: &Reply) -> String {
    match reply.field("server") {
        Some(server) => format!(" through {}", shown(server)),
        None => String::new(),
    }
}

fn port(walk: &mut Walk<'_>) {
    let port = walk.url.port;
    if config::is_blocked_port(port) {
        walk.fail(
            "port",
            format!("browsers refuse to connect to port {port}, and call the URL invalid"),
            "let the web server listen on another port, e.g. 8443",
        );
    }
}

/// Name and connection.
fn connect(walk: &mut Walk<'_>) -> Option<()> {
    let (host, port) = (walk.url.host.clone(), walk.url.port);
    let reach = match client::reach(walk.url) {
        Ok(reach) if reach.open.is_empty() && reach.closed.is_empty() => {
            walk.fail("name", format!("{host} has no address"), name_remedy(&host));
            return None;
        }
        Ok(reach) => reach,
        Err(error) => {
            let seen = format!("the name {host} is not found ({error})");
            walk.fail("name", seen, name_remedy(&host));
            return None;
        }
    };
    let first = reach.closed.first();
    if let (Some((address, kind, error)), true) = (first, reach.open.is_empty()) {
        let (seen, remedy) = match kind {
            io::ErrorKind::ConnectionRefused => (
                format!("{address} refuses the connection: nothing listens there"),
                format!("start the web server, and let it listen on port {port}"),
            ),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (
                format!("{address} does not answer"),
                format!("open port {port} in the firewall, and forward it in the router"),
            ),
            _ => (
                format!("{address} cannot be reached: {error}"),
                "look at the network: address, router, firewall".to_owned(),
            ),
        };
        walk.fail("reach", seen, remedy);
        return None;
    }
    match first {
        Some((address, _, error)) => walk.warn(
            "reach",
            format!("{host} has several addresses, and {address} does not answer: {error}"),
            "let the web server listen on that address too, or take it out of the DNS",
        ),
        None => walk.ok("reach", format!("{} answers", reach.open.join(" and "))),
    }
    Some(())
}

fn name_remedy(host: &str) -> String {
    format!("correct the URL, or enter {host} in the DNS (or in the hosts file of every device)")
}

/// The first request: whether TLS holds, and whether HTTP is spoken.
fn greet(walk: &mut Walk<'_>) -> Option<Reply> {
    let page = walk.url.join(ECHO);
    let mut answer = walk.client.get(&page);
    if let Err(Trouble::Certificate(bad)) = &answer {
        let remedy = if walk.client.knows_nobody {
            "this machine knows no authorities at all: install its package ca-certificates, or \
             name a file of certificates with --ca FILE"
                .to_owned()
        } else {
            certificate_remedy(bad, walk.url)
        };
        walk.fail("tls", bad.to_string(), remedy);
        walk.is_trusted = false;
        // What else there is to say is worth a look, without any password.
        walk.client = Client::new(Trust::Everybody, walk.options.timeout).ok()?;
        answer = walk.client.get(&page);
    } else if walk.url.is_https && answer.is_ok() {
        walk.ok("tls", "the certificate is valid and trusted");
    }
    match answer {
        Ok(reply) if speaks_tls(&reply) => {
            plain_to_tls(walk);
            None
        }
        Ok(reply) => {
            if !walk.url.is_https && !is_local(&walk.url.host) {
                walk.warn(
                    "tls",
                    "passwords travel in clear: the URL begins with http",
                    "let the web server do HTTPS, and give browsers the https URL",
                );
            }
            Some(reply)
        }
        Err(Trouble::NotTls | Trouble::Broken(_)) if walk.url.is_https && tries_plain(walk) => {
            let url = walk.url.as_str().replacen("https:", "http:", 1);
            walk.fail(
                "tls",
                "this port does not speak TLS, and the URL says https",
                format!("let the web server do HTTPS on this port, or give browsers {url}"),
            );
            None
        }
        Err(Trouble::NotHttp | Trouble::Broken(_)) if !walk.url.is_https && tries_tls(walk) => {
            plain_to_tls(walk);
            None
        }
        Err(trouble) => {
            let remedy = match trouble {
                Trouble::NotHttp => "let this port be the web server's, which speaks HTTP",
                Trouble::TimedOut => "look whether the web server and weaved are alive",
                Trouble::Tls(_) => {
                    "let the web server speak TLS 1.2 or 1.3 with the usual ciphers, and look \
                     into its error log"
                }
                _ => "look into the web server's error log",
            };
            walk.fail("http", trouble.to_string(), remedy);
            None
        }
    }
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

fn plain_to_tls(walk: &mut Walk<'_>) {
    let url = walk.url.as_str().replacen("http:", "https:", 1);
    let seen = "this port speaks TLS, and the URL says http";
    walk.fail("tls", seen, format!("give browsers {url}"));
}

/// What nginx and Apache say to somebody who speaks plainly to a TLS port.
fn speaks_tls(reply: &Reply) -> bool {
    let text = reply.text();
    let said = [
        "plain HTTP request was sent to HTTPS port",
        "speaking plain HTTP to an SSL",
    ];
    reply.status == 400 && said.iter().any(|said| text.contains(said))
}

fn tries_plain(walk: &Walk<'_>) -> bool {
    let url = walk.url.join(ECHO).replacen("https:", "http:", 1);
    walk.client.get(&url).is_ok()
}

fn tries_tls(walk: &Walk<'_>) -> bool {
    let url = walk.url.join(ECHO).replacen("http:", "https:", 1);
    let answer = walk.client.get(&url);
    matches!(answer, Ok(_) | Err(Trouble::Certificate(_)))
}

fn certificate_remedy(bad: &BadCertificate, url: &Url) -> String {
    match bad {
        BadCertificate::Expired => "renew the certificate, and reload the web server".to_owned(),
        BadCertificate::NotYet => "look at the clocks of this machine and of the server".to_owned(),
        BadCertificate::WrongName => format!(
            "get a certificate for {}, or give browsers the name that is in it",
            url.host
        ),
        BadCertificate::Other(_) | BadCertificate::Untrusted => format!(
            "let the web server send the whole chain of a certificate that browsers trust; with \
             one of your own open {url} in each browser and add an exception there (Sync itself \
             never asks), and give this command --ca FILE"
        ),
    }
}

/// What answers in the place of weaved.
fn tell_who(walk: &mut Walk<'_>, reply: &Reply) {
    let (status, server) = (reply.status, by(reply));
    match status {
        300..=399 => {
            let target = shown(reply.field("location").unwrap_or("another place"));
            let base = target.strip_suffix(ECHO).map(str::to_owned);
            let remedy = match base {
                Some(base) if base.starts_with("http") => format!(
                    "give browsers {base}, or {}",
                    walk.remedy(remedies::Trouble::Redirect)
                ),
                _ => walk.remedy(remedies::Trouble::Redirect).to_owned(),
            };
            let seen = format!(
                "a redirect ({status}) to {target}: clients lose their credentials on the way"
            );
            walk.fail("redirect", seen, remedy);
        }
        401 | 407 if !reply.is_ours() => {
            let seen = format!(
                "something before weaved asks for a password of its own ({status}{server})"
            );
            let remedy = walk.remedy(remedies::Trouble::OwnLogin);
            walk.fail("weaved", seen, remedy);
        }
        500 | 502..=504 if !reply.is_ours() => {
            let seen = format!("the web server does not reach weaved ({status}{server})");
            let remedy = walk.remedy(remedies::Trouble::Unreachable);
            walk.fail("weaved", seen, remedy);
        }
        _ => tell_where(walk, reply),
    }
}

/// Another Sync server, or weaved under another path, or nothing.
fn tell_where(walk: &mut Walk<'_>, reply: &Reply) {
    if let Some(found) = elsewhere(walk) {
        let seen = format!("weaved is not at {}, but at {found}", walk.url);
        let remedy = if reply.is_ours() {
            format!(
                "give browsers {found}, or set mount = {} in [server:main]",
                mount_of(walk.url)
            )
        } else {
            let remedy = walk.remedy(remedies::Trouble::Prefix);
            format!("give browsers {found}, or {remedy}")
        };
        return walk.fail("prefix", seen, remedy);
    }
    let probe = walk.client.get(&walk.url.join("user/1.0/a"));
    let is_sync = probe.is_ok_and(|reply| matches!(reply.body.as_slice(), b"0" | b"1"));
    if is_sync {
        let seen = format!(
            "a Sync server answers, but it is not this version of weaved{}",
            by(reply)
        );
        let remedy = format!(
            "if the old server still runs, stop it; {}",
            walk.remedy(remedies::Trouble::Prefix)
        );
        return walk.fail("weaved", seen, remedy);
    }
    let status = reply.status;
    if reply.is_ours() {
        let seen = format!("weaved gets the request, but not under its mount ({status})");
        let remedy = format!("set mount = {} in [server:main]", mount_of(walk.url));
        return walk.fail("prefix", seen, remedy);
    }
    let seen = format!("something else answers here ({status}{})", by(reply));
    let remedy = walk.remedy(remedies::Trouble::Prefix);
    walk.fail("prefix", seen, remedy);
}

fn mount_of(url: &Url) -> &str {
    match url.path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

/// Looks for weaved under the parents of the path, the configured mount and the usual paths.
fn elsewhere(walk: &Walk<'_>) -> Option<Url> {
    let mut paths = Vec::new();
    let mut path = walk.url.path.as_str();
    while let Some(at) = path.trim_end_matches('/').rfind('/') {
        path = path.get(..=at).unwrap_or_default();
        paths.push(path.to_owned());
    }
    paths.extend(walk.options.mount.iter().map(|mount| format!("{mount}/")));
    paths.extend(USUAL.map(str::to_owned));
    let mut tried = vec![walk.url.path.clone()];
    for path in paths {
        let Some(url) = walk.url.with_path(&path) else {
            continue;
        };
        if tried.contains(&url.path) {
            continue;
        }
        tried.push(url.path.clone());
        let reply = walk.client.get(&url.join(ECHO));
        if reply.is_ok_and(|reply| Echo::read(&reply).is_some()) {
            return Some(url);
        }
    }
    None
}
