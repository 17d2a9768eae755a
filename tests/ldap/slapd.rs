//! An OpenLDAP server of the tests' own: in a temporary folder, on a free port and a socket.
//!
//! Started by root it becomes another user, as slapd has to there.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::suite::Log;
use crate::suite::Warden;
use crate::suite::ended_within;
use crate::suite::free_port;
use crate::tls::Authority;

/// Who logs in, in vain, only to be seen in the log; a number follows.
const SENTINEL: &str = "cn=sentinel-";

/// Where Debian keeps the programs, also out of the PATH of ordinary users.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"];

/// Longer than a start or an end takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// As whom slapd runs when root starts it.
const USER: &str = "openldap";

/// A directory to be served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub(crate) suffix: &'static str,
    /// Files below the root of the repository.
    pub(crate) ldif: &'static str,
    pub(crate) schema: Option<&'static str>,
    /// Further lines of the database's configuration.
    pub(crate) rules: &'static str,
}

/// The layout that the original server made.
pub(crate) const ORIGINAL: Tree = Tree {
    suffix: "dc=mozilla",
    ldif: "tests/fixtures/ldap/original.ldif",
    schema: Some("tests/fixtures/ldap/weave.schema"),
    rules: "access to attrs=userPassword by self write by anonymous auth by * none\n\
            access to * by * read\n",
};

/// Passwords that are only compared, and entries that only our own DN may read.
pub(crate) const PEOPLE: Tree = Tree {
    suffix: "dc=example,dc=org",
    ldif: "tests/fixtures/ldap/people.ldif",
    schema: None,
    rules: "overlay ppolicy\n\
            ppolicy_default cn=policy,ou=services,dc=example,dc=org\n\
            access to attrs=userPassword by self write by anonymous auth by * none\n\
            access to attrs=mail by self write\n\
            \x20 by dn.exact=cn=weaved,ou=services,dc=example,dc=org read by * none\n\
            access to * by dn.exact=cn=weaved,ou=services,dc=example,dc=org read by * none\n",
};

/// A running server, or one between a stop and a start.
pub(crate) struct Slapd {
    folder: TempDir,
    tree: Tree,
    port: u16,
    tls_port: u16,
    running: Option<(Child, Warden, Arc<Log>)>,
    sentinels: AtomicUsize,
}

impl Slapd {
    #[track_caller]
    pub(crate) fn start(tree: Tree) -> Self {
        Self::start_with(tree, None)
    }

    /// A server whose certificate is of this authority; it then speaks TLS also without being
    /// asked, on a port of its own.
    #[track_caller]
    pub(crate) fn start_with(tree: Tree, authority: Option<&Authority>) -> Self {
        let folder = tempfile::Builder::new().prefix("weaved-slapd-").tempdir();
        let mut slapd = Self {
            folder: folder.unwrap(),
            tree,
            port: 0,
            tls_port: 0,
            running: None,
            sentinels: AtomicUsize::new(0),
        };
        slapd.configure(authority);
        slapd.load(&fs::read_to_string(in_root(tree.ldif)).unwrap());
        for _ in 0..5 {
            slapd.port = free_port();
            slapd.tls_port = free_port();
            if slapd.run() {
                return slapd;
            }
        }
        panic!("slapd found no free port in five attempts");
    }

    fn configure(&self, authority: Option<&Authority>) {
        let path = self.folder.path();
        fs::create_dir(path.join("db")).unwrap();
        let mut conf = String::new();
        for schema in ["core", "cosine", "nis", "inetorgperson"] {
            conf.push_str(&format!("include /etc/ldap/schema/{schema}.schema\n"));
        }
        if let Some(schema) = self.tree.schema {
            fs::copy(in_root(schema), path.join("own.schema")).unwrap();
            conf.push_str(&format!("include {}/own.schema\n", path.display()));
        }
        conf.push_str("modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload ppolicy\n");
        if let Some(authority) = authority {
            let (certificate, key) = authority.issue("127.0.0.1");
            fs::write(path.join("cert.pem"), certificate).unwrap();
            fs::write(path.join("key.pem"), key).unwrap();
            for (word, file) in [
                ("TLSCertificateFile", "cert.pem"),
                ("TLSCertificateKeyFile", "key.pem"),
            ] {
                conf.push_str(&format!("{word} {}/{file}\n", path.display()));
            }
        }
        let Tree { suffix, rules, .. } = self.tree;
        conf.push_str(&format!(
            "database mdb\nsuffix \"{suffix}\"\nrootdn \"cn=admin,{suffix}\"\nrootpw admin\n\
             directory {}/db\nmaxsize 16777216\ndbnosync\n{rules}",
            path.display()
        ));
        fs::write(path.join("slapd.conf"), conf).unwrap();
    }

