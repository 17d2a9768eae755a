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
use super::rate::Limit;
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
    /// Whose `X-Forwarded-...` headers are believed. Default: nobody's.
    pub trusted_proxies: Vec<IpAddr>,
    /// Wrong passwords from an address for an account. Default 10 in 10 minutes.
    pub rate_login: Limit,
    /// Wrong passwords for an account, from addresses it does not know. Default 100 in an hour.
    pub rate_account: Limit,
    /// Failures from an address. Default 50 in 10 minutes.
    pub rate_client: Limit,
    /// Mails to an account. Default 1 in 10 minutes.
    pub rate_mail: Limit,
    /// New accounts, and mails, for an address. Default 20 in an hour.
    pub rate_sign_up: Limit,
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
            rate_login: Limit::new(10, 10),
            rate_account: Limit::new(100, 60),
            rate_client: Limit::new(50, 10),
            rate_mail: Limit::new(1, 10),
            rate_sign_up: Limit::new(20, 60),
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
        "What X-Weave-Secret must say to skip the captcha and to register where allow_new_users \
         is not true. Browsers send their services.sync.admin-secret. At least 16 characters.",
    ),
    used(
        "trusted_proxies",
        "",
        "IP addresses of proxies whose X-Forwarded-For, -Proto and -Host are believed, separated \
         by blanks.",
    ),
    used(
        "rate_login",
        "10/10m",
        "Wrong passwords that one address may try for one account, here 10 in 10 minutes; then it \
         has to wait. Times are in s, m, h or d; off: as many as it likes.",
    ),
    used(
        "rate_account",
        "100/1h",
        "Wrong passwords for one account from all addresses together. Addresses from which the \
         account was used in the last 30 days are not stopped by it.",
    ),
    used(
        "rate_client",
        "50/10m",
        "Failures of one address, whatever it tried: passwords, reset codes, captchas, \
         invitations.",
    ),
    used(
        "rate_mail",
        "1/10m",
        "Mails with a reset code to one account.",
    ),
    used(
        "rate_sign_up",
        "20/1h",
        "Accounts that one address may make, and mails with a reset code that it may ask for.",
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
        rate_login: scope.get("rate_login", default.rate_login),
        rate_account: scope.get("rate_account", default.rate_account),
        rate_client: scope.get("rate_client", default.rate_client),
        rate_mail: scope.get("rate_mail", default.rate_mail),
        rate_sign_up: scope.get("rate_sign_up", default.rate_sign_up),
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
