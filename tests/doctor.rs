//! `weaved doctor` against the real server, behind a real web server, and behind broken ones.

#![cfg(feature = "doctor")]

#[cfg(test)]
mod broken_proxy;
#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use rcgen::CertificateParams;
    use rcgen::KeyPair;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;

    use crate::broken_proxy::Fault;
    use crate::broken_proxy::Proxy;
    use crate::suite::Home;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::Way;
    use crate::suite::run;

    /// What the doctor said.
    struct Said {
        code: Option<i32>,
        text: String,
    }

    impl Said {
        /// Everything was fine but what is named.
        #[track_caller]
        fn only(&self, verdict: &str, step: &str) -> &Self {
            let steps: Vec<_> = self
                .text
                .lines()
                .filter(|line| line.starts_with("FAIL") || line.starts_with("warn"))
                .map(|line| {
                    line.split_whitespace()
                        .take(2)
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            assert_eq!(steps, [format!("{verdict} {step}")], "{}", self.text);
            self.ends(i32::from(verdict == "FAIL"))
        }

        #[track_caller]
        fn says(&self, text: &str) -> &Self {
            assert!(self.text.contains(text), "not said: {text}\n{}", self.text);
            self
        }

        #[track_caller]
        fn ends(&self, code: i32) -> &Self {
            assert_eq!(self.code, Some(code), "{}", self.text);
            self
        }
    }

    fn doctor(arguments: &[&str], input: &str) -> Said {
        let home = Home::new();
        let arguments = [&["doctor"], arguments].concat();
        let output = run(&arguments, input, home.path());
        let text = [output.stdout, output.stderr].concat();
        Said {
            code: output.status.code(),
            text: String::from_utf8(text).unwrap(),
        }
    }

    fn all_is_well(way: Way) {
        let home = Home::new();
        let site = Site::in_home(home.clone(), way, |options| options);
        let user = site.user();
        let config = home.path().join("development.ini");
        let (url, config) = (site.url(), config.to_str().unwrap());
        let arguments = [&url, "--config", config, "--user", &user.email];
        let said = doctor(&arguments, &format!("{}\n", user.password));
        said.ends(0)
            .says("all is well")
            .says("a record was stored, read and deleted");
        said.says("a body of 33.5 MB arrives")
            .says("%2F and UTF-8 too");
        // It leaves nothing behind, and touches nothing else.
        user.get("info/collections").answers(serde_json::json!({}));
    }

    #[test]
    fn all_is_well_behind_every_web_server() {
        for way in Way::ALL.iter().filter(|way| way.speaks_http()) {
            println!("{way:?}");
            all_is_well(*way);
        }
    }

    /// What is said of a proxy that does one thing wrong.
    #[track_caller]
    fn behind(fault: Fault) -> Said {
        let site = Site::shared(Way::Http, Setup::Plain);
        let proxy = Proxy::new();
        let url = proxy.url();
        proxy.start(site.weaved().endpoint().port(), fault);
        doctor(&[&url], "")
    }

    #[test]
    fn a_proxy_that_does_nothing_wrong() {
        behind(Fault::Nothing)
            .ends(0)
            .says("all is well")
            .says("through nginx/1.22.1");
    }

    #[test]
    fn authorization_is_dropped() {
        let said = behind(Fault::DropsAuthorization);
        said.only("FAIL", "login")
            .says("does not arrive")
            .says("HTTP_AUTHORIZATION");
    }

    #[test]
    fn other_fields_of_requests_are_dropped() {
        let said = behind(Fault::DropsConditions);
        said.only("FAIL", "requests")
            .says("X-If-Unmodified-Since and X-Confirm-Delete");
    }

    #[test]
    fn bodies_are_cut() {
        let said = behind(Fault::CutsBodies);
        said.only("FAIL", "bodies")
            .says("only 1048576 bytes arrive")
            .says("client_max_body_size");
    }

    #[test]
    fn bodies_are_refused() {
        let said = behind(Fault::RefusesBodies);
        said.only("FAIL", "bodies")
            .says("the web server refuses a body of 1.5 MB (413)");
        said.says("client_max_body_size");
    }

    #[test]
    fn slashes_are_decoded() {
        let said = behind(Fault::DecodesSlashes);
        said.only("warn", "encoding")
            .says("a%2Fb in a path arrives as a/b")
            .says("proxy_pass");
    }

    #[test]
    fn queries_are_lost() {
        behind(Fault::DropsQueries)
            .only("FAIL", "query")
            .says("$query_string");
    }

    #[test]
    fn long_urls_are_refused() {
        let said = behind(Fault::RefusesLongUrls);
        said.only("FAIL", "query")
            .says("7 KB is refused (414)")
            .says("large_client_header");
    }

    #[test]
    fn methods_are_refused() {
        let said = behind(Fault::RefusesDeletes);
        said.only("FAIL", "methods")
            .says("DELETE does not arrive (405)")
            .says("limit_except");
    }

    /// As nginx does with `$host`: the node loses its port.
    #[test]
    fn clients_are_sent_to_another_node() {
        let said = behind(Fault::DropsThePort);
        said.only("FAIL", "node")
            .says("clients are sent to http://127.0.0.1/");
        said.says("the port (80 instead of ")
            .says("set public_url = http://127.0.0.1:");
    }

    #[test]
    fn a_configured_node_that_is_another_one() {
        let site = Site::private(Way::Http, Setup::Node);
        let said = doctor(&[&site.url()], "");
        said.only("FAIL", "node")
            .says("clients are sent to https://s.example/x/");
        said.says("the scheme and the host and the port")
            .says("as public_url or fallback_node");
    }

    #[test]
    fn no_node_at_all() {
        let site = Site::private(Way::Http, Setup::NodeNull);
        doctor(&[&site.url()], "")
            .only("FAIL", "node")
            .says("there is no node");
    }

    #[test]
    fn errors_are_replaced() {
        behind(Fault::ReplacesErrors)
            .only("FAIL", "errors")
            .says("fastcgi_intercept_errors");
    }

    #[test]
    fn answers_change_their_type() {
        behind(Fault::AnswersOtherKinds)
            .only("FAIL", "answers")
            .says("Content-Type");
    }

    #[test]
    fn fields_of_answers_are_stripped() {
        let said = behind(Fault::StripsFields);
        said.ends(1)
            .says("answers lose X-Weave-Timestamp and X-Weave-Records");
        said.says("fastcgi_hide_header");
    }

    #[test]
    fn the_web_server_asks_for_a_password() {
        let said = behind(Fault::AsksForAPassword);
        said.only("FAIL", "weaved")
            .says("a password of its own")
            .says("auth_basic off");
    }

    #[test]
    fn the_web_server_does_not_reach_weaved() {
        let said = behind(Fault::IsDown);
        said.only("FAIL", "weaved")
            .says("does not reach weaved (502")
            .says("fastcgi_pass");
    }

    #[test]
    fn the_web_server_redirects() {
        let said = behind(Fault::Redirects);
        said.only("FAIL", "redirect")
            .says("give browsers https://www.example.net/");
    }

    #[test]
    fn another_prefix_would_have_answered() {
        let site = Site::in_home(Home::new(), Way::Http, |mut options| {
            options.automatic_mount = true;
            options
        });
        let proxy = Proxy::new();
        let url = proxy.url();
        proxy.start(site.weaved().endpoint().port(), Fault::Serves("/sync/"));
        let said = doctor(&[&url], "");
        said.only("FAIL", "prefix")
            .says(&format!("weaved is not at {url}, but at {url}sync/"))
            .says("`location`");
    }

    #[test]
    fn a_mount_that_nobody_would_guess() {
        let site = Site::in_home(Home::new(), Way::Http, |mut options| {
            options.mount = "/a/secret";
            options
        });
        let said = doctor(&[&site.url()], "");
        said.only("FAIL", "prefix")
            .says("not under its mount (404)")
            .says("set mount = / in [server:main]");
        let config = site.weaved().home().path().join("development.ini");
        let said = doctor(&[&site.url(), "--config", config.to_str().unwrap()], "");
        said.only("FAIL", "prefix")
            .says("/a/secret/, or set mount = /");
    }

    #[test]
    fn no_prefix_answers() {
        let said = behind(Fault::Serves("/nobody/knows/"));
        said.only("FAIL", "prefix")
            .says("something else answers here (404 through nginx");
        said.says("`location`");
    }

    #[test]
    fn a_mount_that_is_not_the_url() {
        let site = Site::private(Way::LighttpdFastCgi, Setup::Plain);
        let url = site.url().replace("/yourpath/", "/yourpath/deeper/");
        let said = doctor(&[&url], "");
        said.only("FAIL", "prefix")
            .says("/yourpath/")
            .says("give browsers http://");
    }

    /// A server that answers what an old one does, one request a connection.
    fn old_server() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap_or(0);
                let head = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let (status, body) = if head.starts_with("GET /user/1.0/a ") {
                    ("200 OK", "1")
                } else {
                    ("404 Not Found", "<html>\n</html>\n")
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nServer: Apache/2.2\r\nContent-Length: {length}\r\n\
                     Connection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        port
    }

    #[test]
    fn an_old_server_answers() {
        let said = doctor(&[&format!("http://127.0.0.1:{}", old_server())], "");
        said.only("FAIL", "weaved")
            .says("a Sync server answers, but")
            .says("Apache/2.2");
    }

    #[test]
    fn nobody_listens() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        doctor(&[&url], "")
            .only("FAIL", "reach")
            .says("refuses the connection");
    }

    /// It accepts, and says nothing.
    #[test]
    fn somebody_listens_and_never_answers() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let said = doctor(&[&url, "--timeout", "1"], "");
        said.only("FAIL", "http").says("no answer in time");
        drop(listener);
    }

    #[test]
    fn an_unknown_name() {
        doctor(&["http://weaved.invalid/"], "")
            .only("FAIL", "name")
            .says("weaved.invalid");
    }

    #[test]
    fn a_blocked_port() {
        doctor(&["http://127.0.0.1:6000/"], "")
            .ends(1)
            .says("refuse to connect to port 6000");
    }

    #[test]
    fn https_to_a_port_without_it() {
        let site = Site::shared(Way::Http, Setup::Plain);
        let said = doctor(&[&site.url().replace("http:", "https:")], "");
        said.only("FAIL", "tls")
            .says("this port does not speak TLS");
    }

    /// A certificate as PEM, and a server's configuration with it.
    fn certificate(names: &[&str], until: i32) -> (String, ServerConfig) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        (certificate.pem(), config)
    }

    /// What is said of a server with this certificate, which is trusted or not.
    #[track_caller]
    fn behind_tls(names: &[&str], until: i32, is_trusted: bool) -> Said {
        let site = Site::in_home(Home::new(), Way::Http, |options| {
            options.set("global.trusted_proxies", "127.0.0.1")
        });
        let user = site.user();
        let (pem, config) = certificate(names, until);
        let file = site.weaved().home().path().join("ca.pem");
        fs::write(&file, pem).unwrap();
        let proxy = Proxy::new().with_tls(config);
        let url = proxy.url();
        proxy.start(site.weaved().endpoint().port(), Fault::Nothing);
        let mut arguments = vec![url.as_str(), "--user", &user.email];
        if is_trusted {
            arguments.extend(["--ca", file.to_str().unwrap()]);
        }
        doctor(&arguments, &format!("{}\n", user.password))
    }

    #[test]
    fn a_trusted_certificate() {
        let said = behind_tls(&["127.0.0.1"], 3000, true);
        said.ends(0)
            .says("the certificate is valid and trusted")
            .says("all is well");
        said.says("weaved knows that the client came by https");
    }

    /// What else there is to say is said, but no password is sent.
    #[test]
    fn an_untrusted_certificate() {
        let said = behind_tls(&["127.0.0.1"], 3000, false);
        said.only("FAIL", "tls")
            .says("nobody known here has issued it")
            .says("--ca FILE");
        said.says("no password goes to a server whose certificate is not trusted");
    }

    #[test]
    fn an_expired_certificate() {
        behind_tls(&["127.0.0.1"], 2001, true)
            .only("FAIL", "tls")
            .says("has expired");
    }

    #[test]
    fn a_certificate_for_another_name() {
        let said = behind_tls(&["www.example.net"], 3000, true);
        said.only("FAIL", "tls")
            .says("for another name")
            .says("a certificate for 127.0.0.1");
    }

    #[test]
    fn http_to_a_port_with_tls() {
        let (_, config) = certificate(&["127.0.0.1"], 3000);
        let proxy = Proxy::new().with_tls(config);
        let url = proxy.url().replace("https:", "http:");
        proxy.start(1, Fault::IsDown);
        doctor(&[&url], "")
            .only("FAIL", "tls")
            .says("give browsers https://127.0.0.1:");
    }

    #[test]
    fn a_wrong_password_and_a_wrong_name() {
        let site = Site::private(Way::Http, Setup::Plain);
        let user = site.user();
        let said = doctor(&[&site.url(), "--user", &user.email], "wrong-password\n");
        said.only("FAIL", "account")
            .says("the login is refused (401)");
        let said = doctor(&[&site.url(), "--user", "nobody@example.com"], "x\n");
        said.only("FAIL", "account").says("there is no account");
    }

    #[test]
    fn wrong_usage() {
        for arguments in [
            &["ftp://h/"][..],
            &["h"],
            &[],
            &["http://h/", "--ca", "/nosuch"],
        ] {
            doctor(arguments, "").ends(64);
        }
        let site = Site::private(Way::Http, Setup::Plain);
        let config = site.weaved().home().path().join("development.ini");
        let said = doctor(&["--config", config.to_str().unwrap()], "");
        said.ends(78).says("the configuration has no public_url");
    }
}
