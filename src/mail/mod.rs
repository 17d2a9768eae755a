//! Mails that leave: one letter at a time, to one reader.
//!
//! In: a [`Letter`], plain text. Out: that somebody has taken it, or why not. What is in a letter,
//! and who may have one, is `api`'s; how an SMTP server is spoken to is the library's. Every wait
//! has a bound.

#[cfg(feature = "mail")]
mod compose;
#[cfg(feature = "mail")]
mod sendmail;
#[cfg(feature = "mail")]
mod smtp;

use std::error::Error as StdError;
use std::io;

#[cfg(feature = "mail")]
pub use sendmail::Sendmail;
#[cfg(feature = "mail")]
pub use smtp::Smtp;
#[cfg(feature = "mail")]
pub use smtp::SmtpSettings;
#[cfg(feature = "mail")]
pub use smtp::SmtpTls;

/// What somebody is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The reader's address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Lines of any length; they arrive as they are.
    pub text: &'a str,
}

/// Who takes letters.
pub trait Post: Send + Sync {
    /// Hands a letter over; whoever took it answers for it.
    ///
    /// # Errors
    /// [`MailError`]; then it was not taken, or its taking got no answer.
    fn send(&self, letter: &Letter<'_>) -> Result<(), MailError>;

    /// Whether letters would be taken; sends none.
    ///
    /// # Errors
    /// [`MailError`] says why not.
    fn probe(&self) -> Result<(), MailError>;
}

/// Why a letter was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender or the reader has no address that a mail can have.
    #[error("{0} is no address that a mail can have")]
    Address(String),
    /// A file of certificates cannot be used.
    #[error("the certificates in {path} cannot be used: {cause}")]
    Certificates {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The command that sends mails did not take it.
    #[error("{command} has failed: {said}")]
    Command {
        /// The command.
        command: String,
        /// What it said, or how it ended.
        said: String,
    },
    /// The command cannot be run.
    #[error("{command} cannot be run")]
    Run {
        /// The command.
        command: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The mail server did not take it.
    #[error("the mail server {server} takes no mail")]
    Server {
        /// Its name and port.
        server: String,
        /// Why.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
}
