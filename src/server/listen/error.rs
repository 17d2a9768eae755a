//! Why a socket cannot be listened on: what was tried, and what to do about it.
//!
//! What the system said is the error's source.

use std::io;
use std::path::PathBuf;

/// Why there is no listening socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Descriptor 0 is not a listening stream socket.
    #[error(
        "cannot serve on descriptor 0: it is not a listening stream socket; \
         let the web server or spawn-fcgi start the program, or configure host and port, or socket"
    )]
    NotInherited(#[source] Option<io::Error>),
    /// What systemd has passed is not a listening stream socket.
    #[error(
        "cannot serve on the socket that systemd has passed: it is not a listening stream socket; \
         write ListenStream= and Accept=no in the socket unit"
    )]
    NotActivated(#[source] Option<io::Error>),
    /// Something that is not a socket has the path.
    #[error(
        "cannot listen on unix:{}: something that is not a socket is there; \
         move it away or choose another path", .0.display()
    )]
    NotASocket(PathBuf),
    /// The host name has no address.
    #[error(
        "cannot listen on {host}: no such address; \
         use an address of this machine, such as 127.0.0.1"
    )]
    Resolve {
        /// The name as it was given.
        host: String,
        /// What the resolver said; absent when it knew the name but no address.
        source: Option<io::Error>,
    },
    /// systemd has passed more than one socket.
    #[error(
        "systemd has passed {0} sockets, and one is served; keep one ListenStream= in the socket \
         unit, and start another service for another socket"
    )]
    Several(usize),
    /// A system call failed.
    #[error("cannot listen on {local}: {hint}")]
    System {
        /// The address as [`Local`](super::Local) prints it.
        local: String,
        /// What is the matter and what to do, in words.
        hint: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Another program answers on the Unix socket.
    #[error(
        "cannot listen on unix:{}: another program answers there; \
         stop it first or choose another path", .0.display()
    )]
    Taken(PathBuf),
    /// The socket's owner or group does not exist.
    #[error("this machine has no {kind} {name}; correct the name, or create the {kind}")]
    Unknown {
        /// `user` or `group`.
        kind: &'static str,
        /// As it was given.
        name: String,
        /// What the system said, if the look-up itself failed.
        source: Option<io::Error>,
    },
}
