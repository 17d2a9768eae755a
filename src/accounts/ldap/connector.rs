//! How connections are made: which server, with which TLS, as whom.
//!
//! The servers are tried in their order. One that cannot be connected to, or does not answer, is
//! tried last for a while, so that a dead one in front does not cost every call its share of the
//! deadline.

use std::io;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use ldap3::LdapConn;
use ldap3::LdapConnSettings;
use ldap3::LdapError;
use ldap3::StdStream;
use rustls::ClientConfig;
use rustls::RootCertStore;
use socket2::Domain;
use socket2::SockAddr;
use socket2::SockRef;
use socket2::Socket;
use socket2::TcpKeepalive;
use socket2::Type;

use super::connection::Connection;
use super::deadline::Deadline;
use super::error::DirectoryError;
use super::error::Shown;
use super::error::code;
use super::settings::LdapLogin;
use super::settings::LdapSettings;
use super::uri::Server;
use crate::causes::chain;

/// How long a server that could not be connected to is tried last.
const AVOIDED: Duration = Duration::from_secs(30);

/// After how long a silence a kept connection is tried by the system, so that one that was cut
/// without a word is not found out by a user.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Makes connections.
pub(super) struct Connector {
    servers: Vec<Server>,
    /// Until when each of them is tried last.
    avoided: Mutex<Vec<Option<Instant>>>,
    tls: Arc<ClientConfig>,
    start_tls: bool,
}

