//! Where a directory server is (RFC 4516, as far as it names a server).

use std::fmt;
use std::path::PathBuf;

use super::error::DirectoryError;

/// Where OpenLDAP puts its socket on Debian.
const LDAPI: &str = "/run/slapd/ldapi";

/// A directory server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// `ldap://` and `ldaps://`; an IPv6 address has no brackets here.
    Tcp { host: String, port: u16, tls: bool },
    /// `ldapi://`, a Unix socket.
    Unix(PathBuf),
}

impl Server {
    pub(super) fn parse(uri: &str) -> Result<Self, DirectoryError> {
        let wrong = |why| DirectoryError::Uri {
            // Before an @ there may be a password.
            uri: uri
                .rsplit_once('@')
                .map_or_else(|| uri.to_owned(), |(_, host)| format!("...@{host}")),
            why,
        };
        let (scheme, rest) = uri
            .split_once("://")
            .ok_or_else(|| wrong("has no scheme, e.g. ldap://localhost"))?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let tls = match &*scheme.to_ascii_lowercase() {
            "ldap" => false,
            "ldaps" => true,
            "ldapi" => {
                let path = match authority {
                    "" if rest.trim_matches('/').is_empty() => LDAPI.to_owned(),
                    _ => decoded(authority).ok_or_else(|| {
                        wrong("names no socket: its slashes are %2F, e.g. ldapi://%2Frun%2Fldapi")
                    })?,
                };
                if !path.starts_with('/') {
                    return Err(wrong(
                        "names no socket: its slashes are %2F, e.g. ldapi://%2Frun%2Fldapi",
                    ));
                }
                return Ok(Self::Unix(PathBuf::from(path)));
            }
            _ => return Err(wrong("is neither ldap://, ldaps:// nor ldapi://")),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest
                    .split_once(']')
                    .ok_or_else(|| wrong("has no ] after its address"))?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if authority.contains('@') {
            return Err(wrong("names a user; write bind_user and bind_password"));
        }
        let port = match port.filter(|port| !port.is_empty()) {
            Some(port) => port.parse().map_err(|_| wrong("has a port that is none"))?,
            None if tls => 636,
            None => 389,
        };
        let host = if host.is_empty() { "localhost" } else { host };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    /// What the driver needs to know beside the socket: the scheme, and the name that the
    /// certificate must have.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Tcp { .. } => self.to_string(),
            Self::Unix(_) => "ldapi:///".to_owned(),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, tls } => {
                let scheme = if *tls { "ldaps" } else { "ldap" };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
            Self::Unix(path) => write!(f, "ldapi at {}", path.display()),
        }
    }
}

/// Undoes `%2F`; absent where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_as_everywhere() {
        #[track_caller]
        fn check(uri: &str, shown: &str) {
            assert_eq!(Server::parse(uri).unwrap().to_string(), shown);
        }
        check("ldap://localhost", "ldap://localhost:389");
        check("LDAP://h:390/dc=x?uid", "ldap://h:390");
        check("ldap://", "ldap://localhost:389");
        check("ldaps://h/", "ldaps://h:636");
        check("ldap://[::1]", "ldap://[::1]:389");
        check("ldaps://[::1]:1", "ldaps://[::1]:1");
        check("ldapi://%2Ftmp%2Fa%20b", "ldapi at /tmp/a b");
        check("ldapi:///", "ldapi at /run/slapd/ldapi");
        check("ldapi://", "ldapi at /run/slapd/ldapi");
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for uri in [
            "localhost",
            "http://h",
            "ldap://h:99999",
            "ldap://h:x",
            "ldap://[::1",
            "ldap://u:p@h",
            "ldapi://run/ldapi",
            "ldapi:///run/ldapi",
            "ldapi://%2",
            "ldapi://%zz",
            "ldapi://%ff",
        ] {
            assert!(Server::parse(uri).is_err(), "{uri}");
        }
        for uri in [
            "ldap://u:hunter2@h",
            "ldapi://hunter2@h",
            "ldap://[hunter2@h",
        ] {
            let error = Server::parse(uri).unwrap_err().to_string();
            assert!(
                error.contains("@h") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
