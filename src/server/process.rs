//! One worker process, as its master sees it: a child, and the pipe on which it reports.
//!
//! The child finds the listening socket as descriptor 0 and the pipe as descriptor 1; the error
//! output is the master's. Nothing here waits.

use std::collections::VecDeque;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use signal_hook::low_level::signal_name;

use super::Listener;
use super::Report;

/// The longest report that is read; a longer one is no report.
const LONGEST: usize = 64 * 1024;

/// Variables of systemd that are the master's alone.
const OURS: [&str; 6] = [
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// A worker process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Gone once the worker has closed its end.
    pipe: Option<ChildStdout>,
    /// What was read and is no whole line yet.
    partial: Vec<u8>,
}

impl Process {
    /// Starts `command` over the listening socket.
    pub(super) fn start(mut command: Command, listener: &Listener) -> io::Result<Self> {
        let socket = OwnedFd::from(listener.socket().try_clone()?);
        for name in OURS {
            command.env_remove(name);
        }
        let mut child = command
            .stdin(Stdio::from(socket))
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = child.stdout.take();
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            child,
            pipe,
            partial: Vec::new(),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What to wait for reports at.
    pub(super) fn pipe(&self) -> Option<&ChildStdout> {
        self.pipe.as_ref()
    }

    /// All reports that have come by now.
    pub(super) fn reports(&mut self) -> VecDeque<Report> {
        let mut reports = VecDeque::new();
        let mut buffer = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    self.partial
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                    self.cut(&mut reports);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.pipe = None,
            }
        }
        reports
    }

    /// Takes the whole lines out of what was read.
    fn cut(&mut self, reports: &mut VecDeque<Report>) {
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let rest = self.partial.split_off(end + 1);
            let line = std::mem::replace(&mut self.partial, rest);
            match String::from_utf8_lossy(&line).trim_end().parse() {
                Ok(report) => reports.push_back(report),
                Err(error) => log::debug!("worker {}: a line is {error}", self.id()),
            }
        }
        if self.partial.len() > LONGEST {
            self.partial.clear();
        }
    }

    /// How it has ended, in words, if it has.
    pub(super) fn end(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(in_words(status)),
            // Somebody else has waited for it.
            Err(error) => Some(error.to_string()),
        }
    }

    /// Sends it a signal; one that has just ended does not mind.
    pub(super) fn signal(&self, signal: Signal) {
        let sent = rustix::process::kill_process(Pid::from_child(&self.child), signal);
        if let Err(error) = sent {
            log::debug!("worker {}: cannot send a signal: {error}", self.id());
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            let name = signal_name(signal).unwrap_or("unknown");
            format!("signal {name}")
        }
        (None, None) => "in an unknown way".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::super::listen;
    use super::*;

    fn start(script: &str) -> Process {
        let address = Address::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        let listener = listen(&address, 8).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command, &listener).unwrap()
    }

    /// Everything that a process reports until it ends, and how it ends.
    fn all(mut process: Process) -> (Vec<Report>, String) {
        let mut reports = Vec::new();
        while let Some(pipe) = process.pipe() {
            let mut polled = [rustix::event::PollFd::new(
                pipe,
                rustix::event::PollFlags::IN,
            )];
            rustix::event::poll(&mut polled, None).unwrap();
            reports.extend(process.reports());
        }
        let how = in_words(process.child.wait().unwrap());
        (reports, how)
    }

    #[test]
    fn reports_are_read_line_by_line_and_rubbish_is_left_out() {
        let process = start(
            r"printf 'beat\nbe'; printf 'at\nrubbish\nready \377x\nfailed 78 a\\nb\n'; exit 7",
        );
        let (reports, how) = all(process);
        assert_eq!(reports.len(), 4, "{reports:?}");
        assert_eq!(reports[..2], [Report::Beat, Report::Beat]);
        assert_eq!(
            reports[3],
            Report::Failed {
                code: 78,
                text: "a\nb".to_owned()
            }
        );
        assert_eq!(how, "exit code 7");
    }

    #[test]
    fn a_signal_is_told_by_its_name() {
        let process = start("kill -9 $$");
        assert_eq!(all(process), (Vec::new(), "signal SIGKILL".to_owned()));
    }

    #[test]
    fn a_worker_is_not_taken_for_the_service_by_systemd() {
        // The variables are removed from the command, whatever our own environment has.
        let process = start(r#"env | grep -q '^\(LISTEN\|NOTIFY\|WATCHDOG\)_' || exit 3"#);
        assert_eq!(all(process).1, "exit code 3");
    }
}
