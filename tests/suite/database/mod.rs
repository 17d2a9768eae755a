//! Private instances of MariaDB and PostgreSQL, for one test process or for one test.
//!
//! An instance lies in a temporary folder and listens on a free port of 127.0.0.1 and on a Unix
//! socket in that folder. As root it belongs to another user, because these programs refuse to
//! run as root. It ends with the test process, also when that is killed (`warden.rs`).
//!
//! [`DatabaseServer::shared`] is what most tests use: one instance for the whole process, with
//! as many [`ServedDatabase`]s as they like. Tests that stop, kill or freeze a server start
//! their own.

mod authority;
mod client;
mod ground;
mod mariadb;
mod owner;
mod postgresql;
mod program;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use tempfile::TempDir;

use super::front::ended_within;
use super::log::Log;
use super::warden::Warden;
use super::weaved::children;
use super::weaved::signal;
use authority::Authority;
pub(crate) use client::Hold;
pub(crate) use ground::Ground;
pub(crate) use ground::Kind;
pub(crate) use ground::on_every_database;
use owner::Owner;

/// Longer than a server needs to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which server, as the scheme of a URI says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Backend {
    MariaDb,
    PostgreSql,
}

impl Backend {
    /// All that are servers.
    pub(crate) const ALL: [Self; 2] = [Self::MariaDb, Self::PostgreSql];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::PostgreSql => "PostgreSQL",
        }
    }

    fn product(self) -> &'static dyn Product {
        match self {
            Self::MariaDb => &mariadb::MariaDb,
            Self::PostgreSql => &postgresql::PostgreSql,
        }
    }
}

/// What a server does before it says that something is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It hands it to the system, which survives the end of the server, but not of the machine.
    Fast,
    /// What it does as it is installed: it waits for the disk.
    Real,
}

/// Whom weaved logs in as. The name is his in a URI, and the password needs to be encoded there.
const USER: Login = Login {
    name: "sync",
    password: "p@ss:w/rd?#%41&='+ x",
};

/// Who somebody is to a server.
#[derive(Clone, Copy, Debug)]
struct Login {
    name: &'static str,
    password: &'static str,
}

impl Login {
    /// The password as a literal of SQL.
    fn literal(self) -> String {
        format!("'{}'", self.password.replace('\'', "''"))
    }
}

/// What differs from one server to the other.
trait Product: Sync {
    /// For names of folders and for messages.
    fn name(&self) -> &'static str;

    /// The user of the system to whom it belongs where Debian has installed it.
    fn owner(&self) -> &'static str;

    /// Who may do everything.
    fn administrator(&self) -> Login;

    /// What a line of the log has when connections are served.
    fn ready(&self) -> &'static str;

    /// What ends the server in good order without waiting for its clients.
    fn end(&self) -> Signal;

    /// Makes the data folder.
    fn install(&self, place: &Place);

    /// The server, which stays in the foreground and logs to stderr.
    fn server(&self, place: &Place) -> Command;

    /// The client for the command line, on the Unix socket, with statements on its stdin. It
    /// prints a line for each row with tabs between, and ends at the first mistake.
    fn client(&self, place: &Place, login: Login, database: Option<&str>) -> Command;

    /// Statements of the administrator that make [`USER`].
    fn user(&self) -> String;

    /// Statements of the administrator that make an empty database of [`USER`].
    fn database(&self, name: &str) -> String;

    /// `//user:password@` is followed by these for the socket, the port, and TLS that is verified.
    fn socket_uri(&self, place: &Place, login: &str, database: &str) -> String;
    fn tcp_uri(&self, place: &Place, login: &str, database: &str) -> String;
    fn tls_uri(&self, place: &Place, login: &str, database: &str) -> String;
}

/// Where an instance lies and listens.
#[derive(Debug)]
struct Place {
    folder: TempDir,
    owner: Owner,
    durability: Durability,
    port: AtomicU16,
}

impl Place {
    fn new(product: &dyn Product, durability: Durability) -> Self {
        let prefix = format!("weaved-{}-", product.name());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().unwrap();
        let place = Self {
            folder,
            owner: Owner::choose(product.owner()),
            durability,
            port: AtomicU16::new(0),
        };
        // Everybody may come to the socket and to the certificate.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(place.path(), open).unwrap();
        place.owner.give(place.path());
        let authority = Authority::new();
        place.write("ca.pem", &authority.certificate, 0o644);
        place.write("server.pem", &authority.server.0, 0o644);
        place.write("server.key", &authority.server.1, 0o600);
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    /// A file of the server's user.
    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self.owner.give(&path);
    }

    /// A command that runs as the server's user in the folder.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env("HOME", self.path())
            .stdin(Stdio::null());
        self.owner.become_by(&mut command);
        command
    }

    fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }
}

/// Runs a command to its end, which must be a good one.
#[track_caller]
fn complete(mut command: Command) {
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
}

/// A server that runs, or has been stopped and can be started again.
#[derive(Debug)]
pub(crate) struct DatabaseServer {
    backend: Backend,
    // Dropped before the folder in which it runs.
    process: Mutex<Option<Process>>,
    databases: AtomicUsize,
    place: Place,
}

