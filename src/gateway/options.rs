//! What a gateway is told once, at start: where it is mounted, what it refuses, what time it is.
//!
//! In: the operator's settings, from whoever read them. Out: one value that every connection
//! shares. Nothing here reads a file, and there are no time-outs: the server, which owns the
//! sockets, has them. Spec: spec/gateway.md, 2.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::BodyBudget;
use super::Mount;

/// What all connections of one process have in common.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path below which the application lives; automatic unless it is set.
    pub mount: Mount,
    /// What a peer may ask for.
    pub limits: Limits,
    /// The memory that all large bodies share.
    pub budget: Arc<BodyBudget>,
    /// The clock, which only the `Date` field of HTTP answers needs.
    pub now: fn() -> SystemTime,
    /// What the application wants to be in the head of every answer, the gateway's own too.
    pub own_fields: OwnFields,
}

/// Header fields for the answers that a gateway gives by itself; none by default.
#[derive(Clone, Default)]
pub struct OwnFields(Option<Arc<FieldMaker>>);

type FieldMaker = dyn Fn() -> Vec<(&'static str, String)> + Send + Sync;

impl OwnFields {
    /// The fields that `make` makes anew for each answer.
    pub fn new(make: impl Fn() -> Vec<(&'static str, String)> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(make)))
    }

    pub(super) fn make(&self) -> Vec<(&'static str, String)> {
        self.0.as_ref().map_or_else(Vec::new, |make| make())
    }
}

impl fmt::Debug for OwnFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnFields({})", self.0.is_some())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mount: Mount::default(),
            limits: Limits::default(),
            budget: Arc::default(),
            now: system_time,
            own_fields: OwnFields::default(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the default of a clock that tests and callers may replace"
)]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The limits of a hardened parser, all of sizes and counts.
///
/// What a parser takes one by one and without a limit here has a fixed one beside its code: the
/// digits of an SCGI length (7), the lines between HTTP chunks, the empty lines before a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A request body, in bytes; above it 413. Default 32 MiB: a hundred records of 256 KiB. The
    /// web server in front has a limit of its own, which must not be lower.
    pub body: u64,
    /// What is read and thrown away after an early answer, in bytes, unless the request declared
    /// a greater length; then the connection is closed. Default 8 MiB.
    pub drain: u64,
    /// Connections that a web server is told about when it asks (`FCGI_MAX_CONNS` and
    /// `FCGI_MAX_REQS`); the server sets its number of threads. Default 16.
    pub connections: u32,
    /// The sum of FastCGI parameters, the SCGI header or the HTTP head, in bytes; above it 431.
    /// Default 128 KiB: stock lighttpd sends at most 8 KiB, stock Apache passed 80 KB.
    pub head: usize,
    /// FastCGI management records on one connection; above it the connection is closed.
    /// Default 10: no web server sends any.
    pub management: u32,
    /// Variables or header fields of one request; above it 431. Default 1,000: Apache allows a
    /// hundred request headers.
    pub pairs: usize,
    /// Seconds after which a client refused for want of memory may come back. Default 300.
    pub retry_after: u32,
    /// FastCGI records during one request that are neither its own nor useful; above it the
    /// connection is closed. Default 100.
    pub stray: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            drain: 8 << 20,
            connections: 16,
            head: 128 << 10,
            management: 10,
            pairs: 1_000,
            retry_after: 300,
            stray: 100,
        }
    }
}
