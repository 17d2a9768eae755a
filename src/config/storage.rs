//! `[storage]`: where records live and how much of them (spec/config.md, 3; spec/storage-1.1.md, 8).

use std::time::Duration;

use super::DatabaseUri;
use super::keys::Key;
use super::keys::Table;
use super::keys::dropped;
use super::keys::unneeded;
use super::keys::used;
use super::problem::Severity;
use super::reader::Count;
use super::reader::Scope;
use super::values::Show;
use super::values::Wanted;

/// How the collections of an existing database are numbered (spec/storage-1.1.md, 7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collections {
    /// Every name has a row for each user: the default.
    #[default]
    Named,
    /// `fixed_collections`: ids 1 to 11 for the names that browsers use.
    Fixed,
    /// `standard_collections`: the older list of ids 1 to 10.
    Standard,
}

/// The records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Required in a file; the default lives in memory.
    pub sqluri: DatabaseUri,
    /// Whether missing tables are created at start. Default true.
    pub create_tables: bool,
    /// Default: named.
    pub collections: Collections,
    /// Whether records are spread over the tables `wbo0` to `wbo99`. Default false.
    pub shard: bool,
    /// The most that a user's records may take, in KB of 1024; absent: no limit.
    pub quota: Option<u64>,
    /// Records of one POST that are stored; the rest is refused. Default 100.
    pub batch_max_count: usize,
    /// Payload characters of one POST that are stored; the rest is refused. Default 1048576.
    pub batch_max_bytes: u64,
    /// Connections at most, for each process. Default 16.
    pub pool_size: u32,
    /// How long to wait for a connection or another writer. Default 10 s.
    pub pool_timeout: Duration,
    /// Age at which a connection to a server is made anew; 0: never. Default 60 s.
    pub pool_recycle: Duration,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            sqluri: DatabaseUri::SqliteMemory,
            create_tables: true,
            collections: Collections::Named,
            shard: false,
            quota: None,
            batch_max_count: 100,
            batch_max_bytes: 1 << 20,
            pool_size: 16,
            pool_timeout: Duration::from_secs(10),
            pool_recycle: Duration::from_secs(60),
        }
    }
}

/// The tables of a database with shards.
const SHARDS: u32 = 100;

const MEMCACHED: &str = "nothing is kept in memcached. Before the move let the old server drain \
                         what it holds there (tabs, meta)";
const POOL: &str = "the pool has pool_size and pool_timeout only";

/// The keys of `[storage]`.
pub(super) static TABLE: Table = Table {
    name: "storage",
    text: "Where records live, and how much of them.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "backend",
        "sql",
        "The kind of storage: sql is the one there is.",
    ),
    used(
        "sqluri",
        "",
        "The database: sqlite:////absolute/file, sqlite:///file (from the directory in which the \
         server is started), mysql://user:password@host:port/name or \
         postgresql://user:password@host:port/name, with options after a question mark (see the \
         README). Required.",
    ),
    used(
        "create_tables",
        "true",
        "Whether to create missing tables at start.",
    ),
    used(
        "standard_collections",
        "false",
        "How collections are numbered: set it as it was when the database was made. Wrong, and \
         existing records are not found.",
    ),
    used(
        "fixed_collections",
        "false",
        "A newer numbering; like standard_collections, of which only one can be true.",
    ),
    used("use_quota", "false", "Whether a user's space is limited."),
    used(
        "quota_size",
        "0",
        "The space of a user, in KB; used if use_quota is true.",
    ),
    used(
        "batch_max_count",
        "100",
        "Records that are stored from one request; a client sends the rest again.",
    ),
    used(
        "batch_max_bytes",
        "1048576",
        "Characters of payload that are stored from one request.",
    ),
    used(
        "pool_size",
        "16",
        "Connections at most, in each process; never more than it has threads.",
    ),
    used(
        "pool_timeout",
        "10",
        "Seconds to wait for a free connection or for another writer.",
    ),
    used(
        "pool_recycle",
        "60",
        "Seconds after which a connection to a database server is made anew; 0: never.",
    ),
    unneeded("interface", "backend says it all"),
    unneeded("batch_size", "a request is stored in one step"),
    unneeded("reset_on_return", "a connection always comes back clean"),
    unneeded("pool_max_overflow", POOL),
    unneeded("pool_max_backlog", POOL),
    unneeded("no_pool", POOL),
    unneeded("use_shared_pool", POOL),
    unneeded("echo_pool", POOL),
    dropped("cache_servers", MEMCACHED),
    dropped("mirrored_cache_servers", MEMCACHED),
    unneeded("memcached_json", "nothing is kept in memcached"),
    unneeded("check_node_status", "there is one node, and it is this one"),
    unneeded(
        "check_blacklisted_nodes",
        "there is one node, and it is this one",
    ),
    unneeded("display_config", "the old server did not read it either"),
    used(
        "shard",
        "false",
        "Whether records are spread over the tables wbo0 to wbo99: set it as it was when the \
         database was made. A new database needs no such tables.",
    ),
    used("shardsize", "100", "How many such tables there are: 100."),
];

