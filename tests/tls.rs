//! Each web server with TLS, from the files that are shipped: weaved sees that it is HTTPS.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use crate::suite::Behind;
    use crate::suite::Certificate;
    use crate::suite::Chunks;
    use crate::suite::Endpoint;
    use crate::suite::Front;
    use crate::suite::Gateway;
    use crate::suite::Home;
    use crate::suite::Https;
    use crate::suite::Listen;
    use crate::suite::Options;
    use crate::suite::PREFIX;
    use crate::suite::Weaved;
    use crate::suite::apache;
    use crate::suite::caddy;
    use crate::suite::lighttpd;
    use crate::suite::lives_a_little_with;
    use crate::suite::nginx;

    #[test]
    fn apache_by_mod_fcgid() {
        let home = Home::new();
        let mut options = Options::new(Gateway::Fcgi, "");
        options.listen = Listen::WebServer;
        let ini = home.configure(&options);
        let certificate = Certificate::new();
        let name = "apache/conf-available/weaved-fcgid-root.conf";
        let front = apache::with_tls(name, &Behind::Started(&ini), &certificate);
        answers_as_https(&front, "", Chunks::Taken, &certificate);
    }

    #[test]
    fn apache_by_mod_proxy_fcgi() {
        let name = "apache/conf-available/weaved-proxy-fcgi-root.conf";
        let weaved = Weaved::start(Options::new(Gateway::Fcgi, ""));
        let certificate = Certificate::new();
        let behind = Behind::Running(weaved.endpoint());
        let front = apache::with_tls(name, &behind, &certificate);
        answers_as_https(&front, "", Chunks::Taken, &certificate);
    }

    /// mod_proxy_scgi wants to know the length beforehand (spec/gateway.md, 3).
    #[test]
    fn apache_by_mod_proxy_scgi() {
        let name = "apache/conf-available/weaved-proxy-scgi-root.conf";
        let weaved = Weaved::start(Options::new(Gateway::Scgi, ""));
        let certificate = Certificate::new();
        let behind = Behind::Running(weaved.endpoint());
        let front = apache::with_tls(name, &behind, &certificate);
        answers_as_https(&front, "", Chunks::Refused, &certificate);
    }

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
        answers_as_https(&front, PREFIX, Chunks::Taken, &certificate);
    }

    fn answers_as_https(
        front: &Front,
        mount: &'static str,
        chunks: Chunks,
        certificate: &Certificate,
    ) {
        let client = Https::new(front.endpoint(), mount, certificate);
        let url = format!("https://{}{mount}/", front.endpoint());
        lives_a_little_with(chunks, &client, &url);
    }
}
