//! The listening socket that systemd passes to a service (`LISTEN_PID`, `LISTEN_FDS`).
//!
//! The variables are taken out of the environment, so that no child takes them for its own.

use std::os::fd::AsFd;

use listenfd::ListenFd;
use socket2::Socket;

use super::ListenError;
use super::Listener;
use super::inherited::listens;

/// The socket that systemd has passed, if it has.
///
/// To be called once and first of all: it changes the environment, which threads may read.
///
/// # Errors
///
/// When what was passed is not exactly one listening stream socket.
pub fn activated() -> Result<Option<Listener>, ListenError> {
    let mut passed = ListenFd::from_env();
    match passed.len() {
        0 => return Ok(None),
        1 => {}
        count => return Err(ListenError::Several(count)),
    }
    let unusable = |source| ListenError::NotActivated(Some(source));
    let unix = passed.take_unix_listener(0).ok().flatten();
    let socket = match unix {
        Some(listener) => Some(Socket::from(listener)),
        None => passed
            .take_tcp_listener(0)
            .map_err(unusable)?
            .map(Socket::from),
    };
    let Some(socket) = socket else {
        return Err(ListenError::NotActivated(None));
    };
    if !listens(socket.as_fd()).map_err(unusable)? {
        return Err(ListenError::NotActivated(None));
    }
    let local = super::local(&socket).map_err(unusable)?;
    Ok(Some(Listener {
        socket,
        local,
        claim: None,
    }))
}
