//! The servers of a URI, each with all that a connection to it needs.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres::config::TargetSessionAttrs;

use super::super::PoolOptions;
use crate::config::PostgreSqlUri;
use crate::config::Secret;
use crate::config::ServerHost;
use crate::config::TargetSession;
use crate::config::Tls;

/// How long an attempt to connect may take when the URI says nothing.
const CONNECT: Duration = Duration::from_secs(5);

/// How long what we have sent may stay without an acknowledgement. For the server this would be
/// too short: it counts while we read no further because a browser reads slowly.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// When a silent connection is looked after for the first time, and how often from then on.
const KEEPALIVE: (Duration, Duration, u8) = (Duration::from_secs(30), Duration::from_secs(10), 3);

/// How long the server keeps the locks of a client that has gone without a word.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(300);

/// A setting that makes no difference to us and whose value each server tells by itself. Whoever
/// does not have this value did not get our settings.
pub(super) const MARK: (&str, &str) = ("IntervalStyle", "iso_8601");

/// The port that a server has when nothing else is said.
const PORT: u16 = 5432;

/// The folders in which servers of this machine have their sockets: Debian's and the original's.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One server, and how to log in there.
pub(super) struct Server {
    /// Its socket, or its name and port, for messages.
    pub(super) place: String,
    /// Absent: the system's user.
    pub(super) user: Option<String>,
    pub(super) database: String,
    /// How long an attempt to connect may take, with everything that belongs to it.
    pub(super) patience: Duration,
    pub(super) config: Config,
}

/// The servers in the order in which they are tried.
pub(super) fn servers(uri: &PostgreSqlUri, options: &PoolOptions) -> Vec<Server> {
    let hosts = &uri.server.hosts;
    if let Some(socket) = &uri.server.socket {
        let port = hosts.first().and_then(|host| host.port);
        return vec![on_socket(socket, port, uri, options)];
    }
    hosts
        .iter()
        .map(|host| match host {
            ServerHost {
                name: Some(name),
                port,
            } => on_host(name, *port, uri, options),
            ServerHost { name: None, port } => match usual_socket(port.unwrap_or(PORT)) {
                Some(folder) => on_socket(&folder, *port, uri, options),
                None => on_host("localhost", *port, uri, options),
            },
        })
        .collect()
}

fn usual_socket(port: u16) -> Option<PathBuf> {
    let mut folders = SOCKETS.iter().map(PathBuf::from);
    folders.find(|folder| folder.join(socket_name(port)).exists())
}

fn socket_name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

/// `socket` is the folder, or the socket itself, whose name tells the port.
fn on_socket(
    socket: &Path,
    port: Option<u16>,
    uri: &PostgreSqlUri,
    options: &PoolOptions,
) -> Server {
    let name = socket.file_name().and_then(|name| name.to_str());
    let told = name.and_then(|name| name.strip_prefix(".s.PGSQL.")?.parse().ok());
    let (folder, port) = match (told, socket.parent()) {
        (Some(told), Some(folder)) => (folder, told),
        _ => (socket, port.unwrap_or(PORT)),
    };
    let mut config = plain(uri, options);
    config
        .host_path(folder)
        .port(port)
        .ssl_mode(SslMode::Disable);
    let place = folder.join(socket_name(port)).display().to_string();
    server(place, config, uri)
}

fn on_host(name: &str, port: Option<u16>, uri: &PostgreSqlUri, options: &PoolOptions) -> Server {
    let port = port.unwrap_or(PORT);
    let mut config = plain(uri, options);
    // A name may have two addresses, of which the first leads nowhere.
    config.connect_timeout(patience(uri) / 2);
    let (idle, interval, retries) = KEEPALIVE;
    config
        .host(name)
        .port(port)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .keepalives(true)
        .keepalives_idle(idle)
        .keepalives_interval(interval)
        .keepalives_retries(retries.into())
        .ssl_mode(match uri.server.tls {
            Tls::Off => SslMode::Disable,
            Tls::On { .. } => SslMode::Require,
        });
    let place = match name.contains(':') {
        true => format!("[{name}]:{port}"),
        false => format!("{name}:{port}"),
    };
    server(place, config, uri)
}

