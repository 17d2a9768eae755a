//! What a server can be told: numbers of threads, allowed peers, and every time-out.

use std::net::IpAddr;
use std::time::Duration;

/// How a [`Server`](super::Server) works; each field has a default that suits a home.
///
/// Nothing needs to be checked before: a server moves what is out of range to the range's end.
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
    /// How many worker threads, and so how many connections at a time; 1 to 1024. 10.
    pub threads: usize,
    /// How long a thread waits in one system call before it looks whether it is to stop, at
    /// most 10 s. 500 ms.
    pub tick: Duration,
    /// How long peers are waited for.
    pub waits: Waits,
}

/// The longest wait that means something; sums of it and a point in time always exist.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest wait: none at all would be an endless loop, or an endless wait.
const SHORTEST: Duration = Duration::from_millis(1);

/// More threads than this are a mistake; each may hold a buffer, a request and an answer.
const MOST_THREADS: usize = 1024;

impl Options {
    /// The same options, with everything in the range that works.
    #[must_use]
    pub(super) fn bounded(self) -> Self {
        let bound = |wait: Duration| wait.clamp(SHORTEST, LONGEST);
        Self {
            allowed_peers: self.allowed_peers,
            // No time at all is a wish that can be fulfilled.
            drain: self.drain.min(LONGEST),
            quiet: bound(self.quiet),
            threads: self.threads.clamp(1, MOST_THREADS),
            tick: self.tick.clamp(SHORTEST, Duration::from_secs(10)),
            waits: Waits {
                body: bound(self.waits.body),
                body_total: bound(self.waits.body_total),
                crowded: bound(self.waits.crowded),
                crowded_head: bound(self.waits.crowded_head),
                drain_total: bound(self.waits.drain_total),
                head: bound(self.waits.head),
                head_total: bound(self.waits.head_total),
                idle_total: bound(self.waits.idle_total),
                write: bound(self.waits.write),
                write_total: bound(self.waits.write_total),
            },
        }
    }
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
    /// For each 64 KiB of a body or an answer while others queue, and so for less where that is
    /// all. 10 s, which the slowest of mobile networks keeps.
    pub crowded: Duration,
    /// For a whole head while others queue. 2 s; web servers send it in one piece.
    pub crowded_head: Duration,
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
            crowded: Duration::from_secs(10),
            crowded_head: Duration::from_secs(2),
            drain_total: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_total: Duration::from_secs(30),
            idle_total: Duration::from_secs(5),
            write: Duration::from_secs(30),
            write_total: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        assert_eq!(Options::default().bounded(), Options::default());
    }

    #[test]
    fn extremes_are_moved_into_the_range() {
        let zero = Options {
            quiet: Duration::ZERO,
            threads: 0,
            tick: Duration::ZERO,
            ..Options::default()
        };
        let bounded = zero.bounded();
        assert_eq!(bounded.threads, 1);
        assert_eq!(bounded.quiet, SHORTEST);
        assert_eq!(bounded.tick, SHORTEST);
        let endless = Options {
            drain: Duration::MAX,
            quiet: Duration::MAX,
            threads: usize::MAX,
            ..Options::default()
        };
        let bounded = endless.bounded();
        assert_eq!(bounded.threads, MOST_THREADS);
        assert_eq!((bounded.drain, bounded.quiet), (LONGEST, LONGEST));
    }
}
