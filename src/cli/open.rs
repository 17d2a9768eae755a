//! From a configuration to the layers that it describes.

use std::sync::Arc;

use super::Configuration;
use super::Failure;
#[cfg(not(feature = "ldap"))]
use super::failure::CONFIG;
use crate::accounts::Accounts;
use crate::accounts::Family;
use crate::accounts::SqlAccounts;
use crate::accounts::SqlSettings;
use crate::accounts::hash::HashScheme;
use crate::api;
use crate::api::Api;
use crate::config;
use crate::config::AuthBackend;
use crate::config::Collections;
use crate::config::Config;
use crate::config::DatabaseUri;
use crate::config::PasswordHash;
use crate::config::Severity;
use crate::db::Database;
use crate::db::PoolOptions;
use crate::storage;
use crate::storage::Names;
use crate::storage::SqlStorage;
use crate::sync::BatchLimits;
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

/// The databases of a configuration: one, or one for each half.
pub(super) struct Databases {
    pub(super) storage: Arc<Database>,
    pub(super) accounts: Arc<Database>,
}

/// Opens the databases, without a look at their tables.
pub(super) fn databases(config: &Config) -> Result<Databases, Failure> {
    let threads = u32::try_from(config.server.threads).unwrap_or(u32::MAX);
    let open = |uri: &DatabaseUri, size: u32| {
        // No thread ever holds more than one connection of a pool.
        let options = PoolOptions {
            size: size.min(threads),
            timeout: config.storage.pool_timeout,
        };
        Ok::<_, Failure>(Arc::new(Database::open(uri, &options)?))
    };
    let storage = open(&config.storage.sqluri, config.storage.pool_size)?;
    let accounts = if config.auth_database() == &config.storage.sqluri {
        Arc::clone(&storage)
    } else {
        open(config.auth_database(), config.auth.pool_size)?
    };
    Ok(Databases { storage, accounts })
}

/// Opens the accounts, which are not to have ids that the storage knows as somebody else's.
fn accounts(
    config: &Config,
    databases: &Databases,
    storage: &dyn storage::Storage,
) -> Result<Arc<dyn Accounts>, Failure> {
    let family = match config.auth.backend {
        AuthBackend::Sql | AuthBackend::SqlUser => Family::User,
        AuthBackend::SqlUsers => Family::Users,
        AuthBackend::Ldap => return directory(config, databases, storage.highest_user()?),
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

/// Opens the storage.
pub(super) fn storage(
    config: &Config,
    databases: &Databases,
) -> Result<Arc<dyn storage::Storage>, Failure> {
    let settings = storage::Settings {
        names: match config.storage.collections {
            Collections::Fixed => Names::Fixed,
            Collections::Named => Names::Free,
            Collections::Standard => Names::Standard,
        },
        create_tables: config.storage.create_tables,
    };
    let clock = Arc::new(SystemClock::default());
    Ok(Arc::new(SqlStorage::open(
        Arc::clone(&databases.storage),
        clock,
        settings,
    )?))
}

/// Opens everything that calls work on.
pub(super) fn api(config: &Config) -> Result<Api, Failure> {
    let databases = databases(config)?;
    let node = config
        .nodes
        .fallback_node
        .as_ref()
        .or(config.global.public_url.as_ref());
    let settings = api::Settings {
        batch: BatchLimits {
            count: config.storage.batch_max_count,
            bytes: usize::try_from(config.storage.batch_max_bytes).unwrap_or(usize::MAX),
        },
        captcha: config.captcha.required,
        node: match node {
            Some(url) if url == config::NO_NODE => api::Node::Null,
            Some(url) => api::Node::Url(url.clone()),
            None => api::Node::Derived,
        },
        nodes_of_users: config.auth.backend == AuthBackend::Ldap,
        quota: config
            .storage
            .quota
            .map(|kilobytes| kilobytes.saturating_mul(1024)),
        registration: match config.auth.allow_new_users {
            config::Registration::Open => api::Registration::Open,
            config::Registration::Closed | config::Registration::Secret => {
                api::Registration::Closed
            }
        },
        secret: config
            .global
            .shared_secret
            .as_ref()
            .map(|secret| secret.expose().to_owned()),
        strict_names: config.auth.strict_usernames,
    };
    // The accounts last: a slow start of the storage must not leave them half made.
    let storage = storage(config, &databases)?;
    let accounts = accounts(config, &databases, storage.as_ref())?;
    Ok(Api {
        storage,
        accounts,
        settings,
    })
}
