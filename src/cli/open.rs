//! From a configuration to the layers that it describes.

use std::sync::Arc;
use std::time::Duration;

use super::Configuration;
use super::Failure;
#[cfg(not(feature = "ldap"))]
use super::failure::CONFIG;
use super::post;
use crate::accounts::Accounts;
use crate::accounts::Family;
use crate::accounts::LastUse;
use crate::accounts::ResetCodes;
use crate::accounts::SqlAccounts;
use crate::accounts::SqlSettings;
use crate::accounts::hash::HashScheme;
use crate::api;
use crate::api::Api;
use crate::api::Hosted;
use crate::api::Hosts;
use crate::config;
use crate::config::AuthBackend;
use crate::config::Collections;
use crate::config::Config;
use crate::config::DatabaseUri;
use crate::config::PasswordHash;
use crate::config::Severity;
use crate::db::Database;
use crate::db::PoolOptions;
use crate::guard;
use crate::guard::Guard;
use crate::pairing;
use crate::pairing::Relay;
use crate::storage;
use crate::storage::Names;
use crate::storage::SqlStorage;
use crate::storage::Storage;
use crate::sync::BatchLimits;
use crate::sync::Clock;
use crate::sync::SystemClock;
use crate::sync::UserId;

/// Reads the configuration.
pub(super) fn configuration(arguments: &Configuration) -> Result<Config, Failure> {
    let names = config::Names {
        app: arguments.sections.app_name.clone(),
        server: arguments.sections.server_name.clone(),
    };
    Ok(config::load_named(
        &arguments.file,
        &names,
        &arguments.variables,
    )?)
}

/// Writes what was noted about the configuration to the log.
pub(super) fn log_notes(config: &Config) {
    for note in &config.notes {
        match note.severity {
            Severity::Error => log::error!("{note}"),
            Severity::Warning => log::warn!("{note}"),
            Severity::Notice => log::info!("{note}"),
        }
    }
}

/// The databases of a configuration: one for each URI, whoever needs it.
pub(super) struct Databases {
    pub(super) accounts: Arc<Database>,
    /// Of codes for forgotten passwords.
    codes: Arc<Database>,
    pub(super) storage: Arc<Database>,
    /// Those of [`Config::hosts_with_storage`], in that order.
    pub(super) hosts: Vec<Arc<Database>>,
}

/// Opens the databases, without a look at their tables.
pub(super) fn databases(config: &Config) -> Result<Databases, Failure> {
    let threads = u32::try_from(config.server.threads).unwrap_or(u32::MAX);
    let options = |size: u32, timeout: Duration, recycle: Duration| PoolOptions {
        // A thread holds one connection of a pool, but for a backup: that asks for more of an
        // account than its snapshot has.
        size: size.min(threads).max(2),
        timeout,
        recycle: Some(recycle).filter(|age| !age.is_zero()),
    };
    let of = |storage: &config::Storage| {
        options(
            storage.pool_size,
            storage.pool_timeout,
            storage.pool_recycle,
        )
    };
    let (plain, auth) = (&config.storage, &config.auth);
    let mut pools = Pools::default();
    let storage = pools.open(&plain.sqluri, &of(plain))?;
    let accounts = options(auth.pool_size, plain.pool_timeout, auth.pool_recycle);
    let codes = pools.open(config.reset_codes_database(), &accounts)?;
    let accounts = pools.open(config.auth_database(), &accounts)?;
    let hosts = config.hosts_with_storage();
    let hosts = hosts.map(|(_, storage)| pools.open(&storage.sqluri, &of(storage)));
    Ok(Databases {
        hosts: hosts.collect::<Result<_, _>>()?,
        accounts,
        codes,
        storage,
    })
}

/// The databases opened so far.
#[derive(Default)]
struct Pools<'a>(Vec<(&'a DatabaseUri, Arc<Database>)>);

