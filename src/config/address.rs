//! Where to listen: the keys `host`, `port`, `socket` and what belongs to them (spec/config.md, 2.1).

use std::path::PathBuf;

use super::Gateway;
use super::reader::Count;
use super::reader::Scope;
use super::values::Octal;
use super::values::Setting;
use super::values::Wanted;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The listening socket is descriptor 0: the web server or a manager made it.
    Inherited,
    /// A TCP port.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// 0: any free one.
        port: u16,
    },
    /// A Unix socket.
    Unix {
        /// The socket's file.
        path: PathBuf,
        /// Rights of the file, e.g. `0o660`; wins over `umask`.
        mode: Option<u32>,
        /// Rights to take away from the file.
        umask: Option<u32>,
        /// Who shall own the file: a name or a number.
        owner: Option<String>,
        /// Which group the file shall have: a name or a number.
        group: Option<String>,
    },
}

/// Reads the keys.
pub(super) fn read(scope: &mut Scope<'_>, gateway: Gateway) -> Address {
    let host: Option<String> = scope.get("host", None);
    let port = scope.found("port").is_some();
    let port = port.then(|| scope.number("port", 0_u16, Count::new("a port", 0, 65_535, 5000)));
    let socket: Option<PathBuf> = scope.get("socket", None);
    let mode: Option<Octal> = scope.get("mode", None);
    let umask = read_umask(scope);
    let owner: Option<String> = scope.get("owner", None);
    let group: Option<String> = scope.get("group", None);
    if let Some(path) = socket {
        if host.is_some() || port.is_some() {
            let text = "cannot be combined with host and port: keep one of the two";
            scope.error("socket", text);
        }
        return Address::Unix {
            path,
            mode: mode.map(|Octal(bits)| bits),
            umask,
            owner,
            group,
        };
    }
    for key in ["mode", "umask", "owner", "group"] {
        if scope.found(key).is_some() {
            scope.warn(key, "concerns a Unix socket, but no socket is set");
        }
    }
    let host = host.map(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.to_owned()
    });
    if host
        .as_deref()
        .is_some_and(|host| host.contains(char::is_whitespace))
    {
        scope.error("host", "is more than one address: write one");
    }
    let local = || "127.0.0.1".to_owned();
    match (host, port, gateway) {
        (None, None, Gateway::Http) => Address::Tcp {
            host: local(),
            port: 8080,
        },
        (None, None, _) => Address::Inherited,
        (host, Some(port), _) => Address::Tcp {
            host: host.unwrap_or_else(local),
            port,
        },
        (Some(host), None, Gateway::Scgi) => Address::Tcp { host, port: 4000 },
        (Some(host), None, Gateway::Http) => Address::Tcp { host, port: 8080 },
        (Some(host), None, Gateway::Fcgi) => {
            scope.error("host", "needs a port beside it, e.g. port = 5000");
            Address::Tcp { host, port: 0 }
        }
    }
}

/// The old server read `umask` as a decimal number; people mean octal (spec/config.md, 2.1).
fn read_umask(scope: &mut Scope<'_>) -> Option<u32> {
    let text = scope.found("umask").map(|found| found.text.clone());
    let decimal = text.as_deref().and_then(|text| text.parse::<u32>().ok());
    let octal = text
        .as_deref()
        .is_none_or(|text| text.starts_with('0') || text.len() == 3);
    let read = |text: &str| {
        if octal {
            return Octal::read(text).map(Some);
        }
        let bits = decimal.filter(|&bits| bits <= 0o777);
        let wanted = || Wanted::new("is no umask: write it octal with a leading 0, e.g. 0117");
        bits.map(|bits| Some(Octal(bits))).ok_or_else(wanted)
    };
    let bits = scope.get_as("umask", None, read).map(|Octal(bits)| bits);
    if let Some(bits) = bits
        && let Some(text) = text
    {
        let other = if octal {
            decimal
        } else {
            u32::from_str_radix(&text, 8).ok()
        };
        if other.is_some_and(|other| other != bits) {
            let how = if octal {
                "octal; the old server took it as decimal"
            } else {
                "decimal, as the old server did"
            };
            scope.warn(
                "umask",
                format!("is read as {how}: it is {bits:04o}. Write 0o{bits:03o} to be clear"),
            );
        }
    }
    bits
}
