//! One thread: accept, serve, and again, until the listener is gone.
//!
//! All threads block in `accept` on one socket, so the kernel wakes exactly one for each
//! connection, with no hand-over between threads. `accept` gives up after a tick, so that a stop
//! is noticed without touching the socket, which other processes may share.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rustix::io::Errno;
use socket2::SockAddr;
use socket2::Socket;

use super::Listener;
use super::conversation::converse;
use super::panics;
use super::pool::Shared;
#[cfg(target_os = "linux")]
use super::precedence;
use super::wire;

/// How much is read at once, in bytes: the head of nearly any request, and a large body in a few
/// pieces.
const BUFFER: usize = 16 * 1024;

/// Works until the server stops.
pub(super) fn work(shared: &Shared) {
    let mut buffer = vec![0; BUFFER];
    let place = shared.pulse.place();
    #[cfg(target_os = "linux")]
    precedence::grant();
    while !shared.is_stopping() {
        let Some((socket, peer)) = accept(shared) else {
            continue;
        };
        panics::contain("the service of a connection", || {
            let peer = peer.as_socket().map(|peer| peer.ip().to_canonical());
            if admits(shared, peer) {
                converse(shared, &place, &socket, peer, &mut buffer);
            }
        });
    }
}

/// Waits about a tick for a connection.
fn accept(shared: &Shared) -> Option<(Socket, SockAddr)> {
    // Held for one accept only: whoever serves a long request after a stop must not keep the
    // queue open that nobody accepts from.
    let listener = shared.listener.upgrade()?;
    let begun = Instant::now();
    shared.waiting.fetch_add(1, Ordering::AcqRel);
    let accepted = listener.socket().accept();
    shared.waiting.fetch_sub(1, Ordering::AcqRel);
    match accepted {
        Ok(accepted) => {
            shared.accepted.fetch_add(1, Ordering::AcqRel);
            Some(accepted)
        }
        Err(error) => {
            recover(shared, &listener, &error, begun);
            None
        }
    }
}

/// Does what is right after a failed accept; never returns at once again and again.
fn recover(shared: &Shared, listener: &Listener, error: &io::Error, begun: Instant) {
    match error.kind() {
        // The peer has left before it was its turn, or its network has.
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::Interrupted
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::NetworkUnreachable => {}
        io::ErrorKind::WouldBlock => {
            if begun.elapsed() < shared.options.tick / 2 {
                // Another process has made the shared socket non-blocking: wait here instead.
                let _ = wire::readable(listener.socket(), shared.options.tick);
            }
        }
        _ => {
            if let Some(left_out) = shared.accept_failures.due(Instant::now()) {
                let remedy = match Errno::from_io_error(error) {
                    Some(Errno::MFILE) => "; raise the limit of open files (ulimit -n)",
                    Some(Errno::NFILE) => "; the whole system is out of open files",
                    _ => "",
                };
                log::error!("cannot accept connections: {error}{remedy} left_out={left_out}");
            }
            let until = Instant::now() + shared.options.tick.min(super::pool::PAUSE);
            shared.stop.wait(Some(until), || shared.is_stopping());
        }
    }
}

/// Whether a peer may connect. Unix sockets have no address; their permissions decide.
fn admits(shared: &Shared, peer: Option<IpAddr>) -> bool {
    let allowed = &shared.options.allowed_peers;
    let Some(peer) = peer else {
        return true;
    };
    if allowed.is_empty() || allowed.iter().any(|one| one.to_canonical() == peer) {
        return true;
    }
    if let Some(left_out) = shared.refusals.due(Instant::now()) {
        log::warn!(
            "refused a connection from outside the allowed servers: \
             peer={peer} left_out={left_out}"
        );
    }
    false
}
