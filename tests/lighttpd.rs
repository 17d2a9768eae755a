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
    use crate::suite::free_port;
    use crate::suite::lighttpd;
    use crate::suite::lives_a_little;

    #[test]
    fn scgi_over_a_unix_socket() {
        let mut options = Options::new(Gateway::Scgi, "");
        options.listen = Listen::Unix;
        let name = "lighttpd/conf-available/50-weaved-scgi-root.conf";
        serves(options, "", |weaved| {
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
        serves(options, PREFIX, lighttpd);
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

    fn serves(options: Options, mount: &str, before: impl Fn(&Endpoint) -> Front) {
        let weaved = Weaved::start(options);
        let lighttpd = before(weaved.endpoint());
        lives_a_little(
            &lighttpd.client(),
            &format!("http://{}{mount}/", lighttpd.endpoint()),
        );
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
        let client = Http::new(endpoint, PREFIX);
        lives_a_little(&client, &url);
        // That was the first account; who started this is told what to do for the next one.
        let second = HttpRequest::new("PUT", "/user/1.0/v64aw4knp6ittxnarcpmoi7smokoazsr");
        let form = r#"{"email":"johndoe@example.com","password":"secret-pass"}"#;
        assert_eq!(client.send(&second.body(form)).status, 403);
        let told = out.wait_for(|line| line.contains("closed after the first").then_some(()));
        assert!(told.is_some(), "{}", out.text());
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
