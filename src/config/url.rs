//! The addresses that we hand to browsers: base URLs, and the ports that browsers refuse.

use super::reader::Scope;
use super::values::Wanted;

/// Checks a base URL; a missing scheme becomes `https://`, a missing slash at the end is added.
///
/// Everything else stays as written, so that a client sees what the operator wrote.
pub(super) fn base(text: &str) -> Result<String, Wanted> {
    let wanted = || Wanted::new("is no URL, e.g. https://www.yourserver.net/yourpath/");
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}#?".contains(c)) {
        return Err(wanted());
    }
    let text = match text.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => text.to_owned(),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => text.to_owned(),
        Some(_) => return Err(wanted()),
        None => format!("https://{text}"),
    };
    let (host, port) = authority(&text).ok_or_else(wanted)?;
    let bad_port = port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..)));
    if host.is_empty() || host.contains('@') || bad_port {
        return Err(wanted());
    }
    Ok(if text.ends_with('/') {
        text
    } else {
        text + "/"
    })
}

/// The node that means that there is none.
pub const NO_NODE: &str = "null";

/// Checks a node: a base URL, or [`NO_NODE`] as it stands.
pub(super) fn node(text: &str) -> Result<String, Wanted> {
    if text == NO_NODE {
        Ok(text.to_owned())
    } else {
        base(text)
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            None if after.is_empty() => Some((host, None)),
            None => None,
            port => Some((host, port)),
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

/// The path of a checked URL; absent for [`NO_NODE`].
pub(super) fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}

/// Warns when the port of a checked URL is one that browsers refuse to connect to.
pub(super) fn warn_of_port(scope: &mut Scope<'_>, key: &str, url: &str) {
    let port = authority(url).and_then(|(_, port)| port?.parse().ok());
    if let Some(port) = port
        && is_blocked_port(port)
    {
        let text = format!(
            "has port {port}, which browsers refuse to connect to (they will call the URL invalid)"
        );
        scope.warn(key, text);
    }
}

/// Whether browsers refuse to connect to a port.
#[must_use]
pub fn is_blocked_port(port: u16) -> bool {
    BLOCKED.contains(&port)
}

/// The bad ports of the Fetch standard (section "port blocking"); older browsers block most of them.
const BLOCKED: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10_080,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_may_be_none() {
        assert_eq!(node("null").as_deref(), Ok("null"));
        assert_eq!(node("h/p").as_deref(), Ok("https://h/p/"));
    }

    #[test]
    fn a_base_url_keeps_what_was_written() {
        for (text, expected) in [
            ("https://h/p/", "https://h/p/"),
            ("https://h:8443/p", "https://h:8443/p/"),
            ("HTTP://h", "HTTP://h/"),
            ("h/p", "https://h/p/"),
            ("https://[::1]:81/", "https://[::1]:81/"),
        ] {
            assert_eq!(base(text), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "ftp://h/",
            "https://",
            "https:///p",
            "https://h:0/",
            "https://h:x/",
            "https://h /",
            "https://h/?a",
            "https://u@h/",
            "https://[::1/",
            "https://[::1]x/",
        ] {
            assert!(base(text).is_err(), "{text}");
        }
    }
}
