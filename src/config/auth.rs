//! `[auth]`: who the users are (spec/config.md, 3; spec/user-1.0.md, 8 to 10).

use std::time::Duration;

use super::DatabaseUri;
use super::Global;
use super::Ldap;
use super::keys::Key;
use super::keys::Table;
use super::keys::joined;
use super::keys::refused;
use super::keys::unneeded;
use super::keys::used;
use super::ldap;
use super::problem::Severity;
use super::reader::Scope;
use super::url;
use super::values::Show;
use super::values::Wanted;
use super::values::words;

/// Where accounts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthBackend {
    /// A directory server.
    Ldap,
    /// Tables; which of the two families is found out.
    #[default]
    Sql,
    /// The table `user` of the later releases.
    SqlUser,
    /// The table `users` of the releases until 2011.
    SqlUsers,
}

/// How new passwords are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordHash {
    /// Strong; the old server cannot read it.
    #[default]
    Argon2id,
    /// The last format of the old server.
    Sscrypt,
}

/// Who may register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Nobody who is not invited.
    Closed,
    /// Everybody until there is an account, then nobody who is not invited.
    First,
    /// Who is invited.
    Invite,
    /// Everybody.
    #[default]
    Open,
    /// Who knows the shared secret, or is invited.
    Secret,
}

words!(PasswordHash, "argon2id" => Self::Argon2id, "sscrypt" => Self::Sscrypt);

/// The accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Default: tables, found out which.
    pub backend: AuthBackend,
    /// The accounts' database; absent: the storage's.
    pub sqluri: Option<DatabaseUri>,
    /// Whether missing tables are created at start. Default true.
    pub create_tables: bool,
    /// Default: everybody.
    pub allow_new_users: Registration,
    /// Default: Argon2id.
    pub password_hash: PasswordHash,
    /// Whether a hash of an older scheme is replaced at the next login. Default true.
    pub rehash: bool,
    /// Whether a user name must be the hash of the e-mail address. Default true.
    pub strict_usernames: bool,
    /// Whether disabled accounts are refused. Default true.
    pub check_account_state: bool,
    /// Connections at most, for each process. Default 16.
    pub pool_size: u32,
    /// Age at which a connection to a server is made anew; 0: never. Default 60 s.
    pub pool_recycle: Duration,
    /// The old place of `[nodes] fallback_node`, which wins.
    pub(super) fallback_node: Option<String>,
    /// Used with the LDAP backend.
    pub ldap: Ldap,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            backend: AuthBackend::Sql,
            sqluri: None,
            create_tables: true,
            allow_new_users: Registration::Open,
            password_hash: PasswordHash::Argon2id,
            rehash: true,
            strict_usernames: true,
            check_account_state: true,
            pool_size: 16,
            pool_recycle: Duration::from_secs(60),
            fallback_node: None,
            ldap: Ldap::default(),
        }
    }
}

const CACHE: &str = "verified passwords are remembered in memory";
const REMOTE: &str = "belongs to a remote back end of Mozilla's, which is not supported: remove it";

/// The keys of `[auth]`.
pub(super) static TABLE: Table = Table {
    name: "auth",
    text: "Who the users are.",
    keys: &joined::<{ OWN.len() + ldap::KEYS.len() }>(OWN, ldap::KEYS),
};

const OWN: &[Key] = &[
    used(
        "backend",
        "sql",
        "Where accounts are: sql or ldap. The class names of old files are understood as well.",
    ),
    used(
        "sqluri",
        "",
        "The accounts' database, written as in [storage]. Unset: the same as the storage's. With \
         ldap it holds the numbers that weaved gives.",
    ),
    used(
        "create_tables",
        "true",
        "Whether to create missing tables at start.",
    ),
    used(
        "allow_new_users",
        "true",
        "Who may register: true (everybody), first (everybody until there is an account, then \
         nobody), false (nobody), invite (who has a code made by weaved invite), or secret (who \
         sends the shared_secret of [global] as X-Weave-Secret). A code and that secret open \
         every door that is closed.",
    ),
    used(
        "password_hash",
        "argon2id",
        "How new passwords are stored: argon2id, or sscrypt, which the old server can read.",
    ),
    used(
        "rehash",
        "true",
        "Whether passwords in an older form are stored anew at the next login. Set false while a \
         way back to the old server is wanted.",
    ),
    used(
        "strict_usernames",
        "true",
        "Whether a user name must be the one that the e-mail address leads to.",
    ),
    used(
        "check_account_state",
        "true",
        "Whether disabled accounts are refused.",
    ),
    used(
        "pool_size",
        "16",
        "Connections at most, in each process; never more than it has threads.",
    ),
    used(
        "pool_recycle",
        "60",
        "Seconds after which a connection to a database server is made anew; 0: never.",
    ),
    used(
        "fallback_node",
        "",
        "The old place of fallback_node in [nodes], which wins.",
    ),
    unneeded("interface", "backend says it all"),
    unneeded("no_pool", "the pool has pool_size only"),
    unneeded("pool_timeout", "that of [storage] is used"),
    unneeded("check_node", "there is one node, and it is this one"),
    unneeded("single_box", "there is one node, and it is this one"),
    unneeded("cache_servers", CACHE),
    unneeded("cache.type", CACHE),
    unneeded("cache.data_dir", CACHE),
    unneeded("cache.lock", CACHE),
    refused("whoami_uri", REMOTE),
    refused("secret_key", REMOTE),
    refused("cache_prefix", REMOTE),
    refused("cache_timeout", REMOTE),
    refused("sreg_location", REMOTE),
    refused("sreg_path", REMOTE),
    refused("sreg_scheme", REMOTE),
    refused("proxy", REMOTE),
    refused("proxy_scheme", REMOTE),
    refused("proxy_location", REMOTE),
    refused("proxy_timeout", REMOTE),
];

