//! From a configuration to the accounts' directory.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::failure::CONFIG;
use crate::accounts::Accounts;
use crate::accounts::LdapAccounts;
use crate::accounts::LdapAttributes;
use crate::accounts::LdapLogin;
use crate::accounts::LdapProbe;
use crate::accounts::LdapSettings;
use crate::accounts::LdapWriting;
use crate::accounts::Password;
use crate::config;
use crate::config::Config;
use crate::db::Database;
use crate::sync::UserId;

/// How long a call waits that is to wait for ever: no thread may be lost.
const LONGEST: Duration = Duration::from_secs(60);

/// Opens accounts in a directory; nothing is said to it yet.
pub(super) fn open(
    config: &Config,
    database: Arc<Database>,
    known: UserId,
) -> Result<Arc<dyn Accounts>, Failure> {
    let settings = settings(config)?;
    Ok(Arc::new(LdapAccounts::open(settings, database, known)?))
}

/// Tries every server, and tells what came of it.
pub(super) fn probe(
    config: &Config,
    tell: impl FnMut(&str, Result<bool, &dyn StdError>),
) -> Result<(), Failure> {
    LdapProbe::new(settings(config)?)?.run(tell);
    Ok(())
}

fn settings(config: &Config) -> Result<LdapSettings, Failure> {
    let ldap = &config.auth.ldap;
    // All of this was told when the configuration was read.
    let missing = || Failure::new(CONFIG, "[auth]: the directory's settings are incomplete");
    let writing = match ldap.write {
        false => None,
        true => Some(LdapWriting {
            admin: login(
                ldap.admin
                    .as_ref()
                    .or(ldap.bind.as_ref())
                    .ok_or_else(missing)?,
            ),
            users: ldap.created().ok_or_else(missing)?.to_owned(),
            maxuid: ldap.next_number().ok_or_else(missing)?,
            id: ldap.attributes.id.clone().ok_or_else(missing)?,
            object_classes: ldap.object_classes.clone(),
            account_status: ldap.account_status,
        }),
    };
    let attributes = ldap.attributes.clone();
    // No thread ever holds more than one connection of a kind.
    let size = usize::try_from(ldap.pool_size).unwrap_or(usize::MAX);
    Ok(LdapSettings {
        uris: ldap.uris.clone(),
        start_tls: ldap.use_tls,
        ca: ldap.ca.clone(),
        bind: ldap.bind.as_ref().map(login),
        search_root: ldap.searched().ok_or_else(missing)?.to_owned(),
        filter: ldap.filter.clone(),
        attributes: LdapAttributes {
            name: attributes.name,
            id: attributes.id,
            key: attributes.key,
            mail: attributes.mail,
            enabled: attributes.enabled,
            node: attributes.node,
        },
        nodes_scheme: match ldap.nodes_scheme {
            config::Scheme::Http => "http".to_owned(),
            config::Scheme::Https => "https".to_owned(),
        },
        check_account_state: config.auth.check_account_state,
        create_tables: config.auth.create_tables,
        timeout: match ldap.timeout {
            Duration::ZERO => LONGEST,
            timeout => timeout,
        },
        pool_size: size.min(config.server.threads),
        max_lifetime: (!ldap.max_lifetime.is_zero()).then_some(ldap.max_lifetime),
        remembered: ldap.cache,
        writing,
    })
}

fn login(login: &config::Login) -> LdapLogin {
    LdapLogin {
        dn: login.user.clone(),
        password: Password::new(login.password.expose().to_owned()),
    }
}
