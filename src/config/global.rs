//! `[global]`: what concerns the whole server (spec/config.md, 3).

use std::net::IpAddr;
use std::time::Duration;

use super::Secret;
use super::keys::Key;
use super::keys::Table;
use super::keys::dropped;
use super::keys::unneeded;
use super::keys::used;
use super::problem::Severity;
use super::reader::Count;
use super::reader::Scope;
use super::url;
use super::values::ByteSize;
use super::values::Setting;
use super::values::Wanted;

/// The whole server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Where browsers find us: scheme, host, port and path, with a slash at the end.
    pub public_url: Option<String>,
    /// What `Retry-After` and `X-Weave-Backoff` say on a 503. Default 300 seconds.
    pub retry_after: u32,
    /// The name of the page that says we are alive, below `/`. Default `__heartbeat__`.
    pub heartbeat_page: String,
    /// What `X-Weave-Secret` must say; at least 16 characters.
    pub shared_secret: Option<Secret>,
    /// Whose `X-Forwarded-Proto` and `X-Forwarded-Host` are believed. Default: nobody's.
    pub trusted_proxies: Vec<IpAddr>,
    /// The largest request body; the web server should enforce the same. Default 32 MiB.
    pub max_body: ByteSize,
    /// What all large bodies of a process may use at once. Default 256 MiB.
    pub body_memory: ByteSize,
    /// How long running requests may go on after a stop. Default 10 s.
    pub drain: Duration,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            public_url: None,
            retry_after: 300,
            heartbeat_page: "__heartbeat__".to_owned(),
            shared_secret: None,
            trusted_proxies: Vec::new(),
            max_body: ByteSize::mebibytes(32),
            body_memory: ByteSize::mebibytes(256),
            drain: Duration::from_secs(10),
        }
    }
}

/// The keys of `[global]`.
pub(super) static TABLE: Table = Table {
    name: "global",
    text: "The whole server.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "public_url",
        "",
        "Where browsers find this server: scheme, host, port and path, e.g. \
         https://www.yourserver.net/yourpath/. Used for links in mails and as the answer to \
         node/weave where no fallback_node is set.",
    ),
    used(
        "retry_after",
        "300",
        "Seconds after which a client shall come again when the server cannot answer (503).",
    ),
    used(
        "heartbeat_page",
        "__heartbeat__",
        "Name, below the root, of the page that tells monitors that the server lives.",
    ),
    used(
        "shared_secret",
        "",
        "What X-Weave-Secret must say to skip the captcha, or to register where \
         allow_new_users = secret. At least 16 characters.",
    ),
    used(
        "trusted_proxies",
        "",
        "IP addresses of proxies whose X-Forwarded-Proto and X-Forwarded-Host are believed, \
         separated by blanks.",
    ),
    used(
        "max_body",
        "32M",
        "The largest request body: bytes, or with K, M, G. Set the web server's limit alike.",
    ),
    used(
        "body_memory",
        "256M",
        "Memory for all large request bodies of a process at once; beyond it clients are asked to \
         come again. Reading and storing a body takes about as much again.",
    ),
    used(
        "graceful_shutdown_interval",
        "10",
        "Seconds that running requests get to finish after a stop.",
    ),
    dropped(
        "debug_page",
        "showed environment and passwords to anybody; there is no such page here",
    ),
    unneeded(
        "hard_shutdown_interval",
        "graceful_shutdown_interval is the whole time",
    ),
    unneeded("clean_shutdown", "every stop is clean"),
];

/// The fewest characters of a shared secret.
const SECRET_LENGTH: usize = 16;

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Global {
    let default = Global::default();
    let drain = u32::try_from(default.drain.as_secs()).unwrap_or(u32::MAX);
    let drain = scope.number(
        "graceful_shutdown_interval",
        drain,
        Count::new("seconds", 0, 3600, 10),
    );
    let global = Global {
        public_url: scope.get_as("public_url", None, |text| url::base(text).map(Some)),
        retry_after: scope.number(
            "retry_after",
            default.retry_after,
            Count::new("seconds", 1, 86_400, 300),
        ),
        heartbeat_page: scope.get_as("heartbeat_page", default.heartbeat_page, read_page),
        shared_secret: scope.get("shared_secret", None),
        trusted_proxies: scope.get("trusted_proxies", default.trusted_proxies),
        max_body: scope.get("max_body", default.max_body),
        body_memory: scope.get("body_memory", default.body_memory),
        drain: Duration::from_secs(drain.into()),
    };
    if let Some(secret) = &global.shared_secret {
        if secret.expose() == "CHANGEME" {
            let text = "is the value of the old sample, known to everybody: write another of at \
                        least 16 characters";
            scope.note(Severity::Error, "shared_secret", None, text);
        } else if secret.expose().chars().count() < SECRET_LENGTH {
            let text = format!("is too short: write at least {SECRET_LENGTH} characters");
            scope.note(Severity::Error, "shared_secret", None, text);
        }
    }
    if global.max_body < ByteSize::mebibytes(1) {
        scope.error(
            "max_body",
            "is too little for clients that send 100 records at once: at least 1M",
        );
    }
    if global.body_memory < global.max_body {
        scope.error("body_memory", "is less than max_body");
    }
    if let Some(url) = &global.public_url {
        url::warn_of_port(scope, "public_url", url);
    }
    scope.tell_unused();
    global
}

fn read_page(text: &str) -> Result<String, Wanted> {
    let page = String::read(text)?;
    let page = page.trim_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if page.is_empty() || !page.chars().all(plain) {
        return Err(Wanted::new("is no page name, e.g. __heartbeat__"));
    }
    Ok(page.to_owned())
}