impl Show for AuthBackend {
    fn show(&self) -> String {
        match self {
            Self::Ldap => "ldap",
            Self::Sql => "sql",
            Self::SqlUser => "services.user.sql.SQLUser",
            Self::SqlUsers => "services.auth.sql.SQLAuth",
        }
        .to_owned()
    }
}

impl Show for Registration {
    fn show(&self) -> String {
        match self {
            Self::Closed => "false",
            Self::First => "first",
            Self::Invite => "invite",
            Self::Open => "true",
            Self::Secret => "secret",
        }
        .to_owned()
    }
}

fn read_backend(text: &str) -> Result<AuthBackend, Wanted> {
    match text {
        "sql" => Ok(AuthBackend::Sql),
        "services.user.sql.SQLUser" => Ok(AuthBackend::SqlUser),
        "services.auth.sql.SQLAuth" => Ok(AuthBackend::SqlUsers),
        "ldap"
        | "services.auth.ldapsql.LDAPAuth"
        | "services.auth.ldap.LDAPAuth"
        | "services.user.mozilla_ldap.LDAPUser" => Ok(AuthBackend::Ldap),
        "dummy" | "services.auth.dummy.DummyAuth" | "services.user.loadtest.LoadTestUser" => Err(
            Wanted::new("lets anybody in with any password, so it is refused: write sql"),
        ),
        "services.user.memory.MemoryUser" => Err(Wanted::new(
            "forgets all accounts at a stop, so it is refused: write sql",
        )),
        "mozilla"
        | "mozilla_sreg"
        | "services.auth.mozilla.MozillaAuth"
        | "services.auth.mozilla_sreg.MozillaAuth"
        | "services.user.sreg.SregUser" => Err(Wanted::new(
            "needs servers that only Mozilla had, so it is not supported: write sql or ldap",
        )),
        "services.user.proxy.ProxyUser" | "services.user.proxycache.ProxyCacheUser" => Err(
            Wanted::new("asks another server, which is not supported: write sql or ldap"),
        ),
        _ => Err(Wanted::new("is no back end known here: write sql or ldap")),
    }
}

fn read_registration(text: &str) -> Result<Registration, Wanted> {
    match &*text.to_ascii_lowercase() {
        "true" | "yes" | "on" | "1" => Ok(Registration::Open),
        "false" | "no" | "off" | "0" => Ok(Registration::Closed),
        "first" => Ok(Registration::First),
        "invite" => Ok(Registration::Invite),
        "secret" => Ok(Registration::Secret),
        _ => Err(Wanted::new("is none of true, first, false, invite, secret")),
    }
}

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>, global: &Global) -> Auth {
    let default = Auth::default();
    scope.warn_of_no("allow_new_users");
    let backend = scope.get_as("backend", default.backend, read_backend);
    let auth = Auth {
        backend,
        sqluri: scope.database("sqluri"),
        create_tables: scope.flag("create_tables", default.create_tables),
        allow_new_users: scope.get_as(
            "allow_new_users",
            default.allow_new_users,
            read_registration,
        ),
        password_hash: scope.get("password_hash", default.password_hash),
        rehash: scope.flag("rehash", default.rehash),
        strict_usernames: scope.flag("strict_usernames", default.strict_usernames),
        check_account_state: scope.flag("check_account_state", default.check_account_state),
        pool_size: scope.pool_size("pool_size", default.pool_size),
        pool_recycle: scope.seconds("pool_recycle", default.pool_recycle),
        fallback_node: scope.get_as("fallback_node", None, |text| url::node(text).map(Some)),
        ldap: ldap::read(scope, backend),
    };
    if let Some(node) = &auth.fallback_node {
        url::warn_of_port(scope, "fallback_node", node);
    }
    if auth.allow_new_users == Registration::Secret && global.shared_secret.is_none() {
        scope.error("allow_new_users", "needs a shared_secret in [global]");
    }
    if auth.allow_new_users == Registration::First {
        let text = "anybody may register until there is an account, and then nobody without an \
                    invitation (weaved invite)";
        let shown = Some("first".to_owned());
        scope.note(Severity::Notice, "allow_new_users", shown, text);
    }
    if !auth.check_account_state {
        let text = "lets disabled accounts in";
        scope.note(
            Severity::Warning,
            "check_account_state",
            Some("false".to_owned()),
            text,
        );
    }
    scope.tell_unused();
    auth
}
