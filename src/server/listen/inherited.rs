//! The listening socket that a process manager passes as descriptor 0.
//!
//! The descriptor is duplicated and stays open: it belongs to whoever started us.
//! spec/gateway.md, 5, "Started by a process manager".

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::net::SocketType;
use rustix::net::sockopt;
use socket2::Socket;

use super::ListenError;
use super::Listener;

/// Whether descriptor 0 is a socket that listens, as a process manager passes it.
#[must_use]
pub fn inherited_is_listening() -> bool {
    listens(io::stdin().as_fd()).unwrap_or(false)
}

/// Listens on descriptor 0.
pub(super) fn take() -> Result<Listener, ListenError> {
    let stdin = io::stdin();
    match listens(stdin.as_fd()) {
        Ok(true) => {}
        Ok(false) => return Err(ListenError::NotInherited(None)),
        Err(source) => return Err(ListenError::NotInherited(Some(source))),
    }
    let broken = |source| ListenError::NotInherited(Some(source));
    let socket = Socket::from(stdin.as_fd().try_clone_to_owned().map_err(broken)?);
    let local = super::local(&socket).map_err(broken)?;
    Ok(Listener {
        socket,
        local,
        claim: None,
    })
}

/// Listens on descriptor 0 and takes it away: it is nobody else's, and closing the listener shall
/// close the socket. `/dev/null` takes its place.
///
/// # Errors
///
/// When it does not listen, or there is no `/dev/null`.
pub fn adopt() -> Result<Listener, ListenError> {
    let listener = take()?;
    let broken = |source| ListenError::NotInherited(Some(source));
    let null = File::open("/dev/null").map_err(broken)?;
    rustix::stdio::dup2_stdin(&null).map_err(|error| broken(error.into()))?;
    Ok(listener)
}

/// Asks for SO_ACCEPTCONN: the older test, getpeername failing with ENOTCONN, takes any
/// unconnected socket for a listening one.
pub(super) fn listens(descriptor: impl AsFd) -> io::Result<bool> {
    Ok(sockopt::socket_acceptconn(&descriptor)?
        && sockopt::socket_type(&descriptor)? == SocketType::STREAM)
}
