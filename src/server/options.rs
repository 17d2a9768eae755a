//! What a server can be told: numbers of threads, allowed peers, and every time-out.

use std::net::IpAddr;
use std::time::Duration;

/// How a [`Server`](super::Server) works; each field has a default that suits a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The addresses that may connect over TCP; empty: everybody. `allowedServers` and
    /// `FCGI_WEB_SERVER_ADDRS` (spec/config.md, 2.1). Unix sockets have permissions instead.
    pub allowed_peers: Vec<IpAddr>,
    /// How long running requests may go on after a stop. 10 s.
    pub drain: Duration,
    /// How long no request must have run before [`Handler::quiet`](super::Handler::quiet) is
    /// called. 5 s.
    pub quiet: Duration,
    /// How many worker threads, and so how many connections at a time; at least 1. 10.
    pub threads: usize,
    /// How long a thread waits in one system call before it looks whether it is to stop. 500 ms.
    pub tick: Duration,
    /// How long peers are waited for.
    pub waits: Waits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allowed_peers: Vec::new(),
            drain: Duration::from_secs(10),
            quiet: Duration::from_secs(5),
            threads: 10,
            tick: Duration::from_millis(500),
            waits: Waits::default(),
        }
    }
}

/// How long a peer may keep a thread waiting (spec/gateway.md, 2, "Limits").
///
/// The plain names are times without a single byte, the `_total`s count whatever is sent: a peer
/// that trickles is cut as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Without a byte of a body. 30 s.
    pub body: Duration,
    /// For a whole body. 600 s, for which a slow uplink and an unbuffering web server are why.
    pub body_total: Duration,
    /// For all of a refused body. 10 s.
    pub drain_total: Duration,
    /// Without a byte of a request's head, the first one included. 10 s.
    pub head: Duration,
    /// For a whole head. 30 s.
    pub head_total: Duration,
    /// For the next request on a kept connection. 5 s.
    pub idle_total: Duration,
    /// Without a byte of an answer being taken. 30 s.
    pub write: Duration,
    /// For a whole answer to be made and taken. 600 s.
    pub write_total: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            body: Duration::from_secs(30),
            body_total: Duration::from_secs(600),
            drain_total: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_total: Duration::from_secs(30),
            idle_total: Duration::from_secs(5),
            write: Duration::from_secs(30),
            write_total: Duration::from_secs(600),
        }
    }
}