#[derive(Debug)]
struct Process {
    child: Child,
    log: Arc<Log>,
    warden: Warden,
}

impl DatabaseServer {
    /// The one server of this kind of this test process; it is fast. Nobody may stop it.
    pub(crate) fn shared(backend: Backend) -> Arc<Self> {
        static SERVERS: [OnceLock<Arc<DatabaseServer>>; 2] = [const { OnceLock::new() }; 2];

        let index = Backend::ALL.iter().position(|known| *known == backend);
        let server = SERVERS[index.unwrap()].get_or_init(|| Self::start(backend, Durability::Fast));
        Arc::clone(server)
    }

    /// A server of one's own.
    #[track_caller]
    pub(crate) fn start(backend: Backend, durability: Durability) -> Arc<Self> {
        let product = backend.product();
        let place = Place::new(product, durability);
        product.install(&place);
        let server = Self {
            backend,
            process: Mutex::new(None),
            databases: AtomicUsize::new(0),
            place,
        };
        server.start_at_free_port();
        server.run_sql(&product.user());
        Arc::new(server)
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// A fresh and empty database, whose name begins as given. Its charset and its collation are
    /// the worst that the server can have by default, so that nothing relies on them.
    #[track_caller]
    pub(crate) fn database(self: &Arc<Self>, name: &str) -> ServedDatabase {
        let number = self.databases.fetch_add(1, Ordering::SeqCst);
        let name = format!("{name}_{number}");
        self.run_sql(&self.backend.product().database(&name));
        ServedDatabase {
            server: Arc::clone(self),
            name,
        }
    }

    /// Runs statements as the administrator, who belongs to no database on MariaDB; see
    /// [`ServedDatabase::run_sql`] for what is returned.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) -> String {
        self.client(self.backend.product().administrator(), None, statements)
    }

    #[track_caller]
    fn client(&self, login: Login, database: Option<&str>, statements: &str) -> String {
        let product = self.backend.product();
        let client = product.client(&self.place, login, database);
        client::run(client, statements)
    }

    /// The certificate of the authority that has signed the server's, which is for 127.0.0.1 and
    /// localhost.
    pub(crate) fn authority(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    /// The TCP port on 127.0.0.1, which stays the same for all starts.
    pub(crate) fn port(&self) -> u16 {
        self.place.port()
    }

    /// The process that was started; PostgreSQL has children.
    #[track_caller]
    pub(crate) fn process(&self) -> u32 {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("it does not run").child.id()
    }

    /// What it has logged since it was started last.
    #[track_caller]
    pub(crate) fn log(&self) -> Arc<Log> {
        let process = self.process.lock().unwrap();
        Arc::clone(&process.as_ref().expect("it does not run").log)
    }

    /// Ends it in good order, without waiting for its clients.
    #[track_caller]
    pub(crate) fn stop(&self) {
        let status = self.end(self.backend.product().end());
        assert!(status.success(), "{:?} ended with {status}", self.backend);
    }

    /// Ends it, and its children, without any chance to finish anything.
    #[track_caller]
    pub(crate) fn kill(&self) {
        // Frozen, it replaces nobody and sees nobody die.
        self.freeze();
        for child in children(self.process()) {
            signal(child, Signal::KILL);
        }
        self.end(Signal::KILL);
    }

    /// Lets it hang: its sockets take connections and requests, and nothing is answered.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        let process = self.process();
        freeze(process);
        // It makes no more of them.
        for child in children(process) {
            freeze(child);
        }
    }

    /// Lets it go on after [`DatabaseServer::freeze`].
    #[track_caller]
    pub(crate) fn thaw(&self) {
        thaw(self.process());
    }

    /// Starts it on its data and its port, after it was stopped or killed.
    #[track_caller]
    pub(crate) fn start_again(&self) {
        if let Err(said) = self.launch() {
            panic!("{:?} did not start again:\n{said}", self.backend);
        }
    }

    /// [`DatabaseServer::stop`] and [`DatabaseServer::start_again`].
    #[track_caller]
    pub(crate) fn restart(&self) {
        self.stop();
        self.start_again();
    }

    /// Makes it one that can be read and takes no writes, as one that was the primary and is not
    /// any more. PostgreSQL has to be started anew for that.
    #[track_caller]
    pub(crate) fn demote(&self) {
        match self.backend {
            Backend::MariaDb => drop(self.run_sql("SET GLOBAL read_only = 1")),
            Backend::PostgreSql => {
                self.stop();
                self.place.write("data/standby.signal", "", 0o600);
                self.start_again();
            }
        }
    }

    /// Lets it take writes again after [`DatabaseServer::demote`].
    #[track_caller]
    pub(crate) fn promote(&self) {
        match self.backend {
            Backend::MariaDb => drop(self.run_sql("SET GLOBAL read_only = 0")),
            Backend::PostgreSql => drop(self.run_sql("SELECT pg_promote()")),
        }
    }

