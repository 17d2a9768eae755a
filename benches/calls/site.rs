//! Everything that one workload needs: responders, and web servers in front of each.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use crate::database::Databases;
use crate::database::Store;
use crate::fastcgi;
use crate::process::Process;
use crate::request::Request;
use crate::request::Template;
use crate::responder::Responder;
use crate::web::Front;
use crate::web::Web;
use crate::workload;
use crate::workload::Workload;

/// The prefix at which Sync is.
pub(crate) const MOUNT: &str = "/yourpath";

/// The password of all accounts.
pub(crate) const PASSWORD: &str = "a long enough password";

/// Who asks: one of the accounts of a responder, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account(pub(crate) usize);

impl Account {
    /// The one that every responder has, and that has records.
    pub(crate) const FIRST: Self = Self(0);

    /// What all names begin with.
    pub(crate) const NAME: &str = "bench";

    pub(crate) fn name(self) -> String {
        format!("{}{}", Self::NAME, self.0)
    }
}

/// A responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one that does nothing.
    Baseline,
    /// The one in C on libfcgi.
    Hello,
    Weaved(Shape, Store),
}

/// How many processes a responder has, and how many threads each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) processes: usize,
    pub(crate) threads: usize,
}

impl Shape {
    /// weaved's default; the baseline's as well.
    pub(crate) const USUAL: Self = Self::new(1, 16);

    pub(crate) const fn new(processes: usize, threads: usize) -> Self {
        Self { processes, threads }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} x {}", self.processes, self.threads))
    }
}

/// How requests reach a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    /// The web server; nothing: by FastCGI without one.
    pub(crate) web: Option<Web>,
    /// How many ask at the same time. Connections to web servers are kept.
    pub(crate) connections: usize,
    /// Among how many accounts they are shared out.
    pub(crate) accounts: usize,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections;
        let mut text = match self.web {
            None => format!("direct, {connections}"),
            Some(web) => format!("{web}, {connections}"),
        };
        if self.accounts > 1 {
            text.push_str(&format!(" of {}", self.accounts));
        }
        f.pad(&text)
    }
}

/// One server that can be asked.
pub(crate) struct Target<'a> {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    /// The responder, whichever way leads to it.
    pub(crate) responder: &'a Process,
    /// The web server before it.
    pub(crate) web: Option<&'a Process>,
    /// The id of the database server behind it.
    pub(crate) database: Option<u32>,
    pub(crate) via: Via,
}

/// A responder with its web servers.
struct Server {
    kind: Kind,
    /// Before the responder, so that they end before it.
    fronts: Vec<Front>,
    responder: Responder,
}

/// The servers of one workload.
pub(crate) struct Site {
    /// In the order that was asked for.
    servers: Vec<Server>,
    pub(crate) workload: Workload,
    /// The length of the shortest answer's body.
    pub(crate) shortest: usize,
    /// How many requests were made so far.
    pub(crate) asked: AtomicU64,
}

impl Site {
    /// Starts all of `kinds`, with what each of `ways` needs. The first kind is weaved.
    pub(crate) fn start(
        workload: Workload,
        kinds: &[Kind],
        ways: &[Via],
        databases: &Databases,
    ) -> io::Result<Self> {
        let accounts = ways.iter().map(|via| via.accounts).max().unwrap_or(1);
        let mut lengths = vec![0];
        let mut servers = Vec::new();
        for kind in kinds {
            let responder = match kind {
                Kind::Baseline => Responder::baseline(mean(&lengths))?,
                Kind::Hello => Responder::hello(mean(&lengths))?,
                Kind::Weaved(shape, store) => {
                    let responder = Responder::weaved(*shape, databases.make(*store), accounts)?;
                    if workload != Workload::FirstSync {
                        fill(responder.address, accounts)?;
                    }
                    lengths = measured(responder.address, workload)?;
                    responder
                }
            };
            let mut fronts = Vec::new();
            for web in webs(ways) {
                fronts.extend(Front::start(web, responder.address)?);
            }
            servers.push(Server {
                kind: *kind,
                fronts,
                responder,
            });
        }
        Ok(Self {
            servers,
            workload,
            shortest: lengths.into_iter().min().unwrap_or_default(),
            asked: AtomicU64::new(1),
        })
    }

