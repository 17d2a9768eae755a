//! Signals: what each of them asks for, and two ways to hear them.
//!
//! | signal | asks for |
//! | --- | --- |
//! | TERM, INT | an orderly end; a second one: an end at once |
//! | QUIT | an end at once |
//! | HUP | the configuration anew; without workers, the logs anew |
//! | USR1 | the logs anew |
//! | TTIN, TTOU | one worker more, one fewer |
//!
//! The handlers only note the signal in a pipe. A process that serves has a thread that acts on
//! it ([`watch`]); the master polls the pipe in its loop ([`Inbox`]). A worker leaves INT and HUP
//! to its master: a terminal sends them to both.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::thread;
use std::thread::JoinHandle;

use signal_hook::consts::SIGCHLD;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGQUIT;
use signal_hook::consts::SIGTERM;
use signal_hook::consts::SIGTTIN;
use signal_hook::consts::SIGTTOU;
use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Handle;
use signal_hook::iterator::Signals;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::signal_name;

use super::Stop;

/// Every signal that means something; none of them ends a process by itself any more.
const ALL: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1];

/// Whose signals are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A process that serves on its own.
    Alone,
    /// A process that has a master.
    Worker,
}

/// Keeps the signals watched until it is dropped; afterwards they are ignored.
pub struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // Its panic, if it had one, has been reported already.
            let _ = thread.join();
        }
    }
}

/// Lets signals work on `stop` from now on; `reopen` opens the logs anew.
///
/// # Errors
///
/// The system's, when a handler or the thread cannot be installed.
pub fn watch(stop: &Stop, role: Role, reopen: impl Fn() + Send + 'static) -> io::Result<Watch> {
    let mut signals = Signals::new(ALL)?;
    let handle = signals.handle();
    let stop = stop.clone();
    let thread = thread::Builder::new()
        .name("weaved-signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                obey(signal, role, &stop, &reopen);
            }
        })?;
    Ok(Watch {
        handle,
        thread: Some(thread),
    })
}

fn obey(signal: i32, role: Role, stop: &Stop, reopen: &impl Fn()) {
    let name = signal_name(signal).unwrap_or("a signal");
    // The master has told of it already.
    let level = match role {
        Role::Alone => log::Level::Info,
        Role::Worker => log::Level::Debug,
    };
    match (signal, role) {
        (SIGHUP | SIGINT, Role::Worker) => {}
        (SIGUSR1, _) => reopen(),
        (SIGHUP, Role::Alone) => {
            reopen();
            log::info!(
                "{name}: the logs are opened anew; a new configuration needs a new start, because \
                 whoever started this process is its master"
            );
        }
        // A supervisor may tell all processes, and the master tells its workers once more: that is
        // no second wish. At once is QUIT.
        (SIGTERM, Role::Worker) if stop.is_stopping() => {}
        (SIGTERM | SIGINT, _) if !stop.is_stopping() => {
            log::log!(level, "{name}: stopping");
            stop.stop();
        }
        (SIGTERM | SIGINT | SIGQUIT, _) => {
            log::log!(level, "{name}: stopping at once");
            stop.stop_at_once();
        }
        _ => {}
    }
}

/// What an operator wants of the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// One worker fewer.
    Fewer,
    /// One worker more.
    More,
    /// The configuration anew.
    Reload,
    /// The logs anew.
    Reopen,
    /// An orderly end; a second one: at once.
    Stop,
    /// An end at once.
    StopAtOnce,
}

/// The master's signals, noted until it looks.
pub struct Inbox(SignalDelivery<UnixStream, SignalOnly>);

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    /// Begins to note signals.
    ///
    /// # Errors
    ///
    /// The system's, when a handler cannot be installed.
    pub fn open() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let signals = ALL.iter().chain(&[SIGCHLD]);
        Ok(Self(SignalDelivery::with_pipe(
            read, write, SignalOnly, signals,
        )?))
    }

    /// What to wait for signals at.
    pub(super) fn pipe(&self) -> &UnixStream {
        self.0.get_read()
    }

    /// The wishes since the last look, and the names of their signals.
    pub(super) fn wishes(&mut self) -> Vec<(Wish, &'static str)> {
        let signals = self.0.pending();
        signals
            .filter_map(|signal| Some((wish(signal)?, signal_name(signal)?)))
            .collect()
    }
}

fn wish(signal: i32) -> Option<Wish> {
    match signal {
        SIGHUP => Some(Wish::Reload),
        SIGINT | SIGTERM => Some(Wish::Stop),
        SIGQUIT => Some(Wish::StopAtOnce),
        SIGTTIN => Some(Wish::More),
        SIGTTOU => Some(Wish::Fewer),
        SIGUSR1 => Some(Wish::Reopen),
        // A child has ended: that is looked at in each turn.
        _ => None,
    }
}
