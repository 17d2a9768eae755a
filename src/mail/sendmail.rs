//! The command that every mail server on Unix brings: `sendmail`.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

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
}

impl Sendmail {
    /// A program and its arguments, before those that say from whom and to whom.
    ///
    /// # Errors
    /// [`MailError::Address`] for the sender's.
    pub fn new(sender: &str, program: &str, arguments: &[String]) -> Result<Self, MailError> {
        Ok(Self {
            sender: compose::mailbox(sender)?,
            program: program.to_owned(),
            arguments: arguments.to_vec(),
        })
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
        // Who does not read it all says why when it ends.
        let written = match child.stdin.take() {
            Some(mut input) => input.write_all(&message),
            None => Ok(()),
        };
        let output = child
            .wait_with_output()
            .map_err(|cause| self.cannot_run(cause))?;
        if output.status.success() && written.is_ok() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = match said.trim() {
            "" => output.status.to_string(),
            said => said.to_owned(),
        };
        Err(MailError::Command {
            command: self.program.clone(),
            said,
        })
    }

    fn probe(&self) -> Result<(), MailError> {
        std::fs::metadata(&self.program)
            .map(drop)
            .map_err(|cause| self.cannot_run(cause))
    }
}
