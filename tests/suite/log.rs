//! What a child process writes to its stderr, line by line, with a way to wait for a line.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Longer than any start takes, also on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of one process.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Collects lines in a thread of its own until the other side closes.
    pub(crate) fn collect(from: impl Read + Send + 'static) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let into = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                into.state.lock().unwrap().lines.push(line);
                into.changed.notify_all();
            }
            into.state.lock().unwrap().ended = true;
            into.changed.notify_all();
        });
        log
    }

    /// Collects the lines of a file that others write, from its beginning, also when it does not
    /// exist yet.
    #[expect(clippy::zombie_processes, reason = "it lives as long as this process")]
    pub(crate) fn follow(file: &Path) -> Arc<Self> {
        let tail = Command::new("tail")
            .args(["--lines=+1", "--retry", "--follow=name", "--quiet"])
            .arg(format!("--pid={}", std::process::id()))
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let tail = tail.unwrap();
        Self::collect(tail.stdout.unwrap())
    }

    /// Waits for a line of which `choose` makes something; `None` when the process ended first.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, choose: impl Fn(&str) -> Option<T>) -> Option<T> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = state.lines.iter().find_map(|line| choose(line)) {
                return Some(found);
            }
            if state.ended {
                return None;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited too long; so far: {:#?}",
                state.lines
            );
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits until there are so many lines with `word`.
    #[track_caller]
    pub(crate) fn wait_for_count(&self, word: &str, count: usize) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        loop {
            let lines = &state.lines;
            if lines.iter().filter(|line| line.contains(word)).count() >= count {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !state.ended,
                "waited for {count} × {word}; so far: {:#?}",
                state.lines
            );
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// How many lines so far have `word`.
    pub(crate) fn count(&self, word: &str) -> usize {
        let state = self.state.lock().unwrap();
        let lines = state.lines.iter();
        lines.filter(|line| line.contains(word)).count()
    }

    /// Waits until the process has closed its stderr, which it does by ending.
    #[track_caller]
    pub(crate) fn wait_for_end(&self) {
        self.wait_for(|_| None::<()>);
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        self.state.lock().unwrap().lines.join("\n")
    }

    /// The last lines, for the message of a failed test.
    pub(crate) fn tail(&self) -> String {
        let state = self.state.lock().unwrap();
        let from = state.lines.len().saturating_sub(12);
        state.lines[from..].join("\n")
    }
}
