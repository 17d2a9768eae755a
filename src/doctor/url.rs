//! The public URL, as somebody types it into a browser.

use std::fmt;

/// A base URL: scheme, host, port and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// As written, with a slash at its end.
    text: String,
    /// Whether the scheme is `https`.
    pub is_https: bool,
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    /// The port, the usual one when none is written.
    pub port: u16,
    /// With a slash at both ends.
    pub path: String,
}

/// Not a URL that a browser takes for a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no URL of a server, e.g. https://www.yourserver.net/yourpath/")]
pub struct BadUrl;

impl Url {
    /// Reads a URL. A slash at the end is added, as clients do it.
    ///
    /// # Errors
    /// [`BadUrl`] for everything but `http` and `https` with a host.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let odd = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}#?".contains(c);
        if text.contains(odd) {
            return Err(BadUrl);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(BadUrl),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = split_port(authority)?;
        let usual = if is_https { 443 } else { 80 };
        let port = match port {
            Some(port) => port.parse().map_err(|_| BadUrl)?,
            None => usual,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() || bare.contains('@') || port == 0 {
            return Err(BadUrl);
        }
        let slash = |text: &str| text.trim_end_matches('/').to_owned() + "/";
        Ok(Self {
            text: slash(text),
            is_https,
            host: bare.to_owned(),
            port,
            path: slash(path),
        })
    }

    /// The URL as it was written, with a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL of a page below.
    pub(super) fn join(&self, tail: &str) -> String {
        format!("{}{tail}", self.text)
    }

    /// The same server with another path.
    pub(super) fn with_path(&self, path: &str) -> Option<Self> {
        let end = self.text.len().checked_sub(self.path.len())?;
        Self::parse(&format!("{}{path}", self.text.get(..end)?)).ok()
    }

    /// In words, in what another URL differs from this one.
    pub(super) fn differs(&self, other: &str) -> String {
        let Ok(other) = Self::parse(other) else {
            return "it is no URL".to_owned();
        };
        let mut parts = Vec::new();
        if self.is_https != other.is_https {
            parts.push("the scheme".to_owned());
        }
        if !self.host.eq_ignore_ascii_case(&other.host) {
            parts.push("the host".to_owned());
        }
        if self.port != other.port {
            parts.push(format!(
                "the port ({} instead of {})",
                other.port, self.port
            ));
        }
        if self.path != other.path {
            parts.push(format!(
                "the path ({} instead of {})",
                other.path, self.path
            ));
        }
        if parts.is_empty() {
            return "only the spelling differs".to_owned();
        }
        format!("{} differs", parts.join(" and "))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), BadUrl> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let is_plain = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
            is_plain.then_some((host, Some(port))).ok_or(BadUrl)
        }
        _ => Ok((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, expected) in [
            ("https://h", ("https://h/", true, "h", 443, "/")),
            ("http://h/a/b", ("http://h/a/b/", false, "h", 80, "/a/b/")),
            (
                "https://h:8443/a//",
                ("https://h:8443/a/", true, "h", 8443, "/a/"),
            ),
            (
                "http://[::1]:81/",
                ("http://[::1]:81/", false, "::1", 81, "/"),
            ),
            ("http://[::1]", ("http://[::1]/", false, "::1", 80, "/")),
        ] {
            let url = Url::parse(text).unwrap();
            let parts = (
                url.as_str(),
                url.is_https,
                url.host.as_str(),
                url.port,
                url.path.as_str(),
            );
            assert_eq!(parts, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "h",
            "ftp://h/",
            "https://",
            "https:///a",
            "https://h:0/",
            "https://h:x/",
            "https://u@h/",
            "https://h/a b",
            "https://h/?a",
            "https://::1/",
            "https://é/",
        ] {
            assert_eq!(Url::parse(text), Err(BadUrl), "{text}");
        }
    }

    #[test]
    fn differences_are_named() {
        let url = Url::parse("https://h:8443/a").unwrap();
        for (other, words) in [
            ("http://h:8443/a/", "the scheme differs"),
            ("https://h/a/", "the port (443 instead of 8443) differs"),
            (
                "https://i:8443/",
                "the host and the path (/ instead of /a/) differs",
            ),
            ("https://h:8443/a", "only the spelling differs"),
            ("null", "it is no URL"),
        ] {
            assert_eq!(url.differs(other), words);
        }
    }

    #[test]
    fn another_path_of_the_same_server() {
        let url = Url::parse("https://h:8443/a/b").unwrap();
        let other = url.with_path("/").unwrap();
        assert_eq!(other.as_str(), "https://h:8443/");
        assert_eq!(other.join("x"), "https://h:8443/x");
    }
}
