//! `[app:main]` and `[DEFAULT]` of the first file: which halves run (spec/config.md, 2.2).

use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::dropped;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;
use super::values::Show;
use super::values::Wanted;

/// Which calls are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serves {
    /// Accounts and records.
    #[default]
    Both,
    /// Records only.
    Storage,
    /// Accounts only.
    User,
}

/// The application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// Default: both halves.
    pub serves: Serves,
    /// Whether each request is logged.
    pub(super) access_log: bool,
}

/// The keys of `[app:main]`.
pub(super) static TABLE: Table = Table {
    name: "app",
    text: "What is served.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "use",
        "egg:SyncServer",
        "egg:SyncServer serves accounts and records, egg:SyncReg accounts only, egg:SyncStorage \
         records only.",
    ),
    used(
        "configuration",
        "file:%(here)s/sync.conf",
        "The second file, with all other settings. A relative path is looked for beside this file, \
         then from the current directory.",
    ),
    alias("debug"),
    dropped(
        "client_debug",
        "showed traces of errors to everybody; here they go to the log only",
    ),
    dropped("profile", "there is no profiler page here"),
    unneeded(
        "translogger",
        "debug = true in [server:main] logs each request",
    ),
    unneeded("paste.app_factory", "there is one application"),
    unneeded("full_stack", "there is one application"),
];

impl Show for Serves {
    fn show(&self) -> String {
        match self {
            Self::Both => "egg:SyncServer",
            Self::Storage => "egg:SyncStorage",
            Self::User => "egg:SyncReg",
        }
        .to_owned()
    }
}

fn read_use(text: &str) -> Result<Serves, Wanted> {
    let lower = text.to_ascii_lowercase();
    match lower.split('#').next().unwrap_or_default() {
        "egg:syncserver" => Ok(Serves::Both),
        "egg:syncreg" => Ok(Serves::User),
        "egg:syncstorage" => Ok(Serves::Storage),
        _ => Err(Wanted::new(
            "is no application known here: write egg:SyncServer",
        )),
    }
}

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> App {
    let app = App {
        serves: scope.get_as("use", Serves::Both, read_use),
        access_log: scope.flag("debug", false),
    };
    // Followed by `files` already; read here so that `check` shows it.
    scope.get("configuration", String::new());
    scope.tell_unused();
    app
}
