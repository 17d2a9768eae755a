//! From bytes to [`Request`] and from [`Response`] to bytes, for FastCGI, SCGI and HTTP.
//!
//! Every protocol is a state machine without I/O behind the trait [`Connection`]; the server
//! feeds it what it read and does what the [`Event`]s say. Nothing here knows what Sync is.
//! Rules and their evidence: spec/gateway.md.
//!
//! Below `fastcgi`, `scgi` and `http`, which differ only where the wire differs:
//! `cgi` and [`path`] make requests of variables, `answer` and `response` make bytes of
//! responses, `refusal` is what a gateway answers by itself, `budget` bounds the memory.

mod answer;
mod budget;
mod cgi;
mod fastcgi;
mod http;
mod input;
mod mount;
mod options;
pub mod path;
mod percent;
mod refusal;
mod response;
mod scgi;

pub use budget::BodyBudget;
pub use mount::BadMount;
pub use mount::Mount;
pub use mount::Prefix;
pub use options::Limits;
pub use options::Options;
pub use options::OwnFields;
pub use refusal::Refusal;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use crate::message::Request;
use crate::message::Response;

/// What is spoken on a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// FastCGI 1.0, as a responder.
    Fcgi,
    /// HTTP/1.1, without TLS.
    Http,
    /// SCGI 1.
    Scgi,
}

impl Protocol {
    /// The state of one new connection.
    #[must_use]
    pub fn connection(self, options: &Arc<Options>) -> Box<dyn Connection> {
        let options = Arc::clone(options);
        match self {
            Self::Fcgi => Box::new(fastcgi::Connection::new(options)),
            Self::Http => Box::new(http::Connection::new(options)),
            Self::Scgi => Box::new(scgi::Connection::new(options)),
        }
    }
}

/// The server's side of one connection of a web server, without I/O.
///
/// The server reads bytes, [`feed`](Self::feed)s them, takes [`next`](Self::next) until there
/// is no event left, and reads again.
pub trait Connection: Send {
    /// Takes bytes as they came. Bad bytes are not an error here: they become events.
    fn feed(&mut self, bytes: &[u8]);

    /// Notes that the peer has closed its sending side.
    fn end(&mut self);

    /// The next thing to do, if there is one.
    fn next(&mut self) -> Option<Event>;

    /// Writes the answer to the request that the last [`Event::Request`] delivered.
    ///
    /// Small answers are written with a single call of `out.write_all`. An error is the
    /// writer's or the body's own: the connection must then be dropped.
    fn respond(&mut self, response: Response, out: &mut dyn io::Write) -> io::Result<()>;

    /// Takes note of who has connected; for the log, where nobody says for whom he speaks.
    fn meet(&mut self, _peer: IpAddr) {}

    /// Takes note that no request after the present one is wanted; the answer says so, where the
    /// protocol has a word for it.
    fn last(&mut self) {}

    /// Whether the connection may go on after the answer to the request that was delivered.
    fn keeps(&self) -> bool {
        true
    }

    /// What the peer is expected to send, which decides how long to wait for it.
    fn phase(&self) -> Phase;
}

/// What a connection wants done.
#[derive(Debug)]
pub enum Event {
    /// Nothing more is to be read or written: close the connection.
    Close,
    /// Send these bytes now (an answer of the protocol itself, or a refusal).
    Reply(Vec<u8>),
    /// A whole request came: answer it with [`Connection::respond`], then ask for the next event.
    Request(Box<Request>),
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The rest of a body, which is kept.
    Body,
    /// The rest of a body that was refused, which is thrown away before closing.
    Drain,
    /// The rest of a request's head; also the first byte of a new connection.
    Head,
    /// Another request on a connection that has answered one; closing it harms nobody.
    Idle,
}