impl<'a> Pools<'a> {
    /// Opens a database, unless it is open.
    fn open(
        &mut self,
        uri: &'a DatabaseUri,
        options: &PoolOptions,
    ) -> Result<Arc<Database>, Failure> {
        if let Some((_, database)) = self.0.iter().find(|(known, _)| *known == uri) {
            return Ok(Arc::clone(database));
        }
        let database = Arc::new(Database::open(uri, options)?);
        self.0.push((uri, Arc::clone(&database)));
        Ok(database)
    }
}

/// Opens the accounts, which are not to have ids that the storage knows as somebody else's.
fn accounts(
    config: &Config,
    databases: &Databases,
    hosts: &Hosts,
) -> Result<Arc<dyn Accounts>, Failure> {
    let family = match config.auth.backend {
        AuthBackend::Sql | AuthBackend::SqlUser => Family::User,
        AuthBackend::SqlUsers => Family::Users,
        AuthBackend::Ldap => return directory(config, databases, hosts.highest_user()?),
    };
    let settings = SqlSettings {
        check_account_state: config.auth.check_account_state,
        create_tables: config.auth.create_tables,
        family,
        rehash: config.auth.rehash,
        scheme: match config.auth.password_hash {
            PasswordHash::Argon2id => HashScheme::Argon2id,
            PasswordHash::Sscrypt => HashScheme::Sscrypt,
        },
        ..SqlSettings::default()
    };
    Ok(Arc::new(SqlAccounts::open(
        Arc::clone(&databases.accounts),
        settings,
    )?))
}

#[cfg(feature = "ldap")]
fn directory(
    config: &Config,
    databases: &Databases,
    known: UserId,
) -> Result<Arc<dyn Accounts>, Failure> {
    super::directory::open(config, Arc::clone(&databases.accounts), known)
}

#[cfg(not(feature = "ldap"))]
fn directory(
    _config: &Config,
    _databases: &Databases,
    _known: UserId,
) -> Result<Arc<dyn Accounts>, Failure> {
    let text = "[auth] backend: this program was built without LDAP (cargo feature `ldap`)";
    Err(Failure::new(CONFIG, text))
}

/// The databases with records, with how their tables are used; each once, the plain one first.
pub(super) fn tables<'a>(
    config: &Config,
    databases: &'a Databases,
) -> Vec<(&'a Arc<Database>, storage::Settings)> {
    let mut tables = vec![(&databases.storage, settings_of(&config.storage))];
    for ((_, storage), database) in config.hosts_with_storage().zip(&databases.hosts) {
        let mut known = tables.iter();
        // Hosts with one database use its tables alike: `config` sees to that.
        if !known.any(|(known, _)| Arc::ptr_eq(known, database)) {
            tables.push((database, settings_of(storage)));
        }
    }
    tables
}

/// Opens the storages: one for each database, however many hosts share it.
pub(super) fn hosts(config: &Config, databases: &Databases) -> Result<Hosts, Failure> {
    let mut opened: Vec<(&Arc<Database>, Arc<dyn Storage>)> = Vec::new();
    let mut open = |settings: &config::Storage, database, node: Option<&str>, post| {
        // Hosts with one database use its tables alike: `config` sees to that.
        let known = opened
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, database));
        let storage = match known {
            Some((_, storage)) => Arc::clone(storage),
            None => {
                let clock = Arc::new(SystemClock::default());
                let tables = settings_of(settings);
                let storage = SqlStorage::open(Arc::clone(database), clock, tables)?;
                let storage: Arc<dyn Storage> = Arc::new(storage);
                opened.push((database, Arc::clone(&storage)));
                storage
            }
        };
        Ok::<_, Failure>(Hosted {
            storage,
            batch: BatchLimits {
                count: settings.batch_max_count,
                bytes: usize::try_from(settings.batch_max_bytes).unwrap_or(usize::MAX),
            },
            quota: settings
                .quota
                .map(|kilobytes| kilobytes.saturating_mul(1024)),
            node: node.map(node_of),
            url: node
                .filter(|url| *url != config::NO_NODE)
                .map(str::to_owned),
            post,
        })
    };
    let post = post::post(&config.smtp)?;
    let plain = open(&config.storage, &databases.storage, None, post.clone())?;
    let named = config.hosts_with_storage().zip(&databases.hosts);
    let named = named.map(|((host, settings), database)| {
        let post = match &host.smtp {
            Some(smtp) => post::post(smtp)?,
            None => post.clone(),
        };
        let hosted = open(settings, database, host.node.as_deref(), post)?;
        Ok((host.name.clone(), hosted))
    });
    let named = named.collect::<Result<_, Failure>>()?;
    Ok(Hosts::new(plain, named))
}