/// What `backend` says; only the spelling matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Memcached,
    Sql,
}

impl Show for Backend {
    fn show(&self) -> String {
        match self {
            Self::Memcached => "memcached",
            Self::Sql => "sql",
        }
        .to_owned()
    }
}

fn read_backend(text: &str) -> Result<Backend, Wanted> {
    match text {
        "sql" | "syncstorage.storage.sql.SQLStorage" => Ok(Backend::Sql),
        "memcached"
        | "syncstorage.storage.memcachedsql.MemcachedSQLStorage"
        | "syncstorage.storage.memcached.MemcachedSQLStorage" => Ok(Backend::Memcached),
        "multi" => Err(Wanted::new(
            "spreads records over several databases, which is not supported: write sql",
        )),
        _ => Err(Wanted::new("is no storage known here: write sql")),
    }
}

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Storage {
    let default = Storage::default();
    let backend = scope.get_as("backend", Backend::Sql, read_backend);
    if backend == Backend::Memcached {
        scope.warn("backend", MEMCACHED);
    }
    let sqluri = scope.database("sqluri");
    if scope.found("sqluri").is_none() {
        let text = "is missing: say where records shall live, e.g. \
                    sqlite:////var/lib/weaved/weaved.db";
        scope.error("sqluri", text);
    }
    let shard = scope.flag("shard", false);
    let tables = scope.number("shardsize", SHARDS, Count::new("tables", 1, 10_000, 100));
    if shard && tables != SHARDS {
        // spec/storage-1.1.md, 7.3
        let text = "cannot be served: the old server made that many tables, and then wrote into \
                    100 whatever was said here. Write 100; records that are in wbo100 and above \
                    would not be found";
        scope.error("shardsize", text);
    }
    let standard = scope.flag("standard_collections", false);
    let fixed = scope.flag("fixed_collections", false);
    let collections = match (standard, fixed) {
        (false, false) => Collections::Named,
        (true, false) => Collections::Standard,
        (false, true) => Collections::Fixed,
        (true, true) => {
            let text = "and standard_collections cannot both be true: keep the one that was true \
                        when the database was made";
            scope.error("fixed_collections", text);
            Collections::Fixed
        }
    };
    let use_quota = scope.flag("use_quota", false);
    let kilobytes = scope.number("quota_size", 0_u64, Count::new("KB", 0, 1 << 40, 5120));
    if use_quota && kilobytes == 0 {
        let text = "must be set when use_quota is true, in KB, e.g. quota_size = 25600: with 0 \
                    nothing could be written";
        scope.error("quota_size", text);
    }
    let storage = Storage {
        sqluri: sqluri.unwrap_or(default.sqluri),
        create_tables: scope.flag("create_tables", default.create_tables),
        collections,
        shard,
        quota: use_quota.then_some(kilobytes),
        batch_max_count: scope.number(
            "batch_max_count",
            default.batch_max_count,
            Count::new("records", 1, 10_000, 100),
        ),
        batch_max_bytes: scope.number(
            "batch_max_bytes",
            default.batch_max_bytes,
            Count::new("characters", 1, 1 << 40, 1048576),
        ),
        pool_size: scope.pool_size("pool_size", default.pool_size),
        pool_timeout: scope.seconds("pool_timeout", default.pool_timeout),
        pool_recycle: scope.seconds("pool_recycle", default.pool_recycle),
    };
    if storage.pool_timeout.is_zero() {
        scope.note(
            Severity::Error,
            "pool_timeout",
            None,
            "must be at least 1 (seconds)",
        );
    }
    scope.tell_unused();
    storage
}
