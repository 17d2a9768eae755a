//! A client's walk through the public URL, and what to change where it ends.
//!
//! In: a URL as people type it, perhaps an account, and what is configured. Out: one
//! [`Finding`] a step, in the words of somebody who looks after a web server. The walk asks what
//! clients ask, and weaved's page `misc/1.0/echo` what arrived of it; it changes nothing, except
//! that with an account it writes, reads and deletes one record of a collection of its own.
//! Nothing here prints (`cli`), and nothing knows how weaved works inside: it sees what clients
//! see. Spec: spec/users.md; spec/clients.md, 1 and 4; spec/gateway.md, 3 to 6.
//!
//! ```text
//! url       the URL, taken apart
//! client    requests, and why there is no answer
//! arrival   is it there, does TLS hold, is it weaved, and where else
//! passage   what web servers do to requests and answers
//! life      the records of an account
//! ```

mod arrival;
mod client;
mod life;
mod passage;
mod url;

use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

pub use url::BadUrl;
pub use url::Url;

use crate::accounts::Password;
use crate::accounts::UserName;
use crate::message::WebServer;
use crate::remedies::Trouble;
use crate::remedies::remedy;
use client::Client;
use client::Trust;

/// What the walk is given.
#[derive(Debug)]
pub struct Options {
    /// Where browsers are sent.
    pub url: Url,
    /// An account that may be used, and its password.
    pub account: Option<(UserName, Password)>,
    /// More certificates to trust, as PEM.
    pub certificates: Option<PathBuf>,
    /// The largest body that must get through, in bytes; absent: what clients usually send.
    pub max_body: Option<u64>,
    /// The mount that is configured, to be looked for where the URL leads nowhere.
    pub mount: Option<String>,
    /// How long one request may take.
    pub timeout: Duration,
    /// The local clock.
    pub now: fn() -> SystemTime,
}

/// How a step of the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Clients will fail.
    Fail,
    /// As it should be.
    Ok,
    /// Could not be looked at.
    Skipped,
    /// Clients will get on, perhaps not all of them.
    Warn,
}

/// One step of the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The step, in one word.
    pub step: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to change, if anything.
    pub remedies: Vec<String>,
}

/// The walk cannot begin: a file of certificates cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadCertificates(String);

/// Walks, and tells each step as soon as it is over.
///
/// # Errors
/// [`BadCertificates`], before the first step. Everything else is a [`Finding`].
pub fn examine(options: &Options, tell: &mut dyn FnMut(Finding)) -> Result<(), BadCertificates> {
    let trust = Trust::Known(options.certificates.as_deref());
    let client = Client::new(trust, options.timeout).map_err(BadCertificates)?;
    let mut walk = Walk {
        options,
        url: &options.url,
        client,
        is_trusted: true,
        server: WebServer::Other,
        tell,
    };
    if let Some(echo) = arrival::arrive(&mut walk) {
        passage::pass(&mut walk, &echo);
        life::live(&mut walk);
    }
    Ok(())
}

/// What the steps have in common.
struct Walk<'a> {
    options: &'a Options,
    url: &'a Url,
    client: Client,
    /// Whether the server has shown who it is; no password goes to one that has not.
    is_trusted: bool,
    /// The web server, once it has answered.
    server: WebServer,
    tell: &'a mut dyn FnMut(Finding),
}

impl Walk<'_> {
    fn find(&mut self, step: &'static str, verdict: Verdict, seen: String, remedies: Vec<String>) {
        (self.tell)(Finding {
            step,
            verdict,
            seen,
            remedies,
        });
    }

    fn ok(&mut self, step: &'static str, seen: impl Into<String>) {
        self.find(step, Verdict::Ok, seen.into(), Vec::new());
    }

    fn fail(&mut self, step: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.find(step, Verdict::Fail, seen.into(), vec![remedy.into()]);
    }

    fn warn(&mut self, step: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.find(step, Verdict::Warn, seen.into(), vec![remedy.into()]);
    }

    fn skip(&mut self, step: &'static str, why: impl Into<String>) {
        self.find(step, Verdict::Skipped, why.into(), Vec::new());
    }

    /// What the web server's configuration needs.
    fn remedy(&self, trouble: Trouble) -> &'static str {
        remedy(trouble, self.server)
    }
}

/// What may be shown of a text that came over the network: one line, and not long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown.trim().to_owned()
}
