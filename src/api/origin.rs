//! Where a client believes this server to be, and whether that is where it is told to go.

use std::net::IpAddr;

/// How the client reached this server.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The Host header, if there was one that can stand in a URL.
    pub host: Option<&'a str>,
    /// The mount prefix, without a slash at its end.
    pub prefix: &'a str,
    /// Where the client is, as far as that can be told.
    pub client: Option<IpAddr>,
}

/// In what a configured URL differs from the one that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The host's name.
    Host,
    /// The path.
    Path,
    /// The path, unless the web server cuts it off before it passes requests on.
    PathOrCut,
    /// The port.
    Port,
    /// `http` is configured, and the client used TLS.
    Scheme,
    /// `https` is configured and no TLS was seen: perhaps it ends where we are not told of it.
    SchemeOrUntold,
}

impl Origin<'_> {
    /// The URL that the client used, with a slash at its end; absent without a host.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let host = self.host?;
        Some(format!("{}://{host}{}/", self.scheme, self.prefix))
    }

    /// The name or address, in lower case, and the port that the client used.
    #[must_use]
    pub fn name_and_port(&self) -> Option<(String, &str)> {
        let (name, port) = host_and_port(self.host?);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let port = port.filter(|port| !port.is_empty());
        Some((name, port.unwrap_or(usual_port(self.scheme))))
    }

    /// In what `url` differs from what the client used; nothing where that cannot be told.
    ///
    /// Web servers and clients drop ports from the Host header (nginx passes `$host` on), so a
    /// port that is not there says nothing.
    #[must_use]
    pub fn differs(&self, url: &str) -> Option<Difference> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (name, port) = host_and_port(authority);
        if let Some(host) = self.host {
            let (called, called_port) = host_and_port(host);
            if !called.eq_ignore_ascii_case(name) {
                return Some(Difference::Host);
            }
            if called_port.is_some_and(|called| called != port.unwrap_or(usual_port(scheme))) {
                return Some(Difference::Port);
            }
        }
        let path = path.trim_end_matches('/');
        let plain = |text: &str| text.is_ascii() && !text.contains('%');
        if path != self.prefix && plain(path) && plain(self.prefix) {
            return Some(if self.prefix.is_empty() {
                Difference::PathOrCut
            } else {
                Difference::Path
            });
        }
        if scheme.eq_ignore_ascii_case(self.scheme) {
            None
        } else if self.scheme == "https" {
            Some(Difference::Scheme)
        } else {
            Some(Difference::SchemeOrUntold)
        }
    }
}

/// The port of a URL in which none is written.
fn usual_port(scheme: &str) -> &'static str {
    if scheme.eq_ignore_ascii_case("http") {
        "80"
    } else {
        "443"
    }
}

/// A name and a port, if there is one; the brackets of an IPv6 address belong to the name.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(called: (&str, &str, &str), expected: Option<Difference>) {
        let (scheme, host, prefix) = called;
        let host = Some(host);
        let origin = Origin {
            scheme,
            host,
            prefix,
            client: None,
        };
        assert_eq!(
            origin.differs("https://www.example.net:8443/sync/"),
            expected
        );
    }

    #[test]
    fn a_url_is_compared_part_by_part() {
        check(("https", "www.example.net:8443", "/sync"), None);
        check(("https", "WWW.example.net:8443", "/sync"), None);
        check(("https", "www.example.net", "/sync"), None);
        check(("https", "example.net", "/sync"), Some(Difference::Host));
        check(
            ("https", "www.example.net:443", "/sync"),
            Some(Difference::Port),
        );
        check(
            ("https", "www.example.net", "/other"),
            Some(Difference::Path),
        );
        check(
            ("https", "www.example.net", ""),
            Some(Difference::PathOrCut),
        );
        check(
            ("http", "www.example.net", "/sync"),
            Some(Difference::SchemeOrUntold),
        );
    }

    #[test]
    fn a_host_has_a_name_and_a_port() {
        for (scheme, host, expected) in [
            ("http", "Www.Example.net", Some(("www.example.net", "80"))),
            ("https", "www.example.net", Some(("www.example.net", "443"))),
            ("https", "h.:8443", Some(("h", "8443"))),
            ("http", "h:", Some(("h", "80"))),
            ("http", "[::1]", Some(("[::1]", "80"))),
            ("http", "[::1]:81", Some(("[::1]", "81"))),
            ("http", "", None),
        ] {
            let origin = Origin {
                scheme,
                host: Some(host).filter(|host| !host.is_empty()),
                prefix: "",
                client: None,
            };
            let found = origin.name_and_port();
            let found = found.as_ref().map(|(name, port)| (&**name, *port));
            assert_eq!(found, expected, "{host}");
        }
    }

    #[test]
    fn usual_ports_need_not_be_written() {
        let origin = Origin {
            scheme: "https",
            host: Some("[::1]:443"),
            prefix: "",
            client: None,
        };
        assert_eq!(origin.differs("https://[::1]/"), None);
        assert_eq!(origin.differs("http://[::1]:443"), Some(Difference::Scheme));
        assert_eq!(origin.url().as_deref(), Some("https://[::1]:443/"));
    }
}
