//! Both INI files read into one typed configuration.
//!
//! [`load`] reads the PasteDeploy file (`development.ini`) and the `sync.conf` that it names, and
//! answers a [`Config`] that is wholly checked, or every mistake at once. It is read once at start
//! and then shared read-only; nobody else reads files or the environment. It opens no database, no
//! socket and no log (spec/config.md).

mod address;
mod app;
mod auth;
mod captcha;
mod cef;
mod cors;
mod database_uri;
mod describe;
mod environment;
mod files;
mod global;
mod hosts;
mod ini;
mod keys;
mod ldap;
mod logging;
mod mount;
mod nodes;
mod pairing;
mod problem;
mod rate;
mod reader;
mod reset_codes;
mod sample;
mod secret;
mod sections;
mod server;
mod smtp;
mod storage;
mod url;
mod values;

use std::path::Path;

use keys::Table;

pub use address::Address;
pub use app::App;
pub use app::Serves;
pub use auth::Auth;
pub use auth::AuthBackend;
pub use auth::PasswordHash;
pub use auth::Registration;
pub use captcha::Captcha;
pub use cef::Cef;
pub use cef::CefTarget;
pub use cef::Facility;
pub use cef::Priority;
pub use cors::Cors;
pub use database_uri::BadDatabaseUri;
pub use database_uri::ClientCertificate;
pub use database_uri::DatabaseUri;
pub use database_uri::MySqlUri;
pub use database_uri::PostgreSqlUri;
pub use database_uri::ServerHost;
pub use database_uri::ServerUri;
pub use database_uri::TargetSession;
pub use database_uri::Tls;
pub use database_uri::Verify;
pub use environment::named_file;
pub use environment::usual_file;
pub use global::Global;
pub use hosts::Host;
pub use ldap::Attributes;
pub use ldap::Ldap;
pub use ldap::Login;
pub use ldap::Scheme;
pub use ldap::UsersRoot;
pub use logging::LogOutput;
pub use logging::LogPiece;
pub use logging::LogTarget;
pub use logging::Logging;
pub use nodes::Nodes;
pub use pairing::Pairing;
pub use problem::Problem;
pub use problem::Problems;
pub use problem::Severity;
pub use rate::Limit;
pub use rate::Rate;
pub use reader::Effective;
pub use reader::Origin;
pub use reset_codes::ResetCodes;
pub use sample::sample_first;
pub use sample::sample_second;
pub use secret::Secret;
pub use server::Gateway;
pub use server::Model;
pub use server::Server;
pub use smtp::Smtp;
pub use storage::Collections;
pub use storage::Storage;
pub use url::NO_NODE;
pub use url::is_blocked_port;
pub use values::ByteSize;

use reader::Reader;

/// The tables of `sync.conf`, in the order of the sample.
static TABLES: [&Table; 10] = [
    &global::TABLE,
    &storage::TABLE,
    &auth::TABLE,
    &nodes::TABLE,
    &reset_codes::TABLE,
    &smtp::TABLE,
    &captcha::TABLE,
    &pairing::TABLE,
    &cef::TABLE,
    &cors::TABLE,
];

/// Everything that an operator can decide.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The listening side.
    pub server: Server,
    /// Which halves run.
    pub app: App,
    /// Where log lines go.
    pub logging: Logging,
    /// The whole server.
    pub global: Global,
    /// The records.
    pub storage: Storage,
    /// The accounts.
    pub auth: Auth,
    /// What browsers are told about their node.
    pub nodes: Nodes,
    /// Codes for a forgotten password.
    pub reset_codes: ResetCodes,
    /// How mails leave.
    pub smtp: Smtp,
    /// A question before registration.
    pub captcha: Captcha,
    /// The relay through which devices pair.
    pub pairing: Pairing,
    /// The security log.
    pub cef: Cef,
    /// Web pages of other origins.
    pub cors: Cors,
    /// Hosts with settings of their own.
    pub hosts: Vec<Host>,
    /// Warnings and notices, to be told at start.
    pub notes: Vec<Problem>,
    /// Every setting with where it comes from.
    pub effective: Vec<Effective>,
}

impl Config {
    /// The accounts' database.
    #[must_use]
    pub fn auth_database(&self) -> &DatabaseUri {
        self.auth.sqluri.as_ref().unwrap_or(&self.storage.sqluri)
    }

