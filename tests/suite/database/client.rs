//! A server's own client for the command line, with statements on its stdin.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::thread;

fn piped(mut client: Command) -> Child {
    client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs statements to their end, and returns what the client printed.
#[track_caller]
pub(super) fn run(client: Command, statements: &str) -> String {
    let mut child = piped(client);
    // Rows and statements may both be more than a pipe holds.
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            // A client that has met a mistake reads no further.
            let _ = stdin.write_all(statements.as_bytes());
        });
        child.wait_with_output().unwrap()
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\nin: {statements}");
    String::from_utf8(output.stdout).unwrap()
}

/// A connection with an open transaction, which is rolled back when this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Hold {
    #[track_caller]
    pub(super) fn new(client: Command, statements: &str) -> Self {
        let mut child = piped(client);
        let mut hold = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        hold.go_on(statements);
        hold
    }

    /// Runs further statements, and returns when they have been done.
    #[track_caller]
    pub(crate) fn go_on(&mut self, statements: &str) {
        const DONE: &str = "all of it is done";

        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{statements}; SELECT '{DONE}';").unwrap();
        let mut lines = self.stdout.by_ref().lines();
        if !lines.any(|line| line.unwrap() == DONE) {
            let mut errors = String::new();
            let mut stderr = self.child.stderr.take().unwrap();
            stderr.read_to_string(&mut errors).unwrap();
            panic!("{errors}\nin: {statements}");
        }
    }
}

impl Drop for Hold {
    /// Returns when the locks are free.
    fn drop(&mut self) {
        if let Some(mut stdin) = self.stdin.take() {
            // The server may have been ended in between.
            let _ = stdin.write_all(b"ROLLBACK;\n");
        }
        let _ = self.child.wait();
    }
}
