//! What the driver is told of a URI, and how each session begins.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use mysql::ClientIdentity;
use mysql::Opts;
use mysql::OptsBuilder;
use mysql::SslOpts;
use mysql::consts::CapabilityFlags;

use super::super::PoolOptions;
use super::places::Place;
use crate::config::MySqlUri;
use crate::config::Tls;
use crate::config::Verify;

/// How long one attempt to reach one server may take, unless the URI says otherwise.
const CONNECT: Duration = Duration::from_secs(3);

/// How much longer than a statement may wait for locks its answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a reader of ours may be slow before the server gives up on it, in seconds: a
/// client's, to whom a large collection is passed on row by row.
const SLOW_READER: u32 = 600;

/// Rows and statements at most, in bytes: a row is a payload of at most 16 MiB (MEDIUMTEXT) and
/// its names.
const PACKET: usize = 64 << 20;

/// How long a quiet connection stays unwatched, in milliseconds.
const KEEP_ALIVE: u32 = 30_000;

/// One server's options. `origin` is the address of ours to connect from.
pub(super) fn options(
    uri: &MySqlUri,
    place: &Place,
    origin: Option<SocketAddr>,
    pool: &PoolOptions,
) -> Opts {
    let server = &uri.server;
    let read = read_timeout(uri, pool);
    let builder = OptsBuilder::new()
        .user(server.user.as_deref())
        .pass(server.password.as_ref().map(|password| password.expose()))
        .db_name(Some(&*server.database))
        .prefer_socket(false)
        .max_allowed_packet(Some(PACKET))
        // Statements are kept by `Connection`.
        .stmt_cache_size(0)
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
        .connect_attrs(Some(HashMap::from([("program_name", "weaved")])))
        .read_timeout(Some(read))
        .write_timeout(Some(uri.write_timeout.unwrap_or(read)))
        .tcp_connect_timeout(Some(server.connect_timeout.unwrap_or(CONNECT)))
        .tcp_keepalive_time_ms(Some(KEEP_ALIVE))
        .tcp_user_timeout_ms(u32::try_from(read.as_millis()).ok());
    match place {
        Place::Socket(path) => builder.socket(Some(path.to_string_lossy())),
        Place::Tcp(name, port) => builder
            .ip_or_hostname(Some(&**name))
            .tcp_port(*port)
            .bind_address(origin)
            .ssl_opts(tls(&server.tls)),
    }
    .into()
}

fn tls(tls: &Tls) -> Option<SslOpts> {
    let Tls::On { verify, ca, client } = tls else {
        return None;
    };
    let client = client
        .clone()
        .map(|client| ClientIdentity::new(client.chain, client.key));
    Some(
        SslOpts::default()
            .with_root_cert_path(ca.clone())
            .with_client_identity(client)
            .with_danger_skip_domain_validation(*verify != Verify::Name)
            .with_danger_accept_invalid_certs(*verify == Verify::Nothing),
    )
}

/// How long to wait for an answer of the server.
fn read_timeout(uri: &MySqlUri, pool: &PoolOptions) -> Duration {
    uri.read_timeout.unwrap_or(pool.timeout + ANSWER)
}

/// The statements that begin a session; they end with two questions about the server.
///
/// The modes are those of standard SQL, for SQL that is written once for all databases, and the
/// strict ones: a value that does not fit is an error, never cut.
pub(super) fn set_up(uri: &MySqlUri, pool: &PoolOptions) -> String {
    let wait = pool.timeout.min(read_timeout(uri, pool));
    let wait = wait.as_millis().div_ceil(1000).max(1);
    format!(
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin, autocommit = 1, \
             sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,\
                 NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', \
             innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}, \
             net_write_timeout = {SLOW_READER}; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         SHOW VARIABLES LIKE 'wsrep_on'; \
         SELECT @@global.read_only, @@global.innodb_read_only"
    )
}

/// Only for a node of a Galera cluster: a transaction that begins sees what other nodes have
/// committed before.
pub(super) const SET_UP_NODE: &str = "SET SESSION wsrep_sync_wait = 1";