    /// Where browsers are sent to, if that is written: a URL or [`NO_NODE`].
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        let node = self.nodes.fallback_node.as_deref();
        node.or(self.global.public_url.as_deref())
    }

    /// Where people find the pages.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        let node = self.nodes.fallback_node.as_deref();
        let node = node.filter(|node| *node != NO_NODE);
        self.global.public_url.as_deref().or(node)
    }

    /// The hosts that differ in anything, with the storage that counts there.
    pub fn hosts_with_storage(&self) -> impl Iterator<Item = (&Host, &Storage)> {
        self.hosts
            .iter()
            .map(|host| (host, host.storage.as_ref().unwrap_or(&self.storage)))
    }

    /// The database of reset codes.
    #[must_use]
    pub fn reset_codes_database(&self) -> &DatabaseUri {
        let own = self.reset_codes.sqluri.as_ref();
        own.unwrap_or_else(|| self.auth_database())
    }
}

/// Which sections of the first file count, where it has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// NAME of `[app:NAME]` or `[composite:NAME]`. Default: main.
    pub app: String,
    /// NAME of `[server:NAME]`. Default: main.
    pub server: String,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            app: "main".to_owned(),
            server: "main".to_owned(),
        }
    }
}

/// Reads a configuration; `vars` are the `name=value` of the command line, for `%(name)s`.
///
/// # Errors
/// Everything that is wrong, with its place, and the warnings and notices beside it.
pub fn load(file: &Path, vars: &[(String, String)]) -> Result<Config, Problems> {
    load_named(file, &Names::default(), vars)
}

/// Reads a configuration from sections with other names than `main`.
///
/// # Errors
/// As [`load`].
pub fn load_named(
    file: &Path,
    names: &Names,
    vars: &[(String, String)],
) -> Result<Config, Problems> {
    let (merged, problems) = files::load(file, names, vars);
    let Some(merged) = merged else {
        return Err(Problems { list: problems });
    };
    let mut reader = Reader {
        settings: merged.settings,
        problems,
        effective: Vec::new(),
        file: merged.first.shown.clone(),
        cwd: merged.cwd,
        with_secrets: Vec::new(),
    };
    let composite = merged.composite.as_deref();
    let mut server = server::read(
        &mut reader.section(&merged.server, &server::TABLE),
        composite,
    );
    let app = app::read(&mut reader.section(&merged.app, &app::TABLE));
    server.access_log |= app.access_log;
    let mut logging = logging::read(&merged.first, &mut reader.problems);
    if server.access_log {
        // The access lines are `info`, and whoever asks for them wants to see them.
        logging.level = logging.level.max(log::LevelFilter::Info);
    }
    if !merged.readable {
        // Everything in the second file would be missing; one line about it is enough.
        return Err(Problems::sorted(reader.problems));
    }
    reader.file = merged.second;
    let global = global::read(&mut reader.section("global", &global::TABLE));
    let storage = storage::read(&mut reader.section("storage", &storage::TABLE));
    let auth = auth::read(&mut reader.section("auth", &auth::TABLE), &global);
    let old_node = auth.fallback_node.as_deref();
    let nodes = nodes::read(&mut reader.section("nodes", &nodes::TABLE), old_node);
    if let Some(mount) = &server.mount {
        mount::compare(&mut reader, mount, &nodes, &global);
    }
    let mut config = Config {
        server,
        app,
        logging,
        global,
        storage,
        nodes,
        auth,
        reset_codes: reset_codes::read(&mut reader.section("reset_codes", &reset_codes::TABLE)),
        smtp: smtp::read(&mut reader.section("smtp", &smtp::TABLE)),
        captcha: captcha::read(&mut reader.section("captcha", &captcha::TABLE)),
        pairing: pairing::read(&mut reader.section("pairing", &pairing::TABLE)),
        cef: cef::read(&mut reader.section("cef", &cef::TABLE)),
        cors: cors::read(&mut reader.section("cors", &cors::TABLE)),
        hosts: Vec::new(),
        notes: Vec::new(),
        effective: Vec::new(),
    };
    // Last: what was told of the plain sections is not told again.
    let node = config.node().map(str::to_owned);
    config.hosts = hosts::read(&mut reader, &config.storage, node.as_deref());
    let named = [&*merged.server, &*merged.app];
    sections::tell_unknown(&merged.first, named, &mut reader);
    sections::tell_public_secrets(&merged.public, &mut reader);
    let problems = Problems::sorted(reader.problems);
    if problems.errors().next().is_some() {
        return Err(problems);
    }
    config.notes = problems.list;
    config.effective = reader.effective;
    Ok(config)
}
