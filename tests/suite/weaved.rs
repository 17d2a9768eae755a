//! The real binary, started in a folder of its own.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use rustix::process::Pid;
use rustix::process::Signal;

use super::endpoint::Endpoint;
use super::fastcgi::FastCgi;
use super::home::Home;
use super::http::Http;
use super::log::Log;
use super::message::Transport;
use super::scgi::Scgi;
use super::warden::Warden;

/// The program under test.
pub(crate) const WEAVED: &str = env!("CARGO_BIN_EXE_weaved");

/// The protocol that the program speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Gateway {
    Fcgi,
    Http,
    Scgi,
}

impl Gateway {
    fn name(self) -> &'static str {
        match self {
            Self::Fcgi => "fcgi",
            Self::Http => "http",
            Self::Scgi => "scgi",
        }
    }
}

/// Where the program gets its listening socket from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Listen {
    /// A port of its own.
    Tcp,
    /// A Unix socket in its folder.
    Unix,
    /// Descriptor 0, from spawn-fcgi: a port for one process.
    SpawnFcgiOne,
    /// Descriptor 0, from spawn-fcgi: a Unix socket for three processes.
    SpawnFcgiThree,
    /// Descriptor 0, from the web server that starts the program.
    WebServer,
}

impl Listen {
    /// Whether somebody else starts the program, with its socket on descriptor 0.
    pub(crate) fn is_foreign(self) -> bool {
        !matches!(self, Self::Tcp | Self::Unix)
    }
}

/// Sections of development.ini that send the log to [`Home::log`].
const LOGGERS: &str = "
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = file
[handler_file]
class = FileHandler
args = ('%(here)s/weaved.log', 'a')
formatter = plain
[formatter_plain]
format = %(levelname)s [%(name)s] %(message)s
";

/// What differs from one server to another.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) gateway: Gateway,
    pub(crate) mount: &'static str,
    /// `section.key` and value, for sync.conf; the last one of a key counts.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Leaves `mount` out of development.ini: the program finds out.
    pub(crate) automatic_mount: bool,
    pub(crate) listen: Listen,
    pub(crate) threads: usize,
    /// Further text of development.ini.
    pub(crate) ini: &'static str,
    /// Further lines of its `[server:main]`.
    pub(crate) server: String,
}

impl Options {
    pub(crate) fn new(gateway: Gateway, mount: &'static str) -> Self {
        Self {
            gateway,
            mount,
            settings: Vec::new(),
            automatic_mount: false,
            listen: Listen::Tcp,
            threads: 16,
            ini: "",
            server: String::new(),
        }
    }

    pub(crate) fn set(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((key, value.into()));
        self
    }

    /// Accounts and records at this URI.
    pub(crate) fn database(self, uri: String) -> Self {
        let options = self.set("auth.sqluri", uri.clone());
        options.set("storage.sqluri", uri)
    }

    /// Another line of `[server:main]`.
    pub(crate) fn server(mut self, key: &str, value: &str) -> Self {
        self.server.push_str(&format!("{key} = {value}\n"));
        self
    }

    pub(super) fn ini(&self) -> String {
        let (gateway, threads) = (self.gateway.name(), self.threads);
        let (extra, server) = (self.ini, &self.server);
        let mount = match self.mount {
            _ if self.automatic_mount => String::new(),
            "" => "mount = /\n".to_owned(),
            mount => format!("mount = {mount}\n"),
        };
        let address = match self.listen {
            Listen::Tcp => "host = 127.0.0.1\nport = 0",
            Listen::Unix => "socket = %(here)s/weaved.sock\nmode = 0600",
            Listen::SpawnFcgiOne | Listen::SpawnFcgiThree | Listen::WebServer => "",
        };
        // spawn-fcgi sends what programs write to stderr to nowhere.
        let loggers = match self.listen {
            Listen::SpawnFcgiOne | Listen::SpawnFcgiThree => LOGGERS,
            _ => "",
        };
        format!(
            "[server:main]\nuse = {gateway}\n{address}\n{mount}threads = {threads}\n{server}\n\
             [app:main]\nuse = egg:SyncServer\nconfiguration = file:%(here)s/sync.conf\n{extra}\n{loggers}"
        )
    }

    pub(super) fn conf(&self, uri: &str) -> String {
        let mut settings = vec![
            ("storage.backend", "sql".to_owned()),
            ("storage.sqluri", uri.to_owned()),
            ("storage.create_tables", "true".to_owned()),
            ("auth.backend", "sql".to_owned()),
            ("auth.sqluri", uri.to_owned()),
            ("auth.create_tables", "true".to_owned()),
            // All tests come from one address.
            ("global.rate_client", "off".to_owned()),
            ("global.rate_login", "off".to_owned()),
            ("global.rate_account", "off".to_owned()),
            ("global.rate_sign_up", "off".to_owned()),
            ("pairing.channels_per_address", "2000".to_owned()),
        ];
        for (key, value) in &self.settings {
            settings.retain(|(known, _)| known != key);
            settings.push((key, value.clone()));
        }
        settings.sort();
        let mut text = String::new();
        let mut section = "";
        for (name, value) in &settings {
            let (in_section, key) = name.split_once('.').unwrap();
            if in_section != section {
                text.push_str(&format!("[{in_section}]\n"));
                section = in_section;
            }
            text.push_str(&format!("{key} = {value}\n"));
        }
        text
    }
}

