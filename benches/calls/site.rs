//! Everything that one workload needs: weaved with its records, the baseline, a lighttpd each.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

use tempfile::TempDir;

use crate::fastcgi;
use crate::lighttpd::Lighttpd;
use crate::process::Process;
use crate::request::Template;
use crate::responder::Responder;
use crate::workload;
use crate::workload::Workload;

/// The prefix at which Sync is.
pub(crate) const MOUNT: &str = "/yourpath";

/// The user who asks.
pub(crate) const USER: &str = "bench";

/// The user's password.
pub(crate) const PASSWORD: &str = "a long enough password";

/// The threads of a responder, weaved's default.
pub(crate) const THREADS: usize = 16;

/// How a request reaches a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// By FastCGI without a web server.
    Direct,
    /// Through lighttpd, on as many kept connections.
    Lighttpd(usize),
}

/// In the order of the table.
pub(crate) const ALL: [Via; 3] = [Via::Direct, Via::Lighttpd(4), Via::Lighttpd(32)];

impl Via {
    /// How many ask at the same time.
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Direct => 4,
            Self::Lighttpd(connections) => connections,
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Direct => format!("direct, {}", self.connections()),
            Self::Lighttpd(connections) => format!("lighttpd, {connections}"),
        };
        f.pad(&text)
    }
}

/// One server that can be asked.
pub(crate) struct Target<'a> {
    pub(crate) address: SocketAddr,
    /// The responder, whichever way leads to it.
    pub(crate) process: &'a Process,
    pub(crate) via: Via,
}

/// The servers of one workload.
pub(crate) struct Site {
    /// Before the responders, so that it ends before them.
    weaved_web: Option<Lighttpd>,
    baseline_web: Option<Lighttpd>,
    weaved: Responder,
    baseline: Responder,
    _folder: TempDir,
    pub(crate) workload: Workload,
    /// The length of an answer's body.
    pub(crate) length: usize,
    /// How many requests were made so far.
    pub(crate) asked: AtomicU64,
}

impl Site {
    pub(crate) fn start(workload: Workload) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weaved-bench-").tempdir()?;
        let weaved = Responder::weaved(folder.path())?;
        fill(weaved.address)?;
        let mut request = workload.request().fastcgi();
        let length = fastcgi::body(weaved.address, request.numbered(0))?.len();
        let baseline = Responder::baseline(length)?;
        Ok(Self {
            weaved_web: Lighttpd::start(weaved.address, folder.path())?,
            baseline_web: Lighttpd::start(baseline.address, folder.path())?,
            weaved,
            baseline,
            _folder: folder,
            workload,
            length,
            asked: AtomicU64::new(1),
        })
    }

    pub(crate) fn weaved(&self, via: Via) -> Option<Target<'_>> {
        target(&self.weaved, self.weaved_web.as_ref(), via)
    }

    pub(crate) fn baseline(&self, via: Via) -> Option<Target<'_>> {
        target(&self.baseline, self.baseline_web.as_ref(), via)
    }

    /// The workload's request as the way carries it.
    pub(crate) fn template(&self, via: Via) -> Template {
        let request = self.workload.request();
        match via {
            Via::Direct => request.fastcgi(),
            Via::Lighttpd(_) => request.http(),
        }
    }
}

fn target<'a>(responder: &'a Responder, web: Option<&Lighttpd>, via: Via) -> Option<Target<'a>> {
    let address = match via {
        Via::Direct => responder.address,
        Via::Lighttpd(_) => web?.address,
    };
    Some(Target {
        address,
        process: &responder.process,
        via,
    })
}

/// Gives the user the records of somebody who has synced for a while.
fn fill(weaved: SocketAddr) -> io::Result<()> {
    for collection in workload::OTHERS {
        let mut request = workload::single(collection).fastcgi();
        fastcgi::body(weaved, request.numbered(0))?;
    }
    let mut request = workload::batch("history").fastcgi();
    for number in 0..workload::RECORDS / workload::BATCH {
        fastcgi::body(weaved, request.numbered(number))?;
    }
    Ok(())
}
