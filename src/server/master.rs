//! The master: holds the listening socket, and sees to it that workers serve on it.
//!
//! It parses no request and opens no database; it has never heard of Sync. In go the bound
//! socket, a maker of worker commands, a [`Plan`], and what to do at signals; out comes, when a
//! signal asks for it or nothing can be done, the end. One loop on one thread: it waits for a
//! signal, a report or a deadline, tells the news to the crew, which decides, and does what the
//! crew orders. There is no `fork` of a live process: a worker is a program started anew with the
//! socket as descriptor 0 (design.md, "Prefork master, threaded workers").
//!
//! The socket is never closed while workers change: connections wait in its queue.

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::process::Signal;

use super::Inbox;
use super::Listener;
use super::Report;
use super::crew::Crew;
use super::crew::Hopeless;
use super::crew::Order;
use super::crew::Plan;
use super::process::Process;
use super::signals::Wish;
use super::systemd::Notices;
use super::wire;

/// How long the master sleeps at most.
const LONGEST: Duration = Duration::from_secs(1);

/// A turn that was so late was not the workers' fault: the master did not run either.
const HELD_UP: Duration = Duration::from_secs(2);

/// Why the master ended although nobody wanted it.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// The first worker could not start; the text is its own.
    #[error("{text}")]
    Start {
        /// The worker's exit code, if it gave a reason.
        code: Option<u8>,
        /// The reason.
        text: String,
    },
    /// Workers have not been able to start for a long time.
    #[error("giving up: workers cannot start: {text}")]
    GaveUp {
        /// The last worker's exit code, if it gave a reason.
        code: Option<u8>,
        /// The last worker's reason.
        text: String,
    },
    /// The system does not let the master wait.
    #[error("cannot wait for workers")]
    Wait(#[source] io::Error),
}

impl From<Hopeless> for MasterError {
    fn from(hopeless: Hopeless) -> Self {
        let Hopeless {
            code,
            text,
            at_start,
        } = hopeless;
        if at_start {
            Self::Start { code, text }
        } else {
            Self::GaveUp { code, text }
        }
    }
}

/// What the master leaves to those who know the program.
pub trait Trade {
    /// The command that is a worker; its descriptors 0 and 1 are the master's matter.
    fn worker(&self) -> Command;

    /// The first worker serves, on the socket that the text names.
    fn ready(&mut self, address: &str);

    /// Reads the configuration anew.
    ///
    /// # Errors
    ///
    /// Why it cannot be used, in words; the old one stays.
    fn reload(&mut self) -> Result<Plan, String>;

    /// Opens the logs anew.
    fn reopen(&mut self);
}

/// A master, ready to run.
#[derive(Debug)]
pub struct Master<'a, T> {
    /// The socket on which the workers serve.
    pub listener: Listener,
    /// The signals.
    pub inbox: Inbox,
    /// How many workers there are, and how long they are waited for.
    pub plan: Plan,
    /// Everything else.
    pub trade: &'a mut T,
}

impl<T: Trade> Master<'_, T> {
    /// Keeps workers until a signal asks for the end, and they are gone.
    ///
    /// # Errors
    ///
    /// [`MasterError`]; all workers have ended then too.
    pub fn run(self) -> Result<(), MasterError> {
        let mut shift = Shift {
            address: self.listener.local().to_string(),
            crew: Crew::new(self.plan),
            inbox: self.inbox,
            listener: Some(self.listener),
            notices: Notices::new(),
            processes: BTreeMap::new(),
            ready: false,
            reloading: false,
            trade: self.trade,
        };
        shift.keep()
    }
}

/// A master at work.
struct Shift<'a, T> {
    address: String,
    crew: Crew,
    inbox: Inbox,
    /// Gone once the end is wanted.
    listener: Option<Listener>,
    notices: Notices,
    processes: BTreeMap<u32, Process>,
    /// Whether anybody has been told that we serve.
    ready: bool,
    /// Whether a service manager waits for the end of a reload.
    reloading: bool,
    trade: &'a mut T,
}

