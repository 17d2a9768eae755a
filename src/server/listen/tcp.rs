//! Listening on a TCP port of IPv4 or IPv6.

use std::io;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use super::ListenError;
use super::Listener;

/// Binds the first address of `host` that can be bound.
pub(super) fn bind(host: &str, port: u16, backlog: i32) -> Result<Listener, ListenError> {
    let mut failed = None;
    for address in addresses(host, port)? {
        match open(address, backlog) {
            Ok(listener) => return Ok(listener),
            // The first address is the one that was meant: its error tells most.
            Err(source) => {
                failed.get_or_insert(ListenError::System {
                    local: address.to_string(),
                    hint: hint(&source),
                    source,
                });
            }
        }
    }
    Err(failed.unwrap_or_else(|| ListenError::Resolve {
        host: host.to_owned(),
        source: None,
    }))
}

fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, ListenError> {
    let name = match host {
        "" | "*" => "0.0.0.0",
        _ => host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host),
    };
    let resolved = (name, port)
        .to_socket_addrs()
        .map_err(|source| ListenError::Resolve {
            host: host.to_owned(),
            source: Some(source),
        })?;
    let mut addresses: Vec<_> = resolved.collect();
    // A web server that is told 127.0.0.1 must find what we call localhost.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    Ok(addresses)
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<Listener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    let local = super::local(&socket)?;
    Ok(Listener {
        socket,
        local,
        claim: None,
    })
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses the port; stop it or choose another port",
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; use one that it has, such as 127.0.0.1"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for root; choose a higher port or give the program \
             CAP_NET_BIND_SERVICE"
        }
        _ => "the system refuses; see its reason",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Local;
    use super::*;

    #[track_caller]
    fn check(host: &str, starts: &str) {
        let listener = bind(host, 0, 8).unwrap();
        let Local::Tcp(address) = listener.local() else {
            panic!("not TCP")
        };
        assert_ne!(address.port(), 0);
        let printed = listener.local().to_string();
        assert!(printed.starts_with(starts), "{printed}");
    }

    #[test]
    fn hosts_are_names_and_addresses_of_both_kinds() {
        check("127.0.0.1", "127.0.0.1:");
        check("localhost", "127.0.0.1:");
        check("", "0.0.0.0:");
        check("*", "0.0.0.0:");
        if Socket::new(Domain::IPV6, Type::STREAM, None)
            .and_then(|socket| socket.bind(&SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0)).into()))
            .is_ok()
        {
            check("::1", "[::1]:");
            check("[::1]", "[::1]:");
        }
    }

    #[test]
    fn a_port_in_use_is_told_with_what_to_do() {
        let first = bind("127.0.0.1", 0, 8).unwrap();
        let Local::Tcp(address) = first.local() else {
            panic!("not TCP")
        };
        let error = bind("127.0.0.1", address.port(), 8).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot listen on {address}: another program uses the port; \
                 stop it or choose another port"
            )
        );
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = bind("192.0.2.1", 0, 8).unwrap_err();
        assert!(
            matches!(&error, ListenError::System { source, .. }
                if source.kind() == io::ErrorKind::AddrNotAvailable),
            "{error:?}"
        );
    }
}
