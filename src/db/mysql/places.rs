//! Where a server may be found: its Unix socket or its names and addresses, in order.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::path::PathBuf;

use crate::config::ServerHost;
use crate::config::ServerUri;
use crate::config::Tls;

/// The port on which servers listen when nobody says otherwise.
const PORT: u16 = 3306;

/// What a socket is called in a folder.
const FILES: [&str; 2] = ["mysqld.sock", "mysql.sock"];

/// Where the sockets of this machine's servers are on most systems.
const USUAL: [&str; 3] = [
    "/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];

/// One way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A Unix socket.
    Socket(PathBuf),
    /// A name or an address, and a port.
    Tcp(String, u16),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(f),
            Self::Tcp(name, port) if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// The places of a URI, in the order in which it names them.
///
/// `localhost` is a name like others; without any name it is this machine's socket, where there
/// is one, as for MySQL's own programs. TLS is for the network only.
pub(super) fn places(server: &ServerUri) -> Vec<Place> {
    if let Some(path) = &server.socket {
        return vec![Place::Socket(in_folder(path))];
    }
    let mut places = Vec::new();
    for host in &server.hosts {
        let name = host.name.as_deref().unwrap_or("localhost");
        if *host == ServerHost::default() && server.tls == Tls::Off {
            let usual = USUAL.map(PathBuf::from).into_iter();
            places.extend(usual.filter(|path| path.exists()).map(Place::Socket));
        }
        places.push(Place::Tcp(name.to_owned(), host.port.unwrap_or(PORT)));
    }
    places
}

/// The socket, when only its folder was named.
fn in_folder(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let mut files = FILES.map(|name| path.join(name)).into_iter();
    let first = path.join(FILES[0]);
    files.find(|path| path.exists()).unwrap_or(first)
}

/// From which addresses of ours to connect: one for each kind of address that a name has, in the
/// order in which the system tells them. The driver tries all of a kind, but gives up at the
/// first that fails when it is not told the kind.
pub(super) fn origins(name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    let mut origins = Vec::new();
    for address in (name, port).to_socket_addrs()? {
        let any = match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let origin = SocketAddr::new(any, 0);
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseUri;

    fn of(uri: &str) -> Vec<String> {
        let DatabaseUri::MySql(uri) = uri.parse().unwrap() else {
            panic!("{uri}");
        };
        places(&uri.server).iter().map(Place::to_string).collect()
    }

    #[test]
    fn places_come_in_the_order_of_the_uri() {
        assert_eq!(of("mysql://db.example/d"), ["db.example:3306"]);
        assert_eq!(
            of("mysql://u:p@a,[::1]:3307,c:3308/d"),
            ["a:3306", "[::1]:3307", "c:3308"]
        );
        assert_eq!(of("mysql://localhost:3306/d"), ["localhost:3306"]);
        assert_eq!(of("mysql:///d?unix_socket=/x/y.sock"), ["/x/y.sock"]);
        assert_eq!(of("mysql://localhost/d"), ["localhost:3306"]);
        assert_eq!(of("mysql:///d").last().unwrap(), "localhost:3306");
    }

    #[test]
    fn a_folder_stands_for_the_socket_in_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_folder(folder.path()), folder.path().join("mysqld.sock"));
        let path = folder.path().join("mysql.sock");
        std::fs::write(&path, "").unwrap();
        assert_eq!(in_folder(folder.path()), path);
        assert_eq!(in_folder(&path), path);
    }

    #[test]
    fn each_kind_of_address_is_tried_once() {
        let origins = |name| origins(name, 1).unwrap();
        assert_eq!(origins("127.0.0.1"), ["0.0.0.0:0".parse().unwrap()]);
        assert_eq!(origins("::1"), ["[::]:0".parse().unwrap()]);
    }
}
