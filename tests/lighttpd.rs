//! The files in `lighttpd/` and the script behind `make run` do what they say.

#[cfg(test)]
mod suite;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpStream;
    use std::path::Path;
    use std::process::Child;
    use std::process::Command;
    use std::process::Stdio;

    use rustix::process::Pid;
    use rustix::process::Signal;
    use serde_json::Value;
    use serde_json::json;

    use crate::suite::Behind;
    use crate::suite::Endpoint;
    use crate::suite::Front;
    use crate::suite::Gateway;
    use crate::suite::Http;
    use crate::suite::HttpRequest;
    use crate::suite::Listen;
    use crate::suite::Log;
    use crate::suite::Options;
    use crate::suite::PREFIX;
    use crate::suite::Transport;
    use crate::suite::WEAVED;
    use crate::suite::Weaved;
    use crate::suite::basic;
    use crate::suite::free_port;
    use crate::suite::lighttpd;
    use crate::suite::name_of;

    #[test]
    fn the_complete_server_at_a_prefix() {
        serves(Gateway::Fcgi, PREFIX, |weaved| {
            lighttpd::complete(weaved, PREFIX)
        });
    }

    #[test]
    fn the_complete_server_at_the_root() {
        serves(Gateway::Fcgi, "", |weaved| lighttpd::complete(weaved, ""));
    }

    #[test]
    fn fastcgi_at_a_prefix() {
        let name = "lighttpd/conf-available/50-weaved-fastcgi.conf";
        serves(Gateway::Fcgi, PREFIX, |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), PREFIX)
        });
    }

    #[test]
    fn fastcgi_at_the_root() {
        let name = "lighttpd/conf-available/50-weaved-fastcgi-root.conf";
        serves(Gateway::Fcgi, "", |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), "")
        });
    }

    #[test]
    fn scgi_at_a_prefix() {
        let name = "lighttpd/conf-available/50-weaved-scgi.conf";
        serves(Gateway::Scgi, PREFIX, |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), PREFIX)
        });
    }

    #[test]
    fn scgi_at_the_root() {
        let name = "lighttpd/conf-available/50-weaved-scgi-root.conf";
        serves(Gateway::Scgi, "", |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), "")
        });
    }

    /// As the comments in the snippets say: a socket instead of host and port.
    #[test]
    fn fastcgi_over_a_unix_socket() {
        let mut options = Options::new(Gateway::Fcgi, PREFIX);
        options.listen = Listen::Unix;
        let name = "lighttpd/conf-available/50-weaved-fastcgi.conf";
        serves_with(options, PREFIX, |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), PREFIX)
        });
    }

    #[test]
    fn scgi_over_a_unix_socket() {
        let mut options = Options::new(Gateway::Scgi, "");
        options.listen = Listen::Unix;
        let name = "lighttpd/conf-available/50-weaved-scgi-root.conf";
        serves_with(options, "", |weaved| {
            lighttpd::with_snippet(name, &Behind::Running(weaved), "")
        });
    }

    /// Without `mount` in development.ini, as the sample has it, the prefix is found out.
    #[test]
    fn a_prefix_that_nobody_configured() {
        let name = "lighttpd/conf-available/50-weaved-fastcgi.conf";
        let lighttpd = |weaved: &_| lighttpd::with_snippet(name, &Behind::Running(weaved), PREFIX);
        let mut options = Options::new(Gateway::Fcgi, "");
        options.automatic_mount = true;
        serves_with(options, PREFIX, lighttpd);
    }

    /// The files of the example, in which nothing but the two folders was changed.
    #[test]
    fn the_example_on_one_machine() {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lighttpd-sqlite");
        let here = folder.path().display().to_string();
        let read = |name: &str| {
            let text = fs::read_to_string(example.join(name)).unwrap();
            text.replace("/run/weaved", &here)
                .replace("/var/lib/weaved", &here)
        };
        for name in ["development.ini", "sync.conf"] {
            fs::write(folder.path().join(name), read(name)).unwrap();
        }
        let weaved = Command::new(WEAVED)
            .arg("serve")
            .arg(folder.path().join("development.ini"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut weaved = Killed(weaved.unwrap());
        let log = Log::collect(weaved.0.stderr.take().unwrap());
        let listening = log.wait_for(|line| line.contains("listening on unix:").then_some(()));
        assert!(listening.is_some(), "{}", log.text());
        let lighttpd = lighttpd::with_text(&read("lighttpd.conf"), PREFIX);
        lives_a_little(&lighttpd.client(), "https://www.yourserver.net/yourpath/");
    }

    /// A process that ends with the test.
    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn serves(gateway: Gateway, mount: &'static str, before: impl Fn(&Endpoint) -> Front) {
        serves_with(Options::new(gateway, mount), mount, before);
    }

    fn serves_with(options: Options, mount: &str, before: impl Fn(&Endpoint) -> Front) {
        let weaved = Weaved::start(options);
        let lighttpd = before(weaved.endpoint());
        lives_a_little(
            &lighttpd.client(),
            &format!("http://{}{mount}/", lighttpd.endpoint()),
        );
    }

    /// What set-ups get wrong: paths, Authorization, large bodies, encoded characters, chunks.
    fn lives_a_little(client: &Http, url: &str) {
        let request = |method, target: &str| HttpRequest::new(method, target);
        assert_eq!(client.send(&request("GET", "/__heartbeat__")).status, 200);
        let name = name_of("alice@example.com");
        let form = json!({"email": "alice@example.com", "password": "secret-pass"}).to_string();
        let created = client.send(&request("PUT", &format!("/user/1.0/{name}")).body(form));
        assert_eq!((created.status, created.text()), (200, name.clone()));
        let node = client.send(&request("GET", &format!("/user/1.0/{name}/node/weave")));
        assert_eq!((node.status, node.text().as_str()), (200, url));
        let storage = |method, path: &str| request(method, &format!("/1.1/{name}/storage/{path}"));
        let authorization = basic(&name, b"secret-pass");
        let send =
            |request: HttpRequest| client.send(&request.header("Authorization", &authorization));

        let nobody = client.send(&storage("GET", "c"));
        assert_eq!(nobody.status, 401);
        assert!(nobody.header("WWW-Authenticate").is_some());
        let large = |n: usize| json!({"id": format!("large{n}"), "payload": "x".repeat(200_000)});
        let records = Value::from_iter((0..5).map(large));
        let posted = send(storage("POST", "c").body(records.to_string()));
        let posted: Value = serde_json::from_slice(&posted.body).unwrap();
        assert_eq!(
            posted["success"].as_array().map(Vec::len),
            Some(5),
            "{posted}"
        );
        assert_eq!(send(storage("GET", "c?full=1")).body.len() / 1_000_000, 1);
        // 1.5 MB of which the server refuses a part: the body as a whole gets through.
        let records = Value::from_iter((0..8).map(large));
        assert_eq!(
            send(storage("POST", "d").body(records.to_string())).status,
            200
        );
        let odd = json!([{"id": "{a}/b c", "payload": "é"}]);
        assert_eq!(send(storage("POST", "e").body(odd.to_string())).status, 200);
        for spelled in ["%7Ba%7D%2Fb%20c", "%7ba%7d/b+c"] {
            let found = send(storage("GET", &format!("e?ids={spelled}")));
            assert_eq!(found.text(), r#"["{a}/b c"]"#, "{spelled}");
        }
        assert_eq!(
            send(storage("PUT", "e/a%23%7Eb").body(r#"{"payload":"x"}"#)).status,
            200
        );
        assert_eq!(send(storage("GET", "e/a%23~b")).status, 200);
        let chunks = "8\r\n{\"payloa\r\n7\r\nd\":\"x\"}\r\n0\r\n\r\n";
        let chunked = storage("PUT", "e/chunked").header("Transfer-Encoding", "chunked");
        assert_eq!(send(chunked.body(chunks)).status, 200);
        assert_eq!(send(storage("GET", "e/chunked")).status, 200);
    }

    /// scripts/run.sh with the program under test: it says the URL, and TERM ends everything.
    #[test]
    fn make_run_runs() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let (port, web_port) = (free_port(), free_port());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/run.sh");
        let mut child = Command::new(script)
            .arg(WEAVED)
            .env("WEAVED_RUN", &run)
            .env("WEAVED_PORT", port.to_string())
            .env("WEAVED_WEB_PORT", web_port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = Log::collect(child.stdout.take().unwrap());
        let err = Log::collect(child.stderr.take().unwrap());
        let url = out.wait_for(|line| {
            let at = line.find("http://")?;
            Some(line[at..].to_owned())
        });
        let url = url.unwrap_or_else(|| panic!("no URL:\n{}\n{}", out.text(), err.text()));
        assert_eq!(url, format!("http://127.0.0.1:{web_port}/yourpath/"));
        let endpoint = Endpoint::parse(&format!("127.0.0.1:{web_port}")).unwrap();
        lives_a_little(&Http::new(endpoint, PREFIX), &url);
        assert!(run.join("data/weaved.db").exists());
        assert!(run.join("conf/sync.conf").exists());

        rustix::process::kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        out.wait_for_end();
        assert!(child.wait().unwrap().success(), "{}", err.text());
        for port in [port, web_port] {
            assert!(
                TcpStream::connect(("127.0.0.1", port)).is_err(),
                "{port} still answers"
            );
        }
    }
}
