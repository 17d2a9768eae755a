//! Which web server a request came through.

/// The web servers that name themselves in a way that is worth telling apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebServer {
    /// Apache httpd.
    Apache,
    /// Caddy.
    Caddy,
    /// lighttpd.
    Lighttpd,
    /// nginx, and what is built on it.
    Nginx,
    /// Another one, or one that does not say, or none.
    #[default]
    Other,
}

impl WebServer {
    /// Reads what a web server calls itself: SERVER_SOFTWARE of CGI, `Server` of HTTP.
    #[must_use]
    pub fn named(text: &[u8]) -> Self {
        let known = [
            (&b"apache"[..], Self::Apache),
            (b"caddy", Self::Caddy),
            (b"lighttpd", Self::Lighttpd),
            (b"nginx", Self::Nginx),
            (b"openresty", Self::Nginx),
        ];
        known
            .into_iter()
            .find(|(name, _)| {
                let start = text.get(..name.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(name))
            })
            .map_or(Self::Other, |(_, server)| server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_server_is_known_by_how_its_name_begins() {
        for (text, expected) in [
            ("Apache/2.4.62 (Debian)", WebServer::Apache),
            ("Caddy", WebServer::Caddy),
            ("lighttpd/1.4.69", WebServer::Lighttpd),
            ("nginx/1.22.1", WebServer::Nginx),
            ("ngin", WebServer::Other),
            ("", WebServer::Other),
        ] {
            assert_eq!(WebServer::named(text.as_bytes()), expected, "{text}");
        }
    }
}
