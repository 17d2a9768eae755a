//! One connection, from its first byte to its last.
//!
//! Reads, feeds the gateway, does what its events say, and reads again, until the gateway, the
//! peer, a clock or a stop ends it. The gateway is bytes and events; the handler is a request
//! and a response; nothing here knows what either means.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use socket2::Socket;

use crate::gateway::Connection;
use crate::gateway::Event;
use crate::gateway::Phase;
use crate::message::Request;

use super::panics;
use super::pool::Shared;
use super::pulse::Place;
use super::wire::Arrival;
use super::wire::Wire;

/// Serves a connection; `buffer` is the thread's, its content is of no meaning.
pub(super) fn converse(
    shared: &Shared,
    place: &Place,
    socket: &Socket,
    peer: Option<IpAddr>,
    buffer: &mut [u8],
) {
    let mut connection = (shared.connections)();
    if let Some(peer) = peer {
        connection.meet(peer);
    }
    let mut wire = Wire::new(shared, socket, peer.is_some());
    let mut phase = connection.phase();
    let mut since = Instant::now();
    loop {
        match act(shared, place, connection.as_mut(), &mut wire, peer) {
            Ok(Acted::Answered) => since = Instant::now(),
            Ok(Acted::Idle) => {}
            Ok(Acted::Closed) => return,
            Err(error) => return report(&error, &wire),
        }
        let now = connection.phase();
        if now != phase {
            phase = now;
            since = Instant::now();
        }
        match wire.read(buffer, phase, since) {
            Arrival::Bytes(count) => connection.feed(buffer.get(..count).unwrap_or_default()),
            Arrival::End => {
                connection.end();
                if let Err(error) = act(shared, place, connection.as_mut(), &mut wire, peer) {
                    report(&error, &wire);
                }
                return;
            }
            Arrival::Failed(error) => return log::debug!("a connection broke: {error}"),
            Arrival::Crowded if phase == Phase::Idle => {
                return log::debug!("an idle connection gave way to a new one");
            }
            Arrival::Crowded => {
                return shared.tell_of_slow(match phase {
                    Phase::Head => "the head of a request",
                    Phase::Body | Phase::Drain | Phase::Idle => "the body of a request",
                });
            }
            Arrival::Stopping => return log::debug!("a connection was closed by the stop"),
            Arrival::TimedOut => return log::debug!("a connection timed out: phase={phase:?}"),
        }
    }
}

/// What acting on a connection's events came to.
enum Acted {
    /// At least one thing was sent; the connection stays.
    Answered,
    /// The connection is to be closed.
    Closed,
    /// There was nothing to do.
    Idle,
}

/// Does what the gateway wants done, until it wants bytes.
fn act(
    shared: &Shared,
    place: &Place,
    connection: &mut dyn Connection,
    wire: &mut Wire<'_>,
    peer: Option<IpAddr>,
) -> io::Result<Acted> {
    let mut acted = Acted::Idle;
    while let Some(event) = connection.next() {
        match event {
            Event::Close => return Ok(Acted::Closed),
            Event::Reply(bytes) => {
                wire.begin_answer();
                wire.write_all(&bytes)?;
            }
            Event::Request(mut request) => {
                // No web server stands between, or it did not say for whom it speaks.
                if let Some(peer) = peer.filter(|_| request.peer.is_empty()) {
                    request.peer = peer.to_string();
                }
                answer(shared, place, *request, connection, wire)?;
            }
        }
        acted = Acted::Answered;
    }
    Ok(acted)
}

fn answer(
    shared: &Shared,
    place: &Place,
    request: Request,
    connection: &mut dyn Connection,
    wire: &mut Wire<'_>,
) -> io::Result<()> {
    let _running = Running::begin(shared);
    let call = place.serve();
    let response = panics::handle(shared.handler.as_ref(), request);
    drop(call);
    if shared.is_stopping() {
        connection.last();
        wire.bid_farewell();
    }
    wire.begin_answer();
    if connection.keeps() {
        wire.part_if_crowded();
    }
    connection.respond(response, wire)
}

fn report(error: &io::Error, wire: &Wire<'_>) {
    if wire.failed() {
        // Normal: lighttpd closes as soon as it has the whole body, before the protocol's end.
        log::debug!("the peer did not take an answer: {error}");
    } else {
        log::warn!("an answer was cut in its body: {error}");
    }
}

/// Counts a request as running, however it ends.
struct Running<'a>(&'a Shared);

impl<'a> Running<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.running.fetch_add(1, Ordering::AcqRel);
        shared.begun.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
