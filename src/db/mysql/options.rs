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
use super::super::tls;
use super::places::Place;
use crate::config::MySqlUri;
use crate::config::Tls;
use crate::config::Verify;

/// How long one attempt to reach one server may take, unless the URI says otherwise.
const CONNECT: Duration = Duration::from_secs(3);

/// How much longer than a statement may wait for locks its answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the server waits for us, in seconds: with the rest of a large collection that a slow
/// client reads row by row, and with the locks of a machine that has gone without a word.
const SILENCE: u32 = 600;

/// Rows and statements at most, in bytes: a row is a payload of at most 16 MiB (MEDIUMTEXT) and
/// its names.
const PACKET: usize = 64 << 20;

/// How long a quiet connection stays unwatched, in milliseconds.
const KEEP_ALIVE: u32 = 30_000;

/// How long the server's answers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As long as they take.
    Unhurried,
    /// A little longer than a statement may wait for locks.
    Usual,
}

/// One server's options. `origin` is the address of ours to connect from.
pub(super) fn options(
    uri: &MySqlUri,
    place: &Place,
    origin: Option<SocketAddr>,
    pool: &PoolOptions,
    pace: Pace,
) -> Opts {
    let server = &uri.server;
    let patience = read_timeout(uri, pool);
    let read = (pace == Pace::Usual).then_some(patience);
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
        .read_timeout(read)
        .write_timeout(Some(uri.write_timeout.unwrap_or(patience)))
        .tcp_connect_timeout(Some(server.connect_timeout.unwrap_or(CONNECT)))
        .tcp_keepalive_time_ms(Some(KEEP_ALIVE))
        .tcp_user_timeout_ms(u32::try_from(patience.as_millis()).ok());
    match place {
        Place::Socket(path) => builder.socket(Some(path.to_string_lossy())),
        Place::Tcp(name, port) => builder
            .ip_or_hostname(Some(&**name))
            .tcp_port(*port)
            .bind_address(origin)
            .ssl_opts(ssl_opts(&server.tls)),
    }
    .into()
}

fn ssl_opts(tls: &Tls) -> Option<SslOpts> {
    let Tls::On { verify, ca, client } = tls else {
        return None;
    };
    let client = client
        .clone()
        .map(|client| ClientIdentity::new(client.chain, client.key));
    // The driver needs some authority to start with, also where nothing is verified.
    let authorities = ca.clone().or_else(tls::system_bundle);
    Some(
        SslOpts::default()
            .with_root_cert_path(authorities)
            .with_client_identity(client)
            .with_danger_skip_domain_validation(*verify != Verify::Name)
            .with_danger_accept_invalid_certs(*verify == Verify::Nothing),
    )
}

/// Finds out whether TLS can be had as it is asked for, in better words than the driver's.
pub(super) fn check_tls(tls: &Tls) -> Result<(), String> {
    let Tls::On { ca, .. } = tls else {
        return Ok(());
    };
    if !webpki_roots::TLS_SERVER_ROOTS.is_empty() {
        return Err(
            "this weaved was built without its own vendor/webpki-roots, and so its driver would \
             trust every authority of the web: build it from its own folder to use TLS with MySQL"
                .to_owned(),
        );
    }
    tls::client_config(tls).map_err(|cause| cause.to_string())?;
    if ca.is_none() && tls::system_bundle().is_none() {
        return Err(tls::TlsError::NoAuthority.to_string());
    }
    Ok(())
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
             net_write_timeout = {SILENCE}, wait_timeout = {SILENCE}; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         SHOW VARIABLES LIKE 'wsrep_on'; \
         SELECT @@global.read_only, @@global.innodb_read_only"
    )
}

/// Only for a node of a Galera cluster: a transaction that begins sees what other nodes have
/// committed before.
pub(super) const SET_UP_NODE: &str = "SET SESSION wsrep_sync_wait = 1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUri;

    fn uri(text: &str) -> MySqlUri {
        match text.parse().unwrap() {
            DatabaseUri::MySql(uri) => uri,
            other => panic!("{other}"),
        }
    }

    fn pool(seconds: u64) -> PoolOptions {
        PoolOptions {
            timeout: Duration::from_secs(seconds),
            ..PoolOptions::default()
        }
    }

    #[test]
    fn the_driver_is_told_what_the_uri_says() {
        let uri = uri("mysql://u:p%40@h/d?connect_timeout=7&write_timeout=8&ssl=true");
        let place = Place::Tcp("h".to_owned(), 3307);
        let opts = options(&uri, &place, None, &pool(10), Pace::Usual);
        assert_eq!(opts.get_user(), Some("u"));
        assert_eq!(opts.get_pass(), Some("p@"));
        assert_eq!(opts.get_db_name(), Some("d"));
        assert_eq!(
            (&*opts.get_ip_or_hostname(), opts.get_tcp_port()),
            ("h", 3307)
        );
        assert_eq!(opts.get_tcp_connect_timeout(), Some(Duration::from_secs(7)));
        assert_eq!(opts.get_read_timeout(), Some(&Duration::from_secs(15)));
        assert_eq!(opts.get_write_timeout(), Some(&Duration::from_secs(8)));
        let ssl = opts.get_ssl_opts().unwrap();
        assert!(!ssl.skip_domain_validation() && !ssl.accept_invalid_certs());
        let opts = options(&uri, &place, None, &pool(10), Pace::Unhurried);
        assert_eq!(opts.get_read_timeout(), None);
        let opts = options(
            &uri,
            &Place::Socket("/s".into()),
            None,
            &pool(10),
            Pace::Usual,
        );
        assert_eq!((opts.get_socket(), opts.get_ssl_opts()), (Some("/s"), None));
    }

    #[test]
    fn nobody_but_the_named_authorities_is_trusted() {
        assert!(webpki_roots::TLS_SERVER_ROOTS.is_empty());
        let uri = uri("mysql://h/d?ssl_ca=/nowhere/ca.pem");
        let text = check_tls(&uri.server.tls).unwrap_err();
        assert!(
            text.starts_with("cannot read certificates from /nowhere/ca.pem"),
            "{text}"
        );
    }

    #[test]
    fn locks_are_waited_for_in_whole_seconds_and_no_longer_than_answers() {
        for (options, timeout, expected) in [
            ("", 10, "innodb_lock_wait_timeout = 10,"),
            ("", 0, "innodb_lock_wait_timeout = 1,"),
            ("?read_timeout=3", 10, "innodb_lock_wait_timeout = 3,"),
            ("?read_timeout=30", 10, "innodb_lock_wait_timeout = 10,"),
        ] {
            let text = set_up(&uri(&format!("mysql://h/d{options}")), &pool(timeout));
            assert!(text.contains(expected), "{text}");
        }
    }
}
