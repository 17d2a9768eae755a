//! spawn-fcgi, which makes a socket and starts weaved on it: `examples/spawn-fcgi/weaved-spawn`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use super::endpoint::Endpoint;
use super::front::adapted;
use super::front::free_port;
use super::warden::Warden;
use super::weaved::Listen;
use super::weaved::WEAVED;

const SCRIPT: &str = "examples/spawn-fcgi/weaved-spawn";

/// Some processes of weaved on one socket.
pub(crate) struct SpawnFcgi {
    script: PathBuf,
    endpoint: Endpoint,
    _wardens: Vec<Warden>,
}

impl SpawnFcgi {
    /// Starts weaved with this configuration: one process on a port, or three on a Unix socket.
    #[track_caller]
    pub(crate) fn start(listen: Listen, ini: &Path) -> Self {
        let folder = ini.parent().unwrap();
        for _ in 0..5 {
            let endpoint = match listen {
                Listen::SpawnFcgiOne => Endpoint::Tcp(([127, 0, 0, 1], free_port()).into()),
                _ => Endpoint::Unix(folder.join("weaved.sock")),
            };
            let script = write_script(&endpoint, listen, ini);
            let output = run(&script, "start").output().unwrap();
            if output.status.success() {
                let pids = fs::read_to_string(folder.join("weaved.pid")).unwrap();
                let pids = pids.lines().map(|pid| pid.parse().unwrap());
                let wardens = pids.map(|pid| Warden::over(pid, Some(folder)));
                return Self {
                    script,
                    endpoint,
                    _wardens: wardens.collect(),
                };
            }
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                said.contains("Address already in use"),
                "these tests need spawn-fcgi: apt-get install spawn-fcgi, or `make test`: {said}"
            );
        }
        panic!("no free port for spawn-fcgi in five attempts");
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Drop for SpawnFcgi {
    fn drop(&mut self) {
        let status = run(&self.script, "stop").status();
        if !std::thread::panicking() {
            assert!(status.unwrap().success(), "{} stop", self.script.display());
        }
    }
}

/// By its interpreter: a file that was just written cannot be executed as long as a process that
/// another thread is starting has it open.
fn run(script: &Path, verb: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg(script).arg(verb);
    command
}

/// The script, in which nothing but what it says was changed.
fn write_script(endpoint: &Endpoint, listen: Listen, ini: &Path) -> PathBuf {
    let address = match endpoint {
        Endpoint::Tcp(address) => format!("-a {} -p {}", address.ip(), address.port()),
        Endpoint::Unix(path) => format!("-s {} -M 0660", path.display()),
    };
    let processes = match listen {
        Listen::SpawnFcgiOne => "processes=1",
        _ => "processes=3",
    };
    let pid_file = ini.with_file_name("weaved.pid");
    let text = adapted(
        SCRIPT,
        &[
            ("/usr/local/sbin/weaved", WEAVED),
            ("/etc/weaved/development.ini", &ini.to_string_lossy()),
            ("-s /run/weaved/weaved.sock -M 0660", &address),
            ("processes=3", processes),
            ("/run/weaved/weaved.pid", &pid_file.to_string_lossy()),
            // There is no such user on the machine that runs the tests.
            ("-u weaved -g weaved -G www-data", ""),
        ],
    );
    let script = ini.with_file_name("weaved-spawn");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}