    /// Puts entries into a server that does not run.
    #[track_caller]
    fn load(&self, ldif: &str) {
        let file = self.folder.path().join("load.ldif");
        fs::write(&file, ldif).unwrap();
        let output = program("slapadd")
            .arg("-f")
            .arg(self.folder.path().join("slapd.conf"))
            .arg("-l")
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "slapadd: {output:?}");
        if rustix::process::geteuid().is_root() {
            let owned = Command::new("chown")
                .arg("-R")
                .arg(format!("{USER}:{USER}"))
                .arg(self.folder.path())
                .status();
            assert!(owned.unwrap().success());
        }
    }

    /// Whether it could listen.
    #[track_caller]
    fn run(&mut self) -> bool {
        let mut command = program("slapd");
        let mut urls = format!("{} {}", self.url(), self.ldapi());
        if self.folder.path().join("cert.pem").exists() {
            urls.push(' ');
            urls.push_str(&self.ldaps());
        }
        command
            .args(["-d", "stats", "-h", &urls, "-f"])
            .arg(self.folder.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            command.args(["-u", USER, "-g", USER]);
        }
        let mut child = command.spawn().unwrap();
        // The folder outlives a start that failed, and a stop.
        let warden = Warden::over(child.id(), Some(self.folder.path()));
        let log = Log::collect(child.stderr.take().unwrap());
        let started = log.wait_for(|line| line.contains("slapd starting").then_some(()));
        if started.is_none() {
            return self.has_ended(child, &log);
        }
        // That line comes before its sockets listen, which may fail.
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() && !ended(&mut child) {
            assert!(Instant::now() < until, "slapd does not answer");
            thread::yield_now();
        }
        // Whoever else has the port answers as well, but does not log it here.
        let accepted = log.wait_for(|line| line.contains("ACCEPT").then_some(()));
        if accepted.is_none() {
            return self.has_ended(child, &log);
        }
        self.running = Some((child, warden, log));
        true
    }

    /// Whether it runs, which it does not: because somebody else has its port.
    #[track_caller]
    fn has_ended(&self, mut child: Child, log: &Log) -> bool {
        let status = child.wait().unwrap();
        assert!(
            log.text().contains("Address already in use"),
            "slapd ended ({status}):\n{}",
            log.text()
        );
        false
    }

    /// Ends it, as at a reboot.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        let (mut child, warden, _) = self.running.take().expect("it runs");
        end(&mut child);
        drop(warden);
    }

    /// Starts it anew where it was.
    #[track_caller]
    pub(crate) fn resume(&mut self) {
        assert!(self.run(), "somebody else has the port now");
    }

    /// Lets the lock of an account that was locked just now come into effect: it is stamped by one
    /// clock and read by another, which the system moves on less often, and nothing shows it.
    pub(crate) fn lets_locks_count(&self) {
        thread::sleep(Duration::from_millis(50));
    }

    /// Makes it silent, as a machine that hangs.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        let process = self.process();
        rustix::process::kill_process(process, Signal::STOP).unwrap();
        // Its threads stop one after the other.
        let until = Instant::now() + PATIENCE;
        while !is_frozen(process) {
            assert!(Instant::now() < until, "slapd does not stop");
            thread::yield_now();
        }
    }

    /// Lets it go on.
    #[track_caller]
    pub(crate) fn thaw(&self) {
        rustix::process::kill_process(self.process(), Signal::CONT).unwrap();
    }

    fn process(&self) -> Pid {
        Pid::from_child(&self.running.as_ref().expect("it runs").0)
    }

    /// How many connections were made to it, apart from the one that found out whether it answers
    /// and those of [`Self::count`].
    pub(crate) fn connections(&self) -> usize {
        self.count("ACCEPT") - 1 - self.log().count(&format!("BIND dn=\"{SENTINEL}"))
    }

    /// How many lines of the log have this word, when all is logged that was answered before: we
    /// read the log a moment later than it is written.
    #[track_caller]
    pub(crate) fn count(&self, word: &str) -> usize {
        let number = self.sentinels.fetch_add(1, Ordering::SeqCst);
        let sentinel = format!("{SENTINEL}{number}");
        self.lets_in(&sentinel, "x");
        let line = format!("BIND dn=\"{sentinel}\" method");
        let bound = self.log().wait_for(|read| {
            let operation = read.contains(&line).then_some(read)?;
            operation
                .split(' ')
                .find(|part| part.starts_with("conn="))
                .map(str::to_owned)
        });
        // Another thread logs that it took the connection, and may do so later.
        let connection = bound.expect("slapd ended");
        let accepted =
            |read: &str| read.contains(&format!("{connection} fd=")) && read.contains("ACCEPT");
        self.log().wait_for(|read| accepted(read).then_some(()));
        self.log().count(word)
    }

    /// What it logs: a line for each operation.
    pub(crate) fn log(&self) -> &Log {
        &self.running.as_ref().expect("it runs").2
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    pub(crate) fn ldapi(&self) -> String {
        let path = self.folder.path().join("ldapi").display().to_string();
        format!("ldapi://{}", path.replace('/', "%2F"))
    }

    /// Who may do everything.
    pub(crate) fn admin(&self) -> String {
        format!("cn=admin,{}", self.tree.suffix)
    }

    /// What an administrator does with `ldapmodify`; entries are added where nothing else is said.
    #[track_caller]
    pub(crate) fn modify(&self, ldif: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), ldif).unwrap();
        let output = self.client("ldapmodify", &["-a", "-f", &file.path().to_string_lossy()]);
        assert!(output.status.success(), "ldapmodify: {output:?}");
    }

    /// What the administrator sees of the entry with this filter.
    #[track_caller]
    pub(crate) fn entry(&self, filter: &str) -> String {
        let base = ["-LLL", "-o", "ldif-wrap=no", "-b", self.tree.suffix];
        let output = self.client("ldapsearch", &[&base[..], &[filter, "*", "+"]].concat());
        assert!(output.status.success(), "ldapsearch: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether this DN can log in.
    #[track_caller]
    pub(crate) fn lets_in(&self, dn: &str, password: &str) -> bool {
        let output = program("ldapwhoami")
            .args(["-x", "-H", &self.url(), "-D", dn, "-w", password])
            .output();
        output.unwrap().status.success()
    }

    fn client(&self, name: &str, arguments: &[&str]) -> Output {
        program(name)
            .args(["-x", "-H", &self.url(), "-D", &self.admin(), "-w", "admin"])
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some((mut child, _warden, _)) = self.running.take() {
            end(&mut child);
        }
    }
}

fn ended(child: &mut Child) -> bool {
    child.try_wait().is_ok_and(|status| status.is_some())
}

/// Whether all its threads have stopped: `ID (NAME) STATE ...`.
fn is_frozen(process: Pid) -> bool {
    let threads = format!("/proc/{}/task", process.as_raw_nonzero());
    fs::read_dir(threads).unwrap().all(|thread| {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat"));
        stat.is_ok_and(|stat| {
            stat.rsplit_once(')')
                .is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
        })
    })
}

/// TERM, and KILL for one that does not care.
fn end(child: &mut Child) {
    let process = Pid::from_child(child);
    let _ = rustix::process::kill_process(process, Signal::TERM);
    // One that is frozen would not hear it.
    let _ = rustix::process::kill_process(process, Signal::CONT);
    if !ended_within(PATIENCE, process) {
        let _ = child.kill();
    }
    let _ = child.wait();
}

/// A program of OpenLDAP. A missing one is a failure of the tests, never a reason to test less.
#[track_caller]
fn program(name: &str) -> Command {
    let paths = FOLDERS.map(|folder| Path::new(folder).join(name));
    let found = paths.into_iter().find(|path| path.exists());
    let Some(path) = found else {
        panic!("these tests need {name}: apt-get install slapd ldap-utils, or `make test`");
    };
    Command::new(path)
}

fn in_root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
