//! `weaved serve` as people start it: in the foreground, in the background, from root, and what
//! they ask of a server that runs (spec/config.md, 5).
//!
//! Unsafe code is forbidden and so is `fork`: the server in the background is this executable
//! started once more, with the same arguments and `--background`. Its output is a pipe on which it
//! reports to the command that waits; its error output is the log file.
//!
//! ```text
//! weaved serve FILE --daemon          waits for `ready` or `failed`, prints it, ends
//!   └─ weaved serve --background ...  a session of its own
//!        lock the PID file, read the configuration, open logs, bind    (as root, maybe)
//!        become --user                                        Launch::bound
//!        open databases, serve                                Launch::ready
//! ```
//!
//! The order is the same in the foreground.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;

use super::Failure;
use super::failure::CANNOT_CREATE;
use super::failure::NO;
use super::failure::NO_PERMISSION;
use super::failure::SURVIVED;
use super::failure::SYSTEM;
use super::log_file;
use super::pid_file::PidFile;
use super::pid_file::PidFileError;
use super::pid_file::State;
use super::serve;
use super::serve_arguments::Action;
use super::serve_arguments::PID_FILE;
use super::serve_arguments::Plan;
use super::serve_arguments::ServeArguments;
use super::voice::complain;
use super::voice::say;
use super::worker;
use crate::config;
use crate::config::Config;
use crate::server;
use crate::server::Identity;
use crate::server::Local;
use crate::server::Report;
use crate::server::is_root;

/// Does what the arguments say; `line` are all words of the command line, with which the server
/// in the background is started.
pub(super) fn run(arguments: &ServeArguments, line: &[OsString]) -> Result<(), Failure> {
    if arguments.background {
        return in_background(arguments);
    }
    let plan = arguments.plan()?;
    if arguments.worker {
        return worker::run(&plan);
    }
    for notice in &plan.notices {
        complain(notice);
    }
    match plan.action {
        Action::Restart => {
            // What runs is better than what would not start.
            identity(&plan)?;
            plan.config()?;
            stop_if_running(&plan)?;
            start(&plan, line)
        }
        Action::Serve => here(plan, None),
        Action::Start => start(&plan, line),
        Action::Status => status(&plan),
        Action::Stop => stop(&plan),
    }
}

/// How the server was started, and who has to hear of it.
#[derive(Debug)]
pub(super) struct Launch {
    /// Whom to become.
    owner: Option<Identity>,
    /// Held as long as the server lives.
    pid_file: Option<PidFile>,
    plan: Plan,
    /// Where a command waits for our report.
    waiting: Option<File>,
}

impl Launch {
    fn serve(&mut self) -> Result<(), Failure> {
        self.owner = identity(&self.plan)?;
        if let Some(path) = &self.plan.log_file {
            log_file::become_output(path, self.owner.as_ref())
                .map_err(|error| no_log(path, &error))?;
        }
        if let Some(path) = &self.plan.pid_file {
            self.pid_file = Some(PidFile::take(path)?);
        }
        serve::run(self)
    }

    /// Reads the configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        self.plan.config()
    }

    /// To whom files belong that are made now.
    pub(super) fn owner(&self) -> Option<&Identity> {
        self.owner.as_ref()
    }

    /// The first words in the log.
    pub(super) fn greet(&self) {
        log::info!("starting server in PID {}", process::id());
        if self.owner.is_none() && is_root() {
            log::warn!(
                "serving as root, which is more than is needed: make a user and write --user NAME"
            );
        }
    }

    /// To be called when everything is open that only root may open; drops root's rights.
    pub(super) fn bound(&self, address: &config::Address, local: &Local) -> Result<(), Failure> {
        let Some(identity) = &self.owner else {
            return Ok(());
        };
        if let (config::Address::Unix { owner, group, .. }, Local::Unix(path)) = (address, local) {
            identity
                .hand_over_path(path, owner.is_none(), group.is_none())
                .map_err(|error| {
                    let text = format!("cannot hand over {local} to its user: {error}");
                    Failure::new(SYSTEM, text)
                })?;
        }
        Ok(identity.assume()?)
    }

    /// The arguments that make a worker of this server.
    pub(super) fn worker(&self) -> Vec<OsString> {
        self.plan.worker()
    }

    /// To be called when requests are answered.
    pub(super) fn ready(&mut self, address: &str) {
        let address = address.to_owned();
        self.report(&Report::Ready { address });
    }

    /// Reports to the command that waits, once.
    fn report(&mut self, report: &Report) {
        if let Some(mut waiting) = self.waiting.take() {
            // Whoever started us may have gone: the server serves all the same.
            let _ = writeln!(waiting, "{report}");
        }
    }
}

fn identity(plan: &Plan) -> Result<Option<Identity>, Failure> {
    Ok(Identity::look_up(
        plan.user.as_deref(),
        plan.group.as_deref(),
    )?)
}

/// Serves in this process until it is told to stop.
fn here(plan: Plan, waiting: Option<File>) -> Result<(), Failure> {
    let mut launch = Launch {
        owner: None,
        pid_file: None,
        plan,
        waiting,
    };
    let served = launch.serve();
    if let Err(failure) = &served {
        let (code, text) = (failure.code, failure.text.clone());
        launch.report(&Report::Failed { code, text });
    }
    served
}

