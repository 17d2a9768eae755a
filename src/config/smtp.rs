//! `[smtp]`: how mails leave (spec/config.md, 3).

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;
use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::used;
use super::reader::Count;
use super::reader::Scope;

/// The mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Default `localhost`.
    pub host: String,
    /// Default 25.
    pub port: u16,
    /// The From address; needed when a password is to be reset.
    pub sender: Option<String>,
    /// Whom to log in as; absent: nobody.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
    /// Whether the connection must become a TLS one before anything is sent. Default false.
    pub starttls: bool,
    /// Whether the connection is a TLS one from the start. Default false.
    pub tls: bool,
    /// Who may vouch for the server; absent: whom the system knows.
    pub ca: Option<PathBuf>,
    /// A program and its arguments to send mails with, instead of a server; empty: none.
    pub sendmail: Vec<String>,
    /// How long each step may take. Default 5 s.
    pub timeout: Duration,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 25,
            sender: None,
            user: None,
            password: None,
            starttls: false,
            tls: false,
            ca: None,
            sendmail: Vec::new(),
            timeout: Duration::from_secs(5),
        }
    }
}

/// The keys of `[smtp]`.
pub(super) static TABLE: Table = Table {
    name: "smtp",
    text: "How mails leave (forgotten passwords).",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used("host", "localhost", "The mail server."),
    used("port", "25", "Its port."),
    used(
        "sender",
        "",
        "The From address, which turns mails on: without it nobody can reset a password.",
    ),
    used("user", "", "Whom to log in as; unset: no login."),
    alias("username"),
    used("password", "", "The password of user."),
    used(
        "starttls",
        "false",
        "Whether the connection must be encrypted with STARTTLS before anything is sent.",
    ),
    used(
        "tls",
        "false",
        "Whether the connection is encrypted from the start (port 465).",
    ),
    used(
        "ca",
        "",
        "A file (PEM) with the certificate of whoever vouches for the server. Unset: whom the \
         system trusts.",
    ),
    used(
        "sendmail",
        "",
        "A command to send mails with instead of a server, e.g. /usr/sbin/sendmail. No shell is \
         asked: blanks divide its arguments.",
    ),
    used("timeout", "5", "Seconds that each step may take."),
];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Smtp {
    let default = Smtp::default();
    let user = scope.first_of(&["user", "username"]);
    let smtp = Smtp {
        host: scope.get("host", default.host),
        port: scope.number("port", default.port, Count::new("a port", 1, 65_535, 25)),
        sender: scope.get("sender", default.sender),
        user: scope.get(user, default.user),
        password: scope.get("password", default.password),
        starttls: scope.flag("starttls", default.starttls),
        tls: scope.flag("tls", default.tls),
        ca: scope.get("ca", default.ca),
        sendmail: scope.get("sendmail", default.sendmail),
        timeout: scope.seconds("timeout", default.timeout),
    };
    if smtp.tls && smtp.starttls {
        scope.error(
            "tls",
            "encrypts from the start, starttls later: write one of them",
        );
    }
    let clear = smtp.password.is_some() && !smtp.starttls && !smtp.tls;
    if clear && !matches!(&*smtp.host, "localhost" | "127.0.0.1" | "::1") {
        scope.warn(
            "host",
            "gets the password in clear: set starttls = true, or tls = true",
        );
    }
    scope.tell_unused();
    smtp
}