impl<T: Trade> Shift<'_, T> {
    fn keep(&mut self) -> Result<(), MasterError> {
        loop {
            for order in self.crew.orders(Instant::now()) {
                self.obey(order);
            }
            if self.reloading && !self.crew.is_reloading() {
                self.reloaded();
            }
            if self.crew.is_stopping() || self.crew.hopeless().is_some() {
                // Nobody will accept from it any more.
                self.listener = None;
            }
            if self.crew.is_over() {
                return match self.crew.hopeless() {
                    Some(hopeless) if !self.crew.is_stopping() => Err(hopeless.clone().into()),
                    _ => Ok(()),
                };
            }
            self.tell();
            self.wait()?;
            self.look();
        }
    }

    /// Waits for a signal, a report or a deadline.
    fn wait(&mut self) -> Result<(), MasterError> {
        let begun = Instant::now();
        let next = [self.crew.next(begun), self.notices.next()];
        let next = next.into_iter().flatten().min();
        let patience = next.map_or(LONGEST, |next| next.saturating_duration_since(begun));
        let patience = patience.min(LONGEST);
        let pipes = self.processes.values().filter_map(Process::pipe);
        let mut polled: Vec<PollFd<'_>> =
            pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        polled.push(PollFd::new(self.inbox.pipe(), PollFlags::IN));
        wire::poll(&mut polled, patience).map_err(MasterError::Wait)?;
        if begun.elapsed() > patience + HELD_UP {
            self.crew.forgive(Instant::now());
        }
        Ok(())
    }

    /// Takes in whatever has happened.
    fn look(&mut self) {
        let now = Instant::now();
        let mut news = Vec::new();
        for (&id, process) in &mut self.processes {
            // In this order: what it reported before its end is read in any case.
            let end = process.end();
            news.push((id, process.reports(), end));
        }
        for (id, reports, end) in news {
            for report in reports {
                self.hear(id, report, now);
            }
            if let Some(how) = end {
                self.processes.remove(&id);
                self.crew.ended(id, &how, now);
                log::debug!("worker {id} has ended ({how})");
            }
        }
        for (wish, name) in self.inbox.wishes() {
            self.fulfil(wish, name);
        }
    }

    fn hear(&mut self, id: u32, report: Report, now: Instant) {
        match report {
            Report::Beat => self.crew.heard(id, now),
            Report::Failed { code, text } => self.crew.failed(id, code, text),
            Report::Leaving => {
                log::info!("worker {id} has served its requests; another one takes its place");
                self.crew.leaving(id);
            }
            Report::Ready { .. } => {
                if !self.crew.ready(id, now) {
                    return;
                }
                let (serving, wanted) = (self.crew.serving(), self.crew.wanted());
                log::info!("worker {id} serves: serving={serving} wanted={wanted}");
                if !self.ready {
                    self.ready = true;
                    self.trade.ready(&self.address);
                    self.notices.ready();
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let signal = |id: u32, signal: Signal| {
            if let Some(process) = self.processes.get(&id) {
                process.signal(signal);
            }
        };
        match order {
            Order::End(id) => signal(id, Signal::TERM),
            Order::Quit(id) => signal(id, Signal::QUIT),
            Order::Kill(id) => {
                log::warn!("worker {id} does not end: killing it");
                signal(id, Signal::KILL);
            }
            Order::Start => self.start(),
        }
    }

    fn start(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        let now = Instant::now();
        let command = self.trade.worker();
        let program = command.get_program().to_owned();
        match Process::start(command, listener) {
            Ok(process) => {
                self.crew.started(process.id(), now);
                self.processes.insert(process.id(), process);
            }
            Err(error) => {
                let remedy = match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "; the user who serves must be able to reach and to run it"
                    }
                    _ => "",
                };
                let program = program.display();
                let text = format!("cannot start {program} as a worker: {error}{remedy}");
                self.crew.not_started(text, now);
            }
        }
    }

    fn fulfil(&mut self, wish: Wish, name: &str) {
        if self.crew.is_stopping() && !matches!(wish, Wish::Reopen) {
            if matches!(wish, Wish::Stop | Wish::StopAtOnce) {
                log::info!("{name}: stopping at once");
                self.crew.stop(true);
            }
            return;
        }
        match wish {
            Wish::Fewer | Wish::More => {
                self.crew.resize(wish == Wish::More);
                log::info!("{name}: wanted={}", self.crew.wanted());
            }
            Wish::Reload => {
                log::info!("{name}: reading the configuration anew");
                self.reload();
            }
            Wish::Reopen => self.reopen(),
            Wish::Stop | Wish::StopAtOnce => {
                let at_once = wish == Wish::StopAtOnce;
                let how = if at_once { " at once" } else { "" };
                log::info!("{name}: stopping{how}");
                self.notices.stopping();
                self.crew.stop(at_once);
            }
        }
    }

    fn reload(&mut self) {
        self.notices.reloading();
        self.reloading = true;
        match self.trade.reload() {
            Ok(plan) => self.crew.replace(plan),
            Err(text) => {
                log::error!("the new configuration is refused, the old one stays: {text}");
            }
        }
    }

    /// A reload is over, whatever came of it.
    fn reloaded(&mut self) {
        self.reloading = false;
        // Before the first worker serves, its own notice follows.
        if self.ready {
            self.notices.ready();
        }
    }

    fn reopen(&mut self) {
        self.trade.reopen();
        // Those that boot have just opened them, and might not know the signal yet.
        let serving = |id: &u32| self.crew.is_serving(*id);
        for (_, process) in self.processes.iter().filter(|(id, _)| serving(id)) {
            process.signal(Signal::USR1);
        }
        log::info!("the logs are open anew");
    }

    /// Tells the service manager how things stand.
    fn tell(&mut self) {
        self.notices.beat(Instant::now());
        let (serving, wanted) = (self.crew.serving(), self.crew.wanted());
        let state = if self.crew.is_stopping() {
            "stopping"
        } else if self.crew.is_reloading() {
            "reloading"
        } else if self.ready {
            "serving"
        } else {
            "starting"
        };
        let address = &self.address;
        let status = format!("{state} on {address}: {serving} of {wanted} workers");
        self.notices.status(status);
    }
}