    /// Between our choice of a port and the start somebody else may take it: then another one.
    #[track_caller]
    fn start_at_free_port(&self) {
        for _ in 0..5 {
            self.place.port.store(quiet_port(), Ordering::SeqCst);
            match self.launch() {
                Ok(()) => return,
                Err(said) => assert!(
                    said.to_lowercase().contains("address already in use"),
                    "{:?} ended:\n{said}",
                    self.backend
                ),
            }
        }
        panic!("no free port for {:?} in five attempts", self.backend);
    }

    /// Starts the server and waits until it is ready, or returns what it said before it ended.
    #[track_caller]
    fn launch(&self) -> Result<(), String> {
        let product = self.backend.product();
        let mut process = self.process.lock().unwrap();
        assert!(process.is_none(), "it runs already");
        let mut command = product.server(&self.place);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let folder = self.place.path();
        let warden = Warden::ending(child.id(), product.end(), Some(folder));
        let log = Log::collect(child.stderr.take().unwrap());
        let ready = log.wait_for(|line| line.contains(product.ready()).then_some(()));
        if ready.is_none() {
            child.wait().unwrap();
            return Err(log.text());
        }
        *process = Some(Process { child, log, warden });
        Ok(())
    }

    #[track_caller]
    fn end(&self, by: Signal) -> ExitStatus {
        let mut process = self.process.lock().unwrap();
        let mut process = process.take().expect("it does not run");
        let id = process.child.id();
        signal(id, by);
        thaw(id);
        let in_time = ended_within(PATIENCE, Pid::from_child(&process.child));
        if !in_time {
            process.child.kill().unwrap();
        }
        let status = process.child.wait().unwrap();
        assert!(in_time, "{by:?} did not end it: {}", process.log.tail());
        // Its children have its stderr too, and its data until they are gone.
        process.log.wait_for_end();
        drop(process.warden);
        status
    }
}

/// Stops a process, and waits until it stands still.
#[track_caller]
fn freeze(process: u32) {
    signal(process, Signal::STOP);
    let until = Instant::now() + PATIENCE;
    // `ID (NAME) STATE ...`; one that has ended stands still too.
    while fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") T ") && !stat.contains(") Z "))
    {
        assert!(Instant::now() < until, "{process} goes on");
        thread::yield_now();
    }
}

/// Lets a process and its children go on, if they are still there.
fn thaw(process: u32) {
    for process in children(process).into_iter().chain([process]) {
        let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
        let _ = rustix::process::kill_process(id, Signal::CONT);
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        if self.process.get_mut().unwrap().is_some() {
            self.end(self.backend.product().end());
        }
    }
}

/// A database on a [`DatabaseServer`], which runs as long as there is one of its databases.
#[derive(Clone, Debug)]
pub(crate) struct ServedDatabase {
    server: Arc<DatabaseServer>,
    name: String,
}

impl ServedDatabase {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn server(&self) -> &Arc<DatabaseServer> {
        &self.server
    }

    /// Its URI as `sqluri` has it: TCP to 127.0.0.1.
    pub(crate) fn uri(&self) -> String {
        let server = &self.server;
        let product = server.backend.product();
        product.tcp_uri(&server.place, &login(), &self.name)
    }

    /// The URI by way of the Unix socket.
    pub(crate) fn socket_uri(&self) -> String {
        let server = &self.server;
        let product = server.backend.product();
        product.socket_uri(&server.place, &login(), &self.name)
    }

    /// The URI with TLS, by which the server's certificate is verified.
    pub(crate) fn tls_uri(&self) -> String {
        let server = &self.server;
        let product = server.backend.product();
        product.tls_uri(&server.place, &login(), &self.name)
    }

    /// The password in the URIs, which must be seen nowhere else.
    pub(crate) fn password(&self) -> &'static str {
        USER.password
    }

    /// Runs statements as the user of the URI, through the server's own client for the command
    /// line. Returns a line for each row, with tabs between columns; NULL is `NULL`. A statement
    /// that fails is a panic.
    #[track_caller]
    pub(crate) fn run_sql(&self, statements: &str) -> String {
        self.server.client(USER, Some(&self.name), statements)
    }

    /// Runs statements on a connection that stays open, with its transaction and its locks.
    #[track_caller]
    pub(crate) fn hold(&self, statements: &str) -> Hold {
        let server = &self.server;
        let product = server.backend.product();
        let client = product.client(&server.place, USER, Some(&self.name));
        Hold::new(client, statements)
    }
}

/// `user:password` of a URI.
fn login() -> String {
    let mut login = format!("{}:", USER.name);
    for byte in USER.password.bytes() {
        if byte.is_ascii_alphanumeric() {
            login.push(char::from(byte));
        } else {
            write!(login, "%{byte:02X}").unwrap();
        }
    }
    login
}

/// A free port that the system gives to nobody by itself. While a server is down, clients try
/// again and again; on a port of the system's own range one of them would meet itself some day.
fn quiet_port() -> u16 {
    use std::hash::BuildHasher;
    use std::hash::RandomState;

    const FIRST: u64 = 12_000;
    const COUNT: u64 = 20_000;

    let random = RandomState::new();
    (0_u32..1000)
        .map(|attempt| FIRST + random.hash_one(attempt) % COUNT)
        .map(|port| u16::try_from(port).unwrap())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("no free port")
}