/// Where browsers are sent to.
fn node_of(text: &str) -> api::Node {
    match text {
        config::NO_NODE => api::Node::Null,
        url => api::Node::Url(url.to_owned()),
    }
}

/// How the tables of a storage are used.
fn settings_of(storage: &config::Storage) -> storage::Settings {
    storage::Settings {
        names: match storage.collections {
            Collections::Fixed => Names::Fixed,
            Collections::Named => Names::Free,
            Collections::Standard => Names::Standard,
        },
        create_tables: storage.create_tables,
        shard: storage.shard,
    }
}

/// Opens everything that calls work on.
pub(super) fn api(config: &Config) -> Result<Api, Failure> {
    api_on(config, &databases(config)?)
}

/// The same to serve with, when there is a log for advice.
pub(super) fn api_with_advice(config: &Config) -> Result<Api, Failure> {
    let databases = databases(config)?;
    for (database, _) in tables(config, &databases) {
        storage::advise(database, SystemClock::default().now())?;
    }
    api_on(config, &databases)
}

/// Opens what keeps strangers out.
pub(super) fn guard(config: &Config, databases: &Databases) -> Result<Guard, Failure> {
    Ok(Guard::open(
        Arc::clone(&databases.accounts),
        Arc::new(SystemClock::default()),
        limits_of(&config.global),
    )?)
}

/// How often something may be tried.
fn limits_of(global: &config::Global) -> guard::Limits {
    let rate = |limit: config::Limit| {
        limit.0.map(|rate| guard::Rate {
            count: rate.count,
            seconds: rate.seconds,
        })
    };
    guard::Limits {
        login: rate(global.rate_login),
        account: rate(global.rate_account),
        client: rate(global.rate_client),
        mail: rate(global.rate_mail),
        sign_up: rate(global.rate_sign_up),
    }
}

fn api_on(config: &Config, databases: &Databases) -> Result<Api, Failure> {
    let settings = api::Settings {
        captcha: config.captcha.required,
        node: config.node().map_or(api::Node::Derived, node_of),
        nodes_of_users: config.auth.backend == AuthBackend::Ldap,
        registration: match config.auth.allow_new_users {
            config::Registration::First => api::Registration::First,
            config::Registration::Open => api::Registration::Open,
            config::Registration::Closed
            | config::Registration::Invite
            | config::Registration::Secret => api::Registration::Closed,
        },
        secret: config
            .global
            .shared_secret
            .as_ref()
            .map(|secret| secret.expose().to_owned()),
        url: config.url().map(str::to_owned),
        strict_names: config.auth.strict_usernames,
    };
    // The accounts last: a slow start of the storage must not leave them half made.
    let hosts = hosts(config, databases)?;
    let accounts = accounts(config, databases, &hosts)?;
    let database = || Arc::clone(&databases.accounts);
    let relay = match &config.pairing {
        pairing if !pairing.wanted => None,
        pairing => {
            let limits = pairing::Limits {
                channels: pairing.channels.into(),
                channels_of_address: pairing.channels_per_address.into(),
                ..pairing::Limits::default()
            };
            let clock = Arc::new(SystemClock::default());
            Some(Arc::new(Relay::open(database(), clock, limits)?))
        }
    };
    let guard = Arc::new(guard(config, databases)?);
    let codes = ResetCodes::open(Arc::clone(&databases.codes), config.reset_codes.expiration)?;
    Ok(Api {
        hosts,
        accounts,
        codes: Arc::new(codes),
        last_use: LastUse::open(Arc::clone(&databases.accounts), guard.now())?,
        guard,
        mails: api::Mails::default(),
        regulars: api::Regulars::default(),
        relay,
        settings,
    })
}
