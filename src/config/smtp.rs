//! `[smtp]`: how mails leave (spec/config.md, 3).

use std::time::Duration;

use super::Secret;
use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::used;
use super::problem::Severity;
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
        "The From address; required for resetting passwords.",
    ),
    used("user", "", "Whom to log in as; unset: no login."),
    alias("username"),
    used("password", "", "The password of user."),
    used(
        "starttls",
        "false",
        "Whether the connection must be encrypted with STARTTLS before anything is sent.",
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
        timeout: scope.seconds("timeout", default.timeout),
    };
    let clear = smtp.password.is_some() && !smtp.starttls;
    if clear && !matches!(&*smtp.host, "localhost" | "127.0.0.1" | "::1") {
        scope.warn("host", "gets the password in clear: set starttls = true");
    }
    if smtp.sender.is_some() {
        let text =
            "has no effect: this version sends no mails, so that nobody can reset a password";
        scope.note(Severity::Notice, "sender", None, text);
    }
    scope.tell_unused();
    smtp
}
