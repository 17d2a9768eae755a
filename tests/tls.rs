//! Each web server with TLS, from the files that are shipped: weaved sees that it is HTTPS.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use crate::suite::Certificate;
    use crate::suite::Endpoint;
    use crate::suite::Front;
    use crate::suite::Gateway;
    use crate::suite::Https;
    use crate::suite::Options;
    use crate::suite::PREFIX;
    use crate::suite::Weaved;
    use crate::suite::caddy;
    use crate::suite::lighttpd;
    use crate::suite::lives_a_little;
    use crate::suite::nginx;

    #[test]
    fn caddy_with_a_certificate_of_ones_own() {
        is_seen_as_https(Gateway::Fcgi, |weaved, certificate| {
            caddy::with_tls(weaved, certificate)
        });
    }

    #[test]
    fn lighttpd_by_fastcgi() {
        let name = "lighttpd/conf-available/50-weaved-fastcgi.conf";
        is_seen_as_https(Gateway::Fcgi, |weaved, certificate| {
            lighttpd::with_tls(name, weaved, certificate)
        });
    }

    #[test]
    fn lighttpd_by_scgi() {
        let name = "lighttpd/conf-available/50-weaved-scgi.conf";
        is_seen_as_https(Gateway::Scgi, |weaved, certificate| {
            lighttpd::with_tls(name, weaved, certificate)
        });
    }

    #[test]
    fn nginx_by_fastcgi() {
        let name = "nginx/snippets/weaved-fastcgi.conf";
        is_seen_as_https(Gateway::Fcgi, |weaved, certificate| {
            nginx::with_tls(name, weaved, certificate)
        });
    }

    #[test]
    fn nginx_by_scgi() {
        let name = "nginx/snippets/weaved-scgi.conf";
        is_seen_as_https(Gateway::Scgi, |weaved, certificate| {
            nginx::with_tls(name, weaved, certificate)
        });
    }

    /// No `public_url` is set, so the node is what weaved believes to be called.
    fn is_seen_as_https(gateway: Gateway, before: impl Fn(&Endpoint, &Certificate) -> Front) {
        let weaved = Weaved::start(Options::new(gateway, PREFIX));
        let certificate = Certificate::new();
        let front = before(weaved.endpoint(), &certificate);
        let client = Https::new(front.endpoint(), PREFIX, &certificate);
        let url = format!("https://{}{PREFIX}/", front.endpoint());
        lives_a_little(&client, &url);
    }
}
