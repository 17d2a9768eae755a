//! What an operator is told by the log and by the server's own page when something is odd.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use crate::suite::Home;
    use crate::suite::HttpRequest;
    use crate::suite::HttpResponse;
    use crate::suite::Setup;
    use crate::suite::Site;
    use crate::suite::User;
    use crate::suite::Way;

    /// A request with variables that a web server sets.
    fn request(target: &str, variables: &[(&str, &str)]) -> HttpRequest {
        let mut request = HttpRequest::new("GET", target);
        for (name, value) in variables {
            if *name == "HTTP_HOST" {
                request = request.header("Host", value);
                continue;
            }
            let variable = ((*name).to_owned(), (*value).to_owned());
            request.variables.push(variable);
        }
        request
    }

    #[track_caller]
    fn send(site: &Site, request: &HttpRequest) -> HttpResponse {
        site.transport().send(request)
    }

    /// The warnings so far; a request that leaves a line of its own is waited for.
    #[track_caller]
    fn warnings(site: &Site) -> Vec<String> {
        // This answer is a warning, and comes after all that was asked before.
        let user = User::invented(site).with_password("wrong");
        user.get("info/collections").is(401);
        let last = format!("/{}/info/collections", user.name);
        let found = |line: &str| line.contains(&last).then_some(());
        site.log().wait_for(found).unwrap();
        let text = site.log().text();
        let lines = text.lines().filter(|line| line.contains("WARN"));
        // Those about the last call, and about where and as whom the test runs.
        let usual = ["credentials: ", "sync.conf:", "serving as root"];
        let lines = lines.filter(|line| !usual.iter().any(|usual| line.contains(usual)));
        lines
            .map(|line| line.split_once("] ").unwrap().1.to_owned())
            .collect()
    }

    /// All calls of a client whose web server keeps the header.
    fn asks_without(site: &Site, software: &str, times: usize) {
        for _ in 0..times {
            let variables = [("SERVER_SOFTWARE", software)];
            let call = request("/1.1/alice/info/collections", &variables);
            assert_eq!(send(site, &call).status, 401);
        }
    }

    #[test]
    fn authorization_that_never_comes_is_told_once_with_the_directive() {
        let site = Site::private(Way::FastCgi, Setup::Plain);
        asks_without(&site, "Apache/2.4.62 (Debian)", 1);
        site.stranger().get("nosuch").is(404);
        asks_without(&site, "Apache/2.4.62 (Debian)", 9);
        assert_eq!(
            warnings(&site),
            [
                "no request has had an Authorization header so far, so nobody can log in: in \
                 Apache's <Location> or <Directory> for weaved set `CGIPassAuth On`"
            ]
        );
    }

    #[test]
    fn a_client_that_asks_first_without_is_no_reason_to_worry() {
        let site = Site::private(Way::FastCgi, Setup::Plain);
        asks_without(&site, "nginx/1.22.1", 1);
        site.user().get("info/collections").ok();
        asks_without(&site, "nginx/1.22.1", 9);
        assert_eq!(warnings(&site), [""; 0]);
    }

    fn asks_for_the_node(site: &Site, variables: &[(&str, &str)]) {
        let user = site.user();
        let call = request(&format!("/user/1.0/{}/node/weave", user.name), variables);
        assert_eq!(send(site, &call).text(), "https://s.example/x/");
    }

    #[test]
    fn a_node_that_is_not_where_clients_come_from_is_told() {
        let site = Site::private(Way::FastCgi, Setup::Node);
        for _ in 0..3 {
            let called = [("HTTPS", "on"), ("HTTP_HOST", "www.example.net:8443")];
            asks_for_the_node(&site, &called);
        }
        assert_eq!(
            warnings(&site),
            [
                "a client that came by https://www.example.net:8443/yourpath/ was sent to \
                 https://s.example/x/, as public_url or fallback_node says: set it to the URL \
                 that people type into their browsers"
            ]
        );
    }

    #[test]
    fn a_node_that_is_where_clients_come_from_is_not_told() {
        let site = Site::in_home(Home::new(), Way::FastCgi, |options| {
            options.set("nodes.fallback_node", "https://s.example:8443/yourpath/")
        });
        let user = site.user();
        // nginx passes `$host` on, which has no port.
        for host in ["s.example", "S.example:8443"] {
            let variables = [("HTTPS", "on"), ("HTTP_HOST", host)];
            let call = request(&format!("/user/1.0/{}/node/weave", user.name), &variables);
            assert_eq!(send(&site, &call).status, 200);
        }
        assert_eq!(warnings(&site), [""; 0]);
    }

    #[test]
    fn a_mount_that_is_not_where_clients_ask_is_told() {
        let site = Site::private(Way::FastCgi, Setup::Plain);
        let elsewhere = [
            ("SCRIPT_NAME", "/sync"),
            ("REQUEST_URI", "/sync/user/1.0/alice"),
            ("SERVER_SOFTWARE", "lighttpd/1.4.69"),
        ];
        for target in ["/wp-login.php", "/1.1/alice/info/nosuch", "/misc/1.0/none"] {
            assert_eq!(send(&site, &request(target, &[])).status, 404);
        }
        assert_eq!(warnings(&site), [""; 0]);
        let call = request("/user/1.0/alice", &elsewhere);
        assert_eq!(send(&site, &call).status, 404);
        assert_eq!(
            warnings(&site),
            [
                "a client asks below /sync, but weaved is mounted at another path: set mount in \
                 [server:main] to the path that browsers use, or in lighttpd look at the key of \
                 `fastcgi.server` or `scgi.server` (\"/yourpath\", no slash at its end) and at \
                 `\"check-local\" => \"disable\"`"
            ]
        );
    }

    #[test]
    fn calls_below_another_path_of_the_mount_are_told() {
        let site = Site::private(Way::FastCgi, Setup::Plain);
        let user = site.user();
        user.call("GET", "/index.php%0A/1.1/a/storage/tabs")
            .send()
            .is(404);
        let told = warnings(&site);
        assert!(
            told[0].starts_with(
                "a client asks below /yourpath/index.php%0A, but weaved is mounted at /yourpath: "
            ),
            "{told:?}"
        );
    }

    #[test]
    fn what_the_gateway_refuses_names_the_client_and_the_setting() {
        for way in [Way::FastCgi, Way::Http, Way::Scgi] {
            let site = Site::private(way, Setup::SmallBody);
            let user = site.user();
            user.post("storage/c", vec![b' '; 2 << 20]).is(413);
            let told = warnings(&site);
            let (line, _) = told[0].split_once(" (id ").unwrap();
            assert_eq!(
                line,
                "request refused: request body too large; max_body is 1048576 bytes, raise it if \
                 such requests are meant to be status=413 peer=127.0.0.1"
            );
        }
    }

    fn page(site: &Site, target: &str, variables: &[(&str, &str)]) -> String {
        let answer = send(site, &request(target, variables));
        assert_eq!(answer.status, 200);
        answer.text()
    }

    #[test]
    fn the_servers_page_names_the_url_and_what_is_odd_about_it() {
        let site = Site::private(Way::FastCgi, Setup::Node);
        let called = [("HTTPS", "on"), ("HTTP_HOST", "other.example")];
        let text = page(&site, "/", &called);
        assert!(text.contains(">https://s.example/x/</code>"), "{text}");
        assert!(
            text.contains(">https://other.example/yourpath/</code>"),
            "{text}"
        );
        assert!(!text.contains(env!("CARGO_PKG_VERSION")), "{text}");

        let site = Site::private(Way::FastCgi, Setup::Plain);
        let text = page(
            &site,
            "",
            &[("HTTP_HOST", "h.example:8080"), ("PATH_INFO", "")],
        );
        assert!(
            text.contains(">http://h.example:8080/yourpath/</code>"),
            "{text}"
        );
        assert!(!text.contains("role=\"alert\""), "{text}");
        let text = page(&site, "/", &[("HTTP_HOST", "<script>")]);
        assert!(!text.contains("script"), "{text}");

        let site = Site::private(Way::FastCgi, Setup::NodeNull);
        assert!(page(&site, "/", &[]).contains("fallback_node = null"));
    }

    /// What a proxy says of the client counts only if the proxy is trusted.
    #[test]
    fn the_url_is_that_of_a_trusted_proxy() {
        let forwarded = |proxies: &str| {
            let site = Site::in_home(Home::new(), Way::FastCgi, |options| {
                options.set("global.trusted_proxies", proxies)
            });
            let call = request("/", &[("HTTP_HOST", "inner.example:8080")])
                .header("X-Forwarded-Proto", "https")
                .header("X-Forwarded-Host", "outer.example, other.example");
            send(&site, &call).text()
        };
        let (trusted, not) = (forwarded("127.0.0.1"), forwarded("192.0.2.1"));
        assert!(
            trusted.contains(">https://outer.example/yourpath/</code>"),
            "{trusted}"
        );
        assert!(
            not.contains(">http://inner.example:8080/yourpath/</code>"),
            "{not}"
        );
    }

    /// Where the mount is found out from each request, the page is at the configured URL, also
    /// behind nginx, which says nothing of a prefix.
    #[test]
    fn the_servers_page_is_at_the_configured_url() {
        let site = Site::in_home(Home::new(), Way::FastCgi, |mut options| {
            options.automatic_mount = true;
            options.set("global.public_url", "https://h.example/sync/")
        });
        for path in ["/sync", "/sync/"] {
            let nginx = [
                ("SCRIPT_NAME", path),
                ("PATH_INFO", ""),
                ("REQUEST_URI", path),
                ("HTTP_HOST", "h.example"),
                ("HTTPS", "on"),
            ];
            let text = page(&site, "", &nginx);
            assert!(text.contains(">https://h.example/sync/</code>"), "{text}");
            assert!(!text.contains("role=\"alert\""), "{text}");
        }
        let other = [
            ("SCRIPT_NAME", "/other"),
            ("PATH_INFO", ""),
            ("REQUEST_URI", "/other"),
        ];
        assert_eq!(send(&site, &request("", &other)).status, 404);
    }

    /// What README's chapter on trouble quotes of the log is logged, or stands in the program.
    #[test]
    fn the_readme_quotes_lines_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let (_, chapter) = readme.split_once("\n## Trouble\n").unwrap();
        let (chapter, _) = chapter.split_once("\n## ").unwrap();
        let mut code = String::new();
        read_code(&root.join("src"), &mut code);
        let site = Site::private(Way::FastCgi, Setup::SmallBody);
        let user = site.user();
        user.with_password("wrong").get("info/collections").is(401);
        user.post("storage/c", vec![b' '; 2 << 20]).is(413);
        warnings(&site);
        let log = site.log().text();
        let (mut quoted, mut missing) = (0, BTreeSet::new());
        let lines = chapter.split("The log: ``").skip(1);
        for line in lines.map(|rest| rest.split_once("``").unwrap().0) {
            quoted += 1;
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            let pieces = line.split('…').map(str::trim);
            let pieces: Vec<_> = pieces.filter(|piece| !piece.is_empty()).collect();
            let stand_in = |text: &str| pieces.iter().all(|piece| text.contains(piece));
            if !stand_in(&code) && !log.lines().any(stand_in) {
                missing.insert(line);
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
        assert!(quoted >= 6, "{quoted} lines are quoted");
    }

    /// All source text, with strings that go over several lines as they are at run time.
    fn read_code(folder: &Path, code: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read_code(&path, code);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            for (count, piece) in text.split("\\\n").enumerate() {
                code.push_str(if count == 0 {
                    piece
                } else {
                    piece.trim_start()
                });
            }
        }
    }
}