/// Serves as the process that a waiting command has started.
fn in_background(arguments: &ServeArguments) -> Result<(), Failure> {
    server::close_inherited();
    // Away from the terminal and its signals. Who leads a session already is away from it.
    let _ = rustix::process::setsid();
    let waiting = io::stdout().as_fd().try_clone_to_owned();
    let waiting = waiting.map_err(|error| {
        Failure::new(
            SYSTEM,
            format!("cannot report to who has started this: {error}"),
        )
    })?;
    here(arguments.plan()?, Some(File::from(waiting)))
}

/// Starts a server in the background, and waits until it is ready.
fn start(plan: &Plan, line: &[OsString]) -> Result<(), Failure> {
    let owner = identity(plan)?;
    // The server itself makes sure; asked here, so that nothing gets into the log of who runs.
    if let Some(path) = &plan.pid_file
        && let State::Running(pid) = PidFile::look(path)?
    {
        return Err(PidFileError::Running(path.clone(), pid).into());
    }
    let output = match &plan.log_file {
        Some(path) => log_file::open(path, owner.as_ref())
            .map_err(|error| no_log(path, &error))?
            .into(),
        None => Stdio::inherit(),
    };
    let mut child = server_in_background(line, output)
        .map_err(|error| Failure::new(SYSTEM, format!("cannot start a process: {error}")))?;
    let reports = child.stdout.take().map(BufReader::new);
    for report in reports.into_iter().flat_map(BufRead::lines) {
        // What is no report, or of no interest, is passed over.
        match report.ok().and_then(|line| line.parse().ok()) {
            Some(Report::Failed { code, text }) => {
                // So that its PID file has gone, and its log is complete.
                let _ = child.wait();
                return Err(Failure::new(code, text));
            }
            Some(Report::Ready { address }) => {
                let pid = child.id();
                return say(format_args!(
                    "Server running in PID {pid}, listening on {address}"
                ));
            }
            _ => {}
        }
    }
    let ended = child
        .wait()
        .map_or_else(|error| error.to_string(), |status| status.to_string());
    let log = plan.log_file.as_deref().unwrap_or(Path::new("the log"));
    let text = format!(
        "the server ended before it was ready ({ended}); see {}",
        log.display()
    );
    Err(Failure::new(SYSTEM, text))
}

/// The same command line, with the word that makes a server of it.
fn server_in_background(line: &[OsString], output: Stdio) -> io::Result<Child> {
    let mut words = line.iter().skip(1);
    Command::new(env::current_exe()?)
        .args(words.next())
        // Behind `serve`: behind a `--` it would be a word like any other.
        .arg("--background")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(output)
        .spawn()
}

fn no_log(path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot write the log file {}: {error}", path.display());
    Failure::new(CANNOT_CREATE, text)
}

fn status(plan: &Plan) -> Result<(), Failure> {
    let path = pid_file(plan);
    match PidFile::look(path)? {
        State::Running(pid) => say(format_args!("Server running in PID {pid}")),
        not_running => Err(nobody(path, not_running)),
    }
}

/// What there is to say where no server runs.
fn nobody(path: &Path, state: State) -> Failure {
    let path = path.display();
    let text = match state {
        State::Foreign => format!("{path} is no PID file"),
        State::Stale(Some(pid)) => {
            let pid = pid.as_raw_nonzero();
            format!("no server runs: PID {pid} in {path} is stale")
        }
        _ => format!("no server runs: there is no PID in {path}"),
    };
    Failure::new(NO, text)
}

fn pid_file(plan: &Plan) -> &Path {
    plan.pid_file.as_deref().unwrap_or(Path::new(PID_FILE))
}

fn stop(plan: &Plan) -> Result<(), Failure> {
    let path = pid_file(plan);
    match PidFile::look(path)? {
        State::Running(pid) => end(pid, path, patience(plan)),
        stale @ State::Stale(_) => {
            complain(format_args!("{}; removing it", nobody(path, stale)));
            Ok(PidFile::remove_stale(path)?)
        }
        other => Err(nobody(path, other)),
    }
}

fn stop_if_running(plan: &Plan) -> Result<(), Failure> {
    let path = pid_file(plan);
    match PidFile::look(path)? {
        State::Running(pid) => end(pid, path, patience(plan)),
        _ => Ok(()),
    }
}

/// How long requests may take to finish where no configuration says so.
const USUAL_DRAIN: Duration = Duration::from_secs(10);

/// What comes on top of it: the processes' own ends.
const GRACE: Duration = Duration::from_secs(5);

/// How long a server may take to end.
fn patience(plan: &Plan) -> Duration {
    let drain = plan.config().map(|config| config.global.drain);
    drain.unwrap_or(USUAL_DRAIN) + GRACE
}

/// How often is looked whether a process lives, which is not ours to wait for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends a server, and waits until it has gone.
fn end(pid: Pid, path: &Path, patience: Duration) -> Result<(), Failure> {
    let number = pid.as_raw_nonzero();
    match rustix::process::kill_process(pid, Signal::TERM) {
        // It has just ended.
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => {
            let text = format!("cannot stop the server in PID {number}: {error}");
            return Err(Failure::new(NO_PERMISSION, text));
        }
    }
    let until = Instant::now() + patience;
    while PidFile::look(path)? == State::Running(pid) {
        if Instant::now() >= until {
            let text = format!(
                "the server in PID {number} has not ended within {} s; kill -QUIT {number} ends \
                 it at once",
                patience.as_secs()
            );
            return Err(Failure::new(SURVIVED, text));
        }
        thread::sleep(LOOK_EVERY);
    }
    // The original leaves its file behind, and root's server may not remove it.
    if matches!(PidFile::look(path)?, State::Stale(_)) {
        PidFile::remove_stale(path)?;
    }
    Ok(())
}
