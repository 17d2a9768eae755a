//! A real lighttpd on a free port, started from the files that are shipped in `lighttpd/`.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use super::endpoint::Endpoint;
use super::http::Http;
use super::log::Log;
use super::warden::Warden;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running lighttpd.
pub(crate) struct Lighttpd {
    child: Child,
    endpoint: Endpoint,
    mount: &'static str,
    log: Arc<Log>,
    _warden: Warden,
    _folder: TempDir,
}

impl Lighttpd {
    /// The complete server of `lighttpd/weaved.conf`.
    pub(crate) fn complete(weaved: &Endpoint, mount: &'static str) -> Self {
        let port = weaved.port().to_string();
        let prefix = if mount.is_empty() { "/" } else { mount };
        Self::start(mount, |command, folder, web_port| {
            command
                .arg("-f")
                .arg(shipped("weaved.conf"))
                .env("WEAVED_WEB_PORT", web_port.to_string())
                .env("WEAVED_PORT", &port)
                .env("WEAVED_MOUNT", prefix)
                .env("WEAVED_RUN", folder);
        })
    }

    /// A server that includes one of the files of `lighttpd/conf-available`, in which nothing
    /// but the address was changed.
    pub(crate) fn with_snippet(name: &str, weaved: &Endpoint, mount: &'static str) -> Self {
        let snippet = fs::read_to_string(shipped("conf-available").join(name)).unwrap();
        let tcp = "    \"host\" => \"127.0.0.1\",\n    \"port\" => 5000,\n";
        assert_eq!(
            snippet.matches(tcp).count(),
            1,
            "one address to change in {name}"
        );
        let address = match weaved {
            Endpoint::Tcp(address) => tcp.replace("5000", &address.port().to_string()),
            Endpoint::Unix(path) => format!("    \"socket\" => {path:?},\n"),
        };
        Self::with_text(&snippet.replace(tcp, &address), mount)
    }

    /// A server that includes this text.
    pub(crate) fn with_text(snippet: &str, mount: &'static str) -> Self {
        Self::start(mount, |command, folder, web_port| {
            fs::write(folder.join("snippet.conf"), snippet).unwrap();
            let main = format!(
                "server.bind = \"127.0.0.1\"\nserver.port = {web_port}\n\
                 server.document-root = \"{0}\"\nserver.upload-dirs = ( \"{0}\" )\n\
                 include \"snippet.conf\"\n",
                folder.display()
            );
            fs::write(folder.join("main.conf"), main).unwrap();
            command.arg("-f").arg(folder.join("main.conf"));
        })
    }

    #[track_caller]
    fn start(mount: &'static str, configure: impl Fn(&mut Command, &Path, u16)) -> Self {
        // lighttpd cannot choose a free port itself, and between our choice and its start
        // somebody else may take the port: then another one.
        for _ in 0..5 {
            let folder = tempfile::Builder::new()
                .prefix("weaved-lighttpd-")
                .tempdir();
            let folder = folder.unwrap();
            let port = free_port();
            let mut command = Command::new(program());
            command
                .arg("-D")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            configure(&mut command, folder.path(), port);
            let mut child = command.spawn().unwrap();
            let warden = Warden::over(child.id(), Some(folder.path()));
            let log = Log::collect(child.stderr.take().unwrap());
            let started = log.wait_for(|line| line.contains("server started").then_some(()));
            if started.is_none() {
                child.wait().unwrap();
                let said = log.text();
                assert!(
                    said.contains("Address already in use"),
                    "lighttpd ended:\n{said}"
                );
                continue;
            }
            let endpoint = Endpoint::Tcp(([127, 0, 0, 1], port).into());
            await_connection(&endpoint);
            return Self {
                child,
                endpoint,
                mount,
                log,
                _warden: warden,
                _folder: folder,
            };
        }
        panic!("no free port for lighttpd in five attempts");
    }

    /// A browser's connection to it.
    pub(crate) fn client(&self) -> Http {
        Http::new(self.endpoint.clone(), self.mount)
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }
}

impl Drop for Lighttpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("lighttpd")
        .join(name)
}

/// Debian keeps it out of the PATH of ordinary users.
#[track_caller]
fn program() -> &'static str {
    let places = ["lighttpd", "/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd"];
    let answers = |place: &&str| {
        let mut command = Command::new(place);
        command
            .arg("-v")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    places.into_iter().find(answers).unwrap_or_else(|| {
        panic!("these tests need a real lighttpd: apt-get install lighttpd, or run `make test`")
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The line in the log comes a moment before the port answers.
#[track_caller]
fn await_connection(endpoint: &Endpoint) {
    let Endpoint::Tcp(address) = endpoint else {
        return;
    };
    let until = Instant::now() + PATIENCE;
    while let Err(error) = TcpStream::connect_timeout(address, PATIENCE) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(Instant::now() < until, "lighttpd does not answer");
        std::thread::yield_now();
    }
}