impl Connector {
    /// Reads certificates; connects to nobody.
    pub(super) fn new(settings: &LdapSettings) -> Result<Self, DirectoryError> {
        let servers = settings.uris.iter().map(|uri| Server::parse(uri));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            avoided: Mutex::new(vec![None; servers.len()]),
            servers,
            tls: tls(settings.ca.as_deref())?,
            start_tls: settings.start_tls,
        })
    }

    pub(super) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// A connection to the first server that can be reached, as `login` or as nobody.
    pub(super) fn connect(
        &self,
        login: Option<&LdapLogin>,
        deadline: Deadline,
    ) -> Result<Connection, DirectoryError> {
        let mut troubles = Vec::new();
        let order = self.order();
        for (at, left) in order.iter().zip((1..=order.len()).rev()) {
            let Some(server) = self.servers.get(*at) else {
                continue;
            };
            // A server that is silent must leave time for the next.
            let share = deadline.share(u32::try_from(left).unwrap_or(u32::MAX));
            match self.connect_to(server, login, share) {
                Ok(connection) => {
                    self.avoid(*at, None);
                    return Ok(connection);
                }
                Err(error) if is_elsewhere_perhaps_better(&error) => {
                    self.avoid(*at, Some(Instant::now() + AVOIDED));
                    troubles.push(match error {
                        DirectoryError::Unreachable(which_and_why) => which_and_why,
                        error => chain(&error),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Err(DirectoryError::Unreachable(troubles.join("; ")))
    }

    /// A connection to this server.
    pub(super) fn connect_to(
        &self,
        server: &Server,
        login: Option<&LdapLogin>,
        deadline: Deadline,
    ) -> Result<Connection, DirectoryError> {
        let name = server.to_string();
        let timed_out = || DirectoryError::TimedOut {
            server: name.clone(),
        };
        let unreachable =
            |why: io::Error| DirectoryError::Unreachable(format!("{name}: {}", chain(&why)));
        let stream = match server {
            Server::Unix(path) => StdStream::Unix(unix(path).map_err(unreachable)?),
            Server::Tcp { host, port, .. } => {
                StdStream::Tcp(tcp(host, *port, deadline).map_err(unreachable)?)
            }
        };
        let settings = LdapConnSettings::new()
            .set_std_stream(stream)
            .set_conn_timeout(deadline.left().ok_or_else(timed_out)?)
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.start_tls && matches!(server, Server::Tcp { tls: false, .. }));
        let driver = LdapConn::with_settings(settings, &server.url()).map_err(|error| {
            match error {
                LdapError::Timeout { .. } => timed_out(),
                // What TLS finds wrong comes as an error of the socket.
                LdapError::Io { source } => unreachable(source),
                // The only question so far was that for TLS.
                LdapError::LdapResult { result } => DirectoryError::Unreachable(format!(
                    "{name} with TLS (use_tls): {}",
                    Shown::from(result)
                )),
                error => DirectoryError::Unreachable(format!("{name}: {error}")),
            }
        })?;
        let mut connection = Connection::new(driver, name);
        if let Some(LdapLogin { dn, password }) = login {
            let result = connection.bind(dn, password.as_str(), deadline)?;
            if result.rc != code::SUCCESS {
                return Err(DirectoryError::Bind {
                    server: connection.server().to_owned(),
                    who: dn.clone(),
                    result: result.into(),
                });
            }
        }
        Ok(connection)
    }

    /// Notes that a server that could be connected to does not answer.
    pub(super) fn suspect(&self, connection: &Connection) {
        let name = connection.server();
        let at = self
            .servers
            .iter()
            .position(|server| server.to_string() == name);
        if let Some(at) = at {
            self.avoid(at, Some(Instant::now() + AVOIDED));
        }
    }

    /// The servers' places in the order in which they are tried now.
    fn order(&self) -> Vec<usize> {
        let avoided = self.avoided.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut order: Vec<usize> = (0..avoided.len()).collect();
        order.sort_by_key(|at| {
            avoided
                .get(*at)
                .copied()
                .flatten()
                .is_some_and(|end| now < end)
        });
        order
    }

    fn avoid(&self, at: usize, until: Option<Instant>) {
        let mut avoided = self.avoided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = avoided.get_mut(at) {
            *place = until;
        }
    }
}

/// Whether another server might do what this one did not.
const fn is_elsewhere_perhaps_better(error: &DirectoryError) -> bool {
    matches!(
        error,
        DirectoryError::Broken { .. }
            | DirectoryError::TimedOut { .. }
            | DirectoryError::Unreachable(_)
    )
}

/// Connects to a socket, and does not wait where too many wait already.
fn unix(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

/// Connects to the first address of the host that answers.
fn tcp(host: &str, port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    first_of(&addresses, deadline)
}

fn first_of(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        // One that is silent (IPv6 that leads nowhere) must leave time for the next.
        let share = deadline.share(u32::try_from(left).unwrap_or(u32::MAX));
        let Some(left) = share.left() else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        match TcpStream::connect_timeout(address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                SockRef::from(&stream)
                    .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// TLS that verifies: with these certificates, or with those that the system trusts.
fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, DirectoryError> {
    let certificates = match ca {
        None => rustls_native_certs::load_native_certs().certs,
        Some(file) => {
            let found = rustls_native_certs::load_certs_from_paths(Some(file), None);
            if found.certs.is_empty() {
                let why = found.errors.first().map(ToString::to_string);
                return Err(DirectoryError::Certificates {
                    file: file.to_owned(),
                    why: why.unwrap_or_else(|| "there is none in it".to_owned()),
                });
            }
            found.certs
        }
    };
    let mut roots = RootCertStore::empty();
    // Systems have some that are too odd to be of use.
    roots.add_parsable_certificates(certificates);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(DirectoryError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_silent_address_leaves_time_for_the_next() {
        // Its queue is full, so that the system leaves every further knock without an answer.
        let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        silent
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        silent.listen(0).unwrap();
        let silent_at = silent.local_addr().unwrap().as_socket().unwrap();
        let short = Duration::from_millis(200);
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&silent_at, short) {
            waiting.push(stream);
            assert!(waiting.len() < 8);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [silent_at, listener.local_addr().unwrap()];
        let deadline = Deadline::after(Duration::from_secs(4));
        let stream = first_of(&addresses, deadline).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
    }
}