/// What is the same wherever the server is.
fn plain(uri: &PostgreSqlUri, options: &PoolOptions) -> Config {
    let mut config = Config::new();
    if let Some(user) = &uri.server.user {
        config.user(user);
    }
    if let Some(password) = &uri.server.password {
        config.password(password.expose());
    }
    config
        .dbname(&uri.server.database)
        .application_name(uri.application_name.as_deref().unwrap_or("weaved"))
        .options(settings(uri.settings.as_ref(), options))
        .target_session_attrs(match uri.target {
            TargetSession::Any => TargetSessionAttrs::Any,
            TargetSession::ReadWrite => TargetSessionAttrs::ReadWrite,
        });
    config
}

/// The settings of each session; of two for the same thing the last one counts.
fn settings(own: Option<&Secret>, options: &PoolOptions) -> String {
    let (idle, interval, retries) = KEEPALIVE;
    // 0 would mean for ever.
    let lock = options.timeout.as_millis().max(1);
    let mut settings = format!(
        "-c lock_timeout={lock} -c idle_in_transaction_session_timeout={} \
         -c tcp_keepalives_idle={} -c tcp_keepalives_interval={} -c tcp_keepalives_count={retries} \
         -c client_min_messages=warning",
        IDLE_IN_TRANSACTION.as_millis(),
        idle.as_secs(),
        interval.as_secs(),
    );
    if let Some(own) = own {
        settings.push(' ');
        settings.push_str(own.expose());
    }
    settings.push_str(&format!(" -c {}={}", MARK.0, MARK.1));
    settings
}

fn server(place: String, config: Config, uri: &PostgreSqlUri) -> Server {
    Server {
        place,
        user: uri.server.user.clone(),
        database: uri.server.database.clone(),
        patience: patience(uri),
        config,
    }
}

fn patience(uri: &PostgreSqlUri) -> Duration {
    uri.server.connect_timeout.unwrap_or(CONNECT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUri;

    fn of(uri: &str) -> Vec<Server> {
        match uri.parse().unwrap() {
            DatabaseUri::PostgreSql(uri) => servers(&uri, &PoolOptions::default()),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn servers_come_in_the_order_of_the_uri() {
        for (uri, expected) in [
            ("postgresql://h/d", &["h:5432"][..]),
            (
                "postgresql://h:1,[::2]:3,i/d",
                &["h:1", "[::2]:3", "i:5432"],
            ),
            ("postgresql://:7/d", &["localhost:7"]),
            ("postgresql:///d?host=/run/x", &["/run/x/.s.PGSQL.5432"]),
            ("postgresql://:7/d?host=/run/x", &["/run/x/.s.PGSQL.7"]),
            ("postgresql://:7/d?host=/x/.s.PGSQL.8", &["/x/.s.PGSQL.8"]),
        ] {
            let servers = of(uri);
            let places: Vec<&str> = servers.iter().map(|server| &*server.place).collect();
            assert_eq!(places, expected, "{uri}");
        }
    }

    #[test]
    fn what_the_uri_says_is_what_counts() {
        let [server] = &of("postgresql://u:p@h/d")[..] else {
            panic!();
        };
        assert_eq!(server.patience, CONNECT);
        let config = &server.config;
        assert_eq!(config.get_application_name(), Some("weaved"));
        assert_eq!(config.get_ssl_mode(), SslMode::Disable);
        let target = config.get_target_session_attrs();
        assert_eq!(target, TargetSessionAttrs::Any);
        let options = config.get_options().unwrap();
        assert!(options.starts_with("-c lock_timeout=10000 "), "{options}");

        let uri = "postgresql://h,i/d?sslmode=require&application_name=a&connect_timeout=2\
                   &options=-clock_timeout%3D1";
        let [server, _] = &of(uri)[..] else {
            panic!();
        };
        assert_eq!(server.patience, Duration::from_secs(2));
        let config = &server.config;
        assert_eq!(config.get_application_name(), Some("a"));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        let target = config.get_target_session_attrs();
        assert_eq!(target, TargetSessionAttrs::ReadWrite);
        let options = config.get_options().unwrap();
        let end = " -clock_timeout=1 -c IntervalStyle=iso_8601";
        assert!(options.ends_with(end), "{options}");
    }
}
