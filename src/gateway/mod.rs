//! From bytes to [`Request`] and from [`Response`] to bytes, for FastCGI, SCGI and HTTP.
//!
//! Every protocol is a state machine without I/O behind the trait [`Connection`]; the server
//! feeds it what it read and does what the [`Event`]s say. Nothing here knows what Sync is.
//! Rules and their evidence: spec/gateway.md.

use std::io;

use crate::message::Request;
use crate::message::Response;

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
