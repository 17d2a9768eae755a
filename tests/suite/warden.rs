//! Ends a server when the test process ends, however it ends.
//!
//! Servers that many tests share live in statics, which are never dropped; and a test process
//! can be killed. So every server gets a warden: a shell that reads a pipe nobody writes to.
//! When the test process is gone the pipe closes, and the shell ends the server and removes its
//! folder.

use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use rustix::process::Signal;

/// Waits for the pipe to close, ends the process and waits for it, up to 10 s. What the terminal
/// sends to all of us ends the test process, and must not end its wardens.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT
read -r _
kill "-$3" "$1" 2>/dev/null
n=0
while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
kill -9 "$1" 2>/dev/null
[ -z "$2" ] || rm -rf "$2"
"#;

/// Watches over one process.
#[derive(Debug)]
pub(crate) struct Warden(Child);

impl Warden {
    /// `folder` is removed with the process, unless the warden is dismissed.
    pub(crate) fn over(process: u32, folder: Option<&Path>) -> Self {
        Self::ending(process, Signal::TERM, folder)
    }

    /// Over a process that ends in good order by another signal.
    pub(crate) fn ending(process: u32, signal: Signal, folder: Option<&Path>) -> Self {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "warden", &process.to_string()])
            .arg(folder.unwrap_or(Path::new("")))
            .arg(signal.as_raw().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(shell)
    }
}

impl Drop for Warden {
    /// The owner ends the process himself.
    fn drop(&mut self) {
        // It may have gone already, which is just as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
