//! A folder in which a server is started in the background, as an operator would.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::suite::Endpoint;
use crate::suite::Gateway;
use crate::suite::Home;
use crate::suite::Http;
use crate::suite::HttpRequest;
use crate::suite::Options;
use crate::suite::Transport;
use crate::suite::WEAVED;

/// A user who is everywhere.
pub(crate) const USER: &str = "nobody";

/// A folder with a configuration; the server that was started in it is stopped at the end.
pub(crate) struct Place {
    home: Home,
    /// The program under test, or a copy of it.
    program: PathBuf,
    /// Reads a pipe that nobody writes to, and stops the server when the test process has gone.
    warden: Child,
}

const WARDEN: &str = r#"read -r _; [ ! -e paster.pid ] || "$0" serve stop; rm -rf "$PWD""#;

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said(pub(crate) Output);

impl Said {
    /// Ended so, with exactly this on the output and on the error output.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, out: &str, err: &str) {
        let found = (self.0.status.code(), self.out(), self.err());
        assert_eq!(found, (Some(code), out.to_owned(), err.to_owned()));
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// The process and the address of a start that went well.
    #[track_caller]
    pub(crate) fn started(&self) -> (u32, Endpoint) {
        let out = self.out();
        let line = out.strip_suffix('\n').and_then(|line| {
            let rest = line.strip_prefix("Server running in PID ")?;
            let (pid, address) = rest.split_once(", listening on ")?;
            Some((pid.parse().unwrap(), Endpoint::parse(address).unwrap()))
        });
        let Some(started) = line else {
            panic!("no start: {self:?}");
        };
        self.is(0, &out, "");
        started
    }
}

impl Place {
    /// With a server of HTTP on a port that the system chooses.
    pub(crate) fn new() -> Self {
        Self::with(Options::new(Gateway::Http, ""))
    }

    pub(crate) fn with(options: Options) -> Self {
        let home = Home::new();
        home.configure(&options);
        let warden = Command::new("sh")
            .args(["-c", WARDEN, WEAVED])
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            home,
            program: PathBuf::from(WEAVED),
            warden,
        }
    }

    /// A folder that belongs to [`USER`], as a package would make it, with a copy of the program
    /// that he can run; without root to whom we are.
    pub(crate) fn of_user(options: Options) -> Self {
        let mut place = Self::with(options);
        place.program = place.file("weaved");
        fs::copy(WEAVED, &place.program).unwrap();
        if is_root() {
            let number = |text: String| Some(text.parse().unwrap());
            for file in ["", "development.ini", "sync.conf"] {
                let (user, group) = (number(id("-u", USER)), number(id("-g", USER)));
                std::os::unix::fs::chown(place.file(file), user, group).unwrap();
            }
        }
        place
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    /// Changes a file of the configuration.
    #[track_caller]
    pub(crate) fn replace(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{old} in {text}");
        self.write(name, &text.replace(old, new));
    }

    /// `weaved serve` with these words.
    #[track_caller]
    pub(crate) fn serve(&self, words: &[&str]) -> Said {
        let mut command = Command::new(&self.program);
        command.arg("serve").args(words).current_dir(self.path());
        Said(command.output().unwrap())
    }

    /// Starts in the background, with further words.
    #[track_caller]
    pub(crate) fn start(&self, words: &[&str]) -> (u32, Endpoint) {
        let words = [&["development.ini", "--daemon"], words].concat();
        self.serve(&words).started()
    }

    /// The number in the PID file.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        self.read("paster.pid").trim().parse().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.warden.kill().unwrap();
        self.warden.wait().unwrap();
        // Whether it goes well is for the tests of stopping.
        for file in ["paster.pid", "run/weaved.pid", "var/w.pid"] {
            if self.file(file).exists() {
                let _ = self.serve(&["stop", "--pid-file", file]);
            }
        }
    }
}

/// Whether requests are answered well there; panics where they are not answered at all.
pub(crate) fn answers(endpoint: &Endpoint) -> bool {
    let heartbeat = HttpRequest::new("GET", "/__heartbeat__");
    let answer = Http::new(endpoint.clone(), "").send(&heartbeat);
    answer.status == 200
}

/// Whether anybody listens there.
pub(crate) fn is_open(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Tcp(address) => TcpStream::connect(address).is_ok(),
        Endpoint::Unix(path) => path.exists(),
    }
}

/// Whether this is root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What `id` says of a user: `-u`, `-g`, `-G` for numbers.
pub(crate) fn id(what: &str, user: &str) -> String {
    let said = Command::new("id").args([what, user]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// A field of `/proc/PID/status`.
#[track_caller]
pub(crate) fn status_of(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap().trim_start_matches(':').trim().to_owned()
}