/// A running server.
pub(crate) struct Weaved {
    options: Options,
    home: Home,
    endpoint: Endpoint,
    log: Arc<Log>,
    child: Mutex<Option<(Child, Warden)>>,
}

impl Weaved {
    pub(crate) fn start(options: Options) -> Self {
        Self::start_in(Home::new(), options)
    }

    /// Starts in a folder that may hold the files of an earlier server.
    #[track_caller]
    pub(crate) fn start_in(home: Home, options: Options) -> Self {
        let ini = home.configure(&options);
        let mut command = Command::new(WEAVED);
        command.arg("serve").arg(&ini).stdin(Stdio::null());
        Self::run(home, options, &mut command)
    }

    /// Starts `command`, which leads to a server with these options in this folder.
    #[track_caller]
    pub(crate) fn run(home: Home, options: Options, command: &mut Command) -> Self {
        let mut child = command
            .current_dir(home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let warden = Warden::over(child.id(), Some(home.path()));
        let log = Log::collect(child.stderr.take().unwrap());
        let endpoint = log.wait_for(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            let word = rest.split([' ', ',', ';']).next()?;
            Endpoint::parse(word.trim_end_matches('.'))
        });
        let Some(endpoint) = endpoint else {
            let status = child.wait().unwrap();
            panic!("weaved ended at start ({status}):\n{}", log.text());
        };
        Self {
            options,
            home,
            endpoint,
            log,
            child: Mutex::new(Some((child, warden))),
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// A client that speaks the server's protocol to it, without a web server.
    pub(crate) fn direct(&self) -> Box<dyn Transport> {
        let (endpoint, mount) = (self.endpoint.clone(), self.options.mount);
        match self.options.gateway {
            Gateway::Fcgi => Box::new(FastCgi { endpoint, mount }),
            Gateway::Http => Box::new(Http::new(endpoint, mount)),
            Gateway::Scgi => Box::new(Scgi { endpoint, mount }),
        }
    }

    /// TERM, and the exit status that it led to.
    #[track_caller]
    pub(crate) fn stop(&self) -> ExitStatus {
        self.end(Signal::TERM)
    }

    /// The id of the process that was started: the master.
    #[track_caller]
    pub(crate) fn master(&self) -> u32 {
        let child = self.child.lock().unwrap();
        child.as_ref().expect("ended already").0.id()
    }

    /// The ids of the processes that serve.
    #[track_caller]
    pub(crate) fn workers(&self) -> Vec<u32> {
        children(self.master())
    }

    /// The ids of the processes that serve, in order, once so many have served together.
    #[track_caller]
    pub(crate) fn all_workers(&self, count: usize) -> Vec<u32> {
        let served = format!(" serves: serving={count} ");
        let started = self
            .log
            .wait_for(|line| line.contains(&served).then_some(()));
        assert!(started.is_some(), "{}", self.log.text());
        let mut workers = self.workers();
        workers.sort_unstable();
        workers
    }

    /// KILL to master and workers: no chance to finish anything.
    #[track_caller]
    pub(crate) fn kill(&self) {
        // Stopped, the master replaces nobody.
        signal(self.master(), Signal::STOP);
        for worker in self.workers() {
            signal(worker, Signal::KILL);
        }
        let status = self.end(Signal::KILL);
        assert_eq!(status.signal(), Some(9), "it had ended before: {status}");
    }

    /// KILL to the master alone: its workers have to notice.
    #[track_caller]
    pub(crate) fn kill_master(&self) {
        let status = self.end(Signal::KILL);
        assert_eq!(status.signal(), Some(9), "it had ended before: {status}");
    }

    /// A signal that ends the server, and the exit status that it led to.
    #[track_caller]
    pub(crate) fn end(&self, signal: Signal) -> ExitStatus {
        let Some((mut child, warden)) = self.child.lock().unwrap().take() else {
            panic!("ended already");
        };
        rustix::process::kill_process(Pid::from_child(&child), signal).unwrap();
        self.log.wait_for_end();
        let status = child.wait().unwrap();
        drop(warden);
        status
    }
}

impl Drop for Weaved {
    fn drop(&mut self) {
        if self.child.get_mut().unwrap().is_none() {
            return;
        }
        let status = self.stop();
        // A second panic would hide the first one.
        if !std::thread::panicking() {
            assert!(
                status.success(),
                "after TERM: {status}\n{}",
                self.log.text()
            );
        }
    }
}

/// Sends a signal to a process.
#[track_caller]
pub(crate) fn signal(process: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

/// The children of a process that have not ended.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // `ID (NAME) STATE PARENT ...`; it may have ended in the meantime.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
            continue;
        };
        let mut fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let (state, of) = (fields.next(), fields.next());
        if state != Some("Z") && of.and_then(|of| of.parse().ok()) == Some(parent) {
            children.push(id);
        }
    }
    children
}

/// Runs a command of the program to its end, with `input` on its stdin.
#[track_caller]
pub(crate) fn run(arguments: &[&str], input: &str, folder: &Path) -> Output {
    let mut child = Command::new(WEAVED)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads no input closes the pipe.
    match io::Write::write_all(&mut stdin, input.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => panic!("{error}"),
        _ => drop(stdin),
    }
    child.wait_with_output().unwrap()
}
