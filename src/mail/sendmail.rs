//! The command that every mail server on Unix brings: `sendmail`.

use std::io::Read;
use std::io::Write;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use lettre::message::Mailbox;

use super::Letter;
use super::MailError;
use super::Post;
use super::compose;

/// A command that takes a mail on its input.
pub struct Sendmail {
    sender: Mailbox,
    program: String,
    arguments: Vec<String>,
    timeout: Duration,
}

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How long is waited for what it has said, after its end: a child of its own may go on.
const LISTEN: Duration = Duration::from_secs(1);

/// How much of that is shown, in bytes.
const MAX_SAID: u64 = 1000;

impl Sendmail {
    /// A program and its arguments, before those that say from whom and to whom. It has `timeout`
    /// to take a mail, and is ended then.
    ///
    /// # Errors
    /// [`MailError::Address`] for the sender's.
    pub fn new(
        sender: &str,
        program: &str,
        arguments: &[String],
        timeout: Duration,
    ) -> Result<Self, MailError> {
        Ok(Self {
            timeout,
            sender: compose::mailbox(sender)?,
            program: program.to_owned(),
            arguments: arguments.to_vec(),
        })
    }

    fn failed(&self, said: String) -> MailError {
        MailError::Command {
            command: self.program.clone(),
            said,
        }
    }

    /// How the command ended.
    fn end_of(&self, child: &mut Child) -> Result<ExitStatus, MailError> {
        let until = Instant::now() + self.timeout;
        loop {
            match child.try_wait().map_err(|cause| self.cannot_run(cause))? {
                Some(status) => return Ok(status),
                None if Instant::now() < until => thread::sleep(LOOK),
                None => break,
            }
        }
        // It may have ended meanwhile.
        let _ = child.kill();
        child.wait().map_err(|cause| self.cannot_run(cause))?;
        let seconds = self.timeout.as_secs();
        Err(self.failed(format!("it has not ended within {seconds} s")))
    }

    fn cannot_run(&self, cause: std::io::Error) -> MailError {
        MailError::Run {
            command: self.program.clone(),
            cause,
        }
    }
}

impl Post for Sendmail {
    fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = compose::compose(&self.sender, letter)?.formatted();
        let reader = compose::mailbox(letter.to)?;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            // Dots that stand alone end nothing; no shell, no option made of an address.
            .args(["-i", "-f", self.sender.email.as_ref(), "--"])
            .arg(AsRef::<str>::as_ref(&reader.email))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|cause| self.cannot_run(cause))?;
        // On threads of their own: a command that neither reads nor speaks holds nobody up.
        let input = child.stdin.take();
        let writer =
            thread::spawn(move || input.is_some_and(|mut input| input.write_all(&message).is_ok()));
        let (say, hear) = mpsc::channel();
        let errors = child.stderr.take();
        thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(errors) = errors {
                // What was read before it broke is enough.
                let _ = errors.take(MAX_SAID).read_to_end(&mut said);
            }
            // Nobody listens any more to what comes too late.
            let _ = say.send(String::from_utf8_lossy(&said).trim().to_owned());
        });
        let status = self.end_of(&mut child)?;
        if status.success() && writer.join().is_ok_and(|is_whole| is_whole) {
            return Ok(());
        }
        let said = hear.recv_timeout(LISTEN).unwrap_or_default();
        Err(self.failed(if said.is_empty() {
            status.to_string()
        } else {
            said
        }))
    }

    fn probe(&self) -> Result<(), MailError> {
        std::fs::metadata(&self.program)
            .map(drop)
            .map_err(|cause| self.cannot_run(cause))
    }
}
