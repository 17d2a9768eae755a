//! A responder, weaved or a baseline, that is ready for requests.

use std::fs;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

use crate::baseline;
use crate::database::Served;
use crate::fill;
use crate::hello;
use crate::process::Process;
use crate::site;
use crate::site::Account;
use crate::site::Shape;

const WEAVED: &str = env!("CARGO_BIN_EXE_weaved");

/// The name of the first file of the configuration.
const INI: &str = "development.ini";

/// The name of the SQLite file.
const FILE: &str = "sync.db";

/// A running responder.
pub(crate) struct Responder {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// The id of the database server behind it.
    pub(crate) database: Option<u32>,
    /// Goes after the process.
    folder: Option<TempDir>,
}

/// What weaved left when it ended.
pub(crate) struct Stopped(TempDir);

impl Stopped {
    /// The SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join(FILE)
    }
}

impl Responder {
    /// weaved with some accounts in an empty database: in SQLite, or on a server.
    pub(crate) fn weaved(
        shape: Shape,
        served: Option<Served>,
        accounts: usize,
    ) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weaved-bench-").tempdir()?;
        let file = || format!("sqlite:///{}", folder.path().join(FILE).display());
        let uri = served
            .as_ref()
            .map_or_else(file, |served| served.uri.clone());
        let ini = configure(folder.path(), shape, &uri)?;
        // On a server there are few; many would wait for their password's hash.
        let added = if served.is_some() { accounts } else { 1 };
        for account in (0..added).map(Account) {
            add_account(&ini, account)?;
        }
        if accounts > added {
            fill::accounts(&folder.path().join(FILE), added..accounts)?;
        }
        let mut responder = Self::again(Stopped(folder))?;
        responder.database = served.map(|served| served.server);
        Ok(responder)
    }

    /// weaved with what it had.
    pub(crate) fn again(stopped: Stopped) -> io::Result<Self> {
        let mut command = Command::new(WEAVED);
        command.arg("serve").arg(stopped.0.path().join(INI));
        Self::start(&mut command, Some(stopped.0))
    }

    /// Ends it; what it kept in a folder stays.
    pub(crate) fn stop(self) -> io::Result<Stopped> {
        drop(self.process);
        self.folder
            .map(Stopped)
            .ok_or_else(|| io::Error::other("a baseline is not started anew"))
    }

    /// The responder that does nothing, with answers of `length` bytes.
    pub(crate) fn baseline(length: usize) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let options = baseline::Options { length };
        Self::start(command.args(options.arguments()), None)
    }

    /// The program in C, with answers of `length` bytes.
    pub(crate) fn hello(length: usize) -> io::Result<Self> {
        let (process, address) = hello::start(length)?;
        Ok(Self {
            process,
            address,
            database: None,
            folder: None,
        })
    }

    /// The SQLite file, if records are in one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let file = self.folder.as_ref()?.path().join(FILE);
        file.exists().then_some(file)
    }

    /// Both say where they listen.
    fn start(command: &mut Command, folder: Option<TempDir>) -> io::Result<Self> {
        let (process, address) = Process::start(command.stdin(Stdio::null()), |line| {
            let (_, rest) = line.split_once("listening on ")?;
            rest.split(' ').next()?.parse().ok()
        })?;
        Ok(Self {
            process,
            address,
            database: None,
            folder,
        })
    }
}

/// Writes both files of the configuration; everything that is not needed is at its default.
fn configure(folder: &Path, shape: Shape, uri: &str) -> io::Result<PathBuf> {
    let ini = folder.join(INI);
    let Shape { processes, threads } = shape;
    let mount = site::MOUNT;
    let first = format!(
        "[server:main]\nuse = fcgi\nhost = 127.0.0.1\nport = 0\nmount = {mount}\n\
         processes = {processes}\nthreads = {threads}\n\n\
         [app:main]\nuse = egg:SyncServer\nconfiguration = file:%(here)s/sync.conf\n"
    );
    fs::write(&ini, first)?;
    let second = format!("[storage]\nbackend = sql\nsqluri = {uri}\n\n[auth]\nbackend = sql\n");
    fs::write(folder.join("sync.conf"), second)?;
    Ok(ini)
}

fn add_account(ini: &Path, account: Account) -> io::Result<()> {
    let mut child = Command::new(WEAVED)
        .args(["user", "add"])
        .arg(ini)
        .arg(account.name())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(site::PASSWORD.as_bytes())?;
    }
    if child.wait()?.success() {
        Ok(())
    } else {
        Err(io::Error::other("weaved could not make an account"))
    }
}
