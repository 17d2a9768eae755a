//! A server in a process of its own: started, waited for, measured, ended.

use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one tick of the CPU times in /proc is; user space sees no other on Linux.
const TICK: Duration = Duration::from_millis(10);

/// A running server; dropping it ends it.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, and waits for a line on its stderr of which `ready` makes something. What its
    /// stdin is, the caller has said.
    pub(crate) fn start<T>(
        command: &mut Command,
        ready: impl Fn(&str) -> Option<T>,
    ) -> io::Result<(Self, T)> {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut process = Self(child);
        let (sender, lines) = mpsc::channel();
        if let Some(stderr) = process.0.stderr.take() {
            // Read to the end, whether or not somebody listens: a full pipe would stop it.
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        let mut said = String::new();
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if let Some(value) = ready(&line) {
                return Ok((process, value));
            }
            said.push_str("\n    ");
            said.push_str(&line);
        }
        Err(io::Error::other(format!("a server did not start:{said}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// See [`cpu`].
    pub(crate) fn cpu(&self) -> Option<Duration> {
        cpu(self.0.id())
    }
}

/// The CPU time that a process and all that it has started have used, where the system tells it.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    Some(family(process)?.iter().map(|stat| stat.cpu).sum())
}

/// The CPU time of this very program, without that of the servers.
pub(crate) fn own_cpu() -> Option<Duration> {
    Some(stat(std::process::id())?.cpu)
}

/// The ids of a process and of all that it has started.
pub(crate) fn members(process: u32) -> Option<Vec<u32>> {
    Some(family(process)?.iter().map(|stat| stat.id).collect())
}

/// A process and all that it has started.
fn family(process: u32) -> Option<Vec<Stat>> {
    let mut all = stats()?;
    let first = all.iter().position(|stat| stat.id == process)?;
    let mut family = vec![all.swap_remove(first)];
    loop {
        let is_ours = |stat: &mut Stat| family.iter().any(|one| one.id == stat.parent);
        let children: Vec<Stat> = all.extract_if(.., is_ours).collect();
        if children.is_empty() {
            return Some(family);
        }
        family.extend(children);
    }
}

/// What the system tells of a process.
struct Stat {
    id: u32,
    parent: u32,
    /// Its own time, and that of children that have ended.
    cpu: Duration,
}

/// All processes.
fn stats() -> Option<Vec<Stat>> {
    let entries = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // Whoever ends meanwhile is none of ours.
    Some(ids.filter_map(stat).collect())
}

fn stat(id: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold blanks.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(1);
    let parent = fields.next()?.parse().ok()?;
    let mut ticks: u32 = 0;
    for time in fields.skip(9).take(4) {
        ticks += time.parse::<u32>().ok()?;
    }
    Some(Stat {
        id,
        parent,
        cpu: TICK * ticks,
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is just as well.
        let _ = rustix::process::kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}