    /// The servers by this way, in order; nothing where the way does not exist.
    pub(crate) fn targets(&self, via: Via) -> Option<Vec<Target<'_>>> {
        self.servers
            .iter()
            .map(|server| server.target(via))
            .collect()
    }

    /// The workload's requests by the nth connection, as the way carries them: those of each
    /// account that is its own.
    pub(crate) fn script(&self, via: Via, connection: usize) -> Vec<Template> {
        let first = connection % via.accounts;
        let accounts = (first..via.accounts).step_by(via.connections).map(Account);
        let requests = self.workload.requests();
        accounts
            .flat_map(|account| {
                requests
                    .iter()
                    .map(move |request| request.clone().by(account))
            })
            .map(|request| match via.web {
                None => request.fastcgi(),
                Some(_) => request.http(),
            })
            .collect()
    }

    /// Goes on with another workload, of which the baselines know nothing.
    pub(crate) fn turn_to(&mut self, workload: Workload) -> io::Result<()> {
        if let Some(server) = self.servers.first() {
            let lengths = measured(server.responder.address, workload)?;
            self.shortest = lengths.into_iter().min().unwrap_or_default();
        }
        self.workload = workload;
        Ok(())
    }

    /// Ends all servers but the first, and all web servers.
    pub(crate) fn into_responder(mut self) -> Option<Responder> {
        Some(self.servers.drain(..).next()?.responder)
    }

    /// weaved's file, if it keeps records in one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.servers.first()?.responder.file()
    }
}

/// The lengths of the answers to a workload's requests.
fn measured(weaved: SocketAddr, workload: Workload) -> io::Result<Vec<usize>> {
    let length = |(nth, request): (u64, &Request)| {
        let mut request = request.fastcgi();
        Ok(fastcgi::body(weaved, request.numbered(nth))?.len())
    };
    (0..).zip(&workload.requests()).map(length).collect()
}

fn mean(lengths: &[usize]) -> usize {
    lengths.iter().sum::<usize>() / lengths.len().max(1)
}

impl Server {
    fn target(&self, via: Via) -> Option<Target<'_>> {
        let front = match via.web {
            None => None,
            Some(web) => Some(self.fronts.iter().find(|front| front.web == web)?),
        };
        Some(Target {
            kind: self.kind,
            address: front.map_or(self.responder.address, |front| front.address),
            responder: &self.responder.process,
            web: front.map(|front| &front.process),
            database: self.responder.database,
            via,
        })
    }
}

/// The web servers of these ways, each once.
fn webs(ways: &[Via]) -> Vec<Web> {
    let mut webs = Vec::new();
    for web in ways.iter().filter_map(|via| via.web) {
        if !webs.contains(&web) {
            webs.push(web);
        }
    }
    webs
}

/// Gives the first account the records of somebody who has synced for a while, and the others
/// what everybody has.
fn fill(weaved: SocketAddr, accounts: usize) -> io::Result<()> {
    for account in (0..accounts).map(Account) {
        for collection in workload::OTHERS {
            let mut request = workload::single(collection).by(account).fastcgi();
            fastcgi::body(weaved, request.numbered(0))?;
        }
    }
    for (collection, records) in [
        ("history", workload::RECORDS),
        ("passwords", workload::FULL),
    ] {
        let mut request = workload::batch(collection, workload::BATCH).fastcgi();
        for number in 0..records / workload::BATCH {
            fastcgi::body(weaved, request.numbered(number))?;
        }
    }
    Ok(())
}
