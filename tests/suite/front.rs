//! A real web server on a free port, started from files that are shipped.
//!
//! What is common to all of them; the modules of the web servers say how each is configured.

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

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;
use rustix::process::pidfd_open;
use tempfile::TempDir;

use super::apache;
use super::caddy;
use super::endpoint::Endpoint;
use super::http::Http;
use super::lighttpd;
use super::log::Log;
use super::nginx;
use super::warden::Warden;
use super::way::Server;
use super::way::Way;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A web server as a program.
pub(crate) struct Program {
    /// Where it may lie: Debian keeps it out of the PATH of ordinary users.
    pub(crate) places: &'static [&'static str],
    /// The argument that makes it say its version.
    pub(crate) version: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
    /// What a line on its stderr says when it has bound its port.
    pub(crate) ready: &'static str,
}

impl Program {
    /// A missing web server is a failure of the tests, never a reason to test less.
    #[track_caller]
    pub(crate) fn path(&self) -> &'static str {
        let answers = |place: &&&str| {
            let mut command = Command::new(place);
            command.arg(self.version).stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        self.places.iter().find(answers).unwrap_or_else(|| {
            let package = self.package;
            panic!("these tests need a real {package}: apt-get install {package}, or `make test`")
        })
    }
}

/// What a web server passes requests on to.
pub(crate) enum Behind<'a> {
    /// A weaved that runs and listens there.
    Running(&'a Endpoint),
    /// A weaved that the web server itself starts with this file, its socket on descriptor 0.
    Started(&'a Path),
}

impl Behind<'_> {
    /// For servers that are told where weaved listens.
    #[track_caller]
    pub(crate) fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Running(endpoint) => endpoint,
            Self::Started(ini) => panic!("nobody listens yet for {}", ini.display()),
        }
    }
}

/// A running web server.
pub(crate) struct Front {
    child: Child,
    endpoint: Endpoint,
    mount: &'static str,
    log: Arc<Log>,
    _warden: Warden,
    _folder: TempDir,
}

impl Front {
    /// The web server of this way.
    pub(crate) fn before(way: Way, behind: &Behind<'_>) -> Option<Self> {
        match way.facts().server {
            Server::Apache => Some(apache::before(way, behind)),
            Server::Caddy => Some(caddy::before(way, behind)),
            Server::Lighttpd => Some(lighttpd::before(way, behind)),
            Server::Nginx => Some(nginx::before(way, behind)),
            Server::Nothing => None,
        }
    }

    /// Starts `program` in the foreground, with its log on stderr. `configure` is given a
    /// folder for the server's files and the port to listen on.
    #[track_caller]
    pub(crate) fn start(
        program: &Program,
        mount: &'static str,
        configure: impl Fn(&mut Command, &Path, u16),
    ) -> Self {
        // Web servers cannot choose a free port themselves, and between our choice and their
        // start somebody else may take the port: then another one.
        for _ in 0..5 {
            let prefix = format!("weaved-{}-", program.package);
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir().unwrap();
            let port = free_port();
            let mut command = Command::new(program.path());
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            configure(&mut command, folder.path(), port);
            let mut child = command.spawn().unwrap();
            let warden = Warden::over(child.id(), Some(folder.path()));
            let log = Log::collect(child.stderr.take().unwrap());
            let started = log.wait_for(|line| line.contains(program.ready).then_some(()));
            if started.is_none() {
                child.wait().unwrap();
                let said = log.text();
                assert!(
                    said.to_lowercase().contains("address already in use"),
                    "{} ended:\n{said}",
                    program.package
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
        panic!("no free port for {} in five attempts", program.package);
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

    /// Removes a further folder when the web server is gone, if this process ends before it.
    pub(crate) fn warden(&self, folder: &Path) -> Warden {
        Warden::over(self.child.id(), Some(folder))
    }

    /// Sends it a signal, as an administrator's command does.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What a user would type as the server's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}/", self.endpoint, self.mount)
    }
}

impl Drop for Front {
    /// TERM, not KILL: a master has workers to end, and a process manager its programs.
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM);
        if !ended_within(PATIENCE, Pid::from_child(&self.child)) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Waits for the end of a process, of whomever it is a child.
pub(crate) fn ended_within(patience: Duration, process: Pid) -> bool {
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else {
        return true;
    };
    let patience = Timespec::try_from(patience).unwrap();
    let mut handles = [PollFd::new(&handle, PollFlags::IN)];
    loop {
        match poll(&mut handles, Some(&patience)) {
            Err(Errno::INTR) => {}
            ended => return ended.is_ok_and(|ended| ended == 1),
        }
    }
}

/// A file that users copy, from the root of the tree.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a shipped file, in which each of `changes` is made exactly once: what the file
/// tells the user to change.
#[track_caller]
pub(crate) fn adapted(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(shipped(name)).unwrap();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from:?} once in {name}");
        text = text.replace(from, to);
    }
    text
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The line in the log may come a moment before the port answers.
#[track_caller]
fn await_connection(endpoint: &Endpoint) {
    let Endpoint::Tcp(address) = endpoint else {
        return;
    };
    let until = Instant::now() + PATIENCE;
    while let Err(error) = TcpStream::connect_timeout(address, PATIENCE) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(Instant::now() < until, "the web server does not answer");
        std::thread::yield_now();
    }
}
