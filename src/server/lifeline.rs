//! A worker's pipe to its master: what is reported on it, and how the master's end is noticed.
//!
//! The pipe is descriptor 1. It is moved away first of all, so that nothing that somebody prints
//! is taken for a report; the error output takes its place.

use std::io;
use std::io::PipeWriter;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::fs::FileType;

use super::Pulse;
use super::Report;
use super::Stop;

/// How often a worker says that it is well.
const BEAT: Duration = Duration::from_secs(1);

/// What makes a worker unwell, or tired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamina {
    /// How long one call of the handler may take; absent: for ever.
    pub hang: Option<Duration>,
    /// After how many requests it wants to be replaced; absent: never.
    pub requests: Option<u64>,
}

/// The pipe to the master.
#[derive(Clone, Debug)]
pub struct Lifeline(Arc<PipeWriter>);

impl Lifeline {
    /// Takes descriptor 1.
    ///
    /// # Errors
    ///
    /// When it is no pipe: no master has started this process.
    pub fn take() -> io::Result<Self> {
        let stdout = rustix::stdio::stdout();
        if !FileType::from_raw_mode(rustix::fs::fstat(stdout)?.st_mode).is_fifo() {
            let text = "descriptor 1 is no pipe; workers are started by their master";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let pipe: OwnedFd = rustix::io::fcntl_dupfd_cloexec(stdout, 3)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        // A master that does not read must not make anybody wait.
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self(Arc::new(PipeWriter::from(pipe))))
    }

    /// Tells the master something.
    ///
    /// # Errors
    ///
    /// The pipe's: the master is gone, or does not read.
    pub fn report(&self, report: &Report) -> io::Result<()> {
        // One write, so that reports of several threads do not mix.
        (&*self.0).write_all(format!("{report}\n").as_bytes())
    }

    /// Says each second that all is well, as long as it is, on a thread of its own; stops the
    /// server when the master is gone.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn keep(&self, stop: &Stop, pulse: &Pulse, stamina: Stamina) -> io::Result<()> {
        let (lifeline, stop, pulse) = (self.clone(), stop.clone(), pulse.clone());
        thread::Builder::new()
            .name("weaved-pulse".to_owned())
            .spawn(move || lifeline.beat(&stop, &pulse, stamina))?;
        Ok(())
    }

    fn beat(&self, stop: &Stop, pulse: &Pulse, stamina: Stamina) {
        let (mut hangs, mut tired) = (false, false);
        loop {
            let longest = pulse.longest().unwrap_or_default();
            let hung = stamina.hang.is_some_and(|limit| longest >= limit);
            if hung && !hangs {
                let seconds = longest.as_secs();
                log::error!("a request has been worked on for {seconds} s; giving up on it");
            }
            hangs = hung;
            let sent = if hung {
                Ok(())
            } else {
                self.report(&Report::Beat)
            };
            if !tired && stamina.requests.is_some_and(|most| pulse.served() >= most) {
                tired = self.report(&Report::Leaving).is_ok();
            }
            if is_broken(&sent) || self.is_cut(BEAT) {
                if !stop.is_stopping() {
                    log::warn!("the master is gone: stopping");
                }
                return stop.stop();
            }
        }
    }

    /// Waits for a while whether the master's end is closed.
    fn is_cut(&self, patience: Duration) -> bool {
        let Ok(patience) = Timespec::try_from(patience) else {
            return false;
        };
        // An error is always reported, whatever is asked for.
        let mut polled = [PollFd::new(&*self.0, PollFlags::empty())];
        match rustix::event::poll(&mut polled, Some(&patience)) {
            Ok(count) => count > 0,
            Err(_) => false,
        }
    }
}

fn is_broken(sent: &io::Result<()>) -> bool {
    matches!(sent, Err(error) if error.kind() == io::ErrorKind::BrokenPipe)
}
