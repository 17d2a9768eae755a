//! From an [`Address`] to a [`Listener`]: TCP, a Unix socket, the inherited descriptor 0, or a
//! socket of systemd.
//!
//! A listener is bound, listens, and is safe to share between threads and processes. It serves
//! nobody itself, and it never shuts a socket down, since other processes may share it.
//! Descriptor 0: spec/gateway.md, 5, "Started by a process manager"; keys: spec/config.md, 2.1.

mod activated;
mod error;
mod inherited;
mod owner;
mod tcp;
mod unix;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::SockAddr;
use socket2::Socket;

pub use activated::activated;
pub use error::ListenError;
pub use inherited::adopt;
pub use inherited::inherited_is_listening;

use unix::Claim;
use unix::Rights;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Descriptor 0, which the program that started us has bound already.
    Inherited,
    /// A TCP port.
    Tcp {
        /// A name or an IPv4 or IPv6 address, with or without brackets; `""` and `"*"` are all
        /// IPv4 addresses. A name that has both kinds is bound at its IPv4 address, as the
        /// original did.
        host: String,
        /// The port; 0 lets the system choose, see [`Listener::local`].
        port: u16,
    },
    /// A Unix stream socket.
    Unix {
        /// The socket's path. A stale socket there is replaced, anything else is not.
        path: PathBuf,
        /// The permissions of the socket, such as `0o660`.
        mode: Option<u32>,
        /// The permissions that the socket must not have; counts where `mode` is absent. With
        /// neither, the process's own umask decides.
        umask: Option<u32>,
        /// Who shall own the socket: a name or a number.
        owner: Option<String>,
        /// The socket's group: a name or a number.
        group: Option<String>,
    },
}

/// What a listener is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Local {
    /// An address and its real port; printed as `127.0.0.1:5000` or `[::1]:5000`.
    Tcp(SocketAddr),
    /// A path; printed as `unix:/run/weaved.sock`. Empty for a socket without a name.
    Unix(PathBuf),
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that listens.
///
/// Dropping it closes it; a Unix socket that this process has bound is removed as well.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    local: Local,
    claim: Option<Claim>,
}

impl Listener {
    /// What it is bound to.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// Removes the socket's file, if it is ours; whoever is connected stays connected.
    pub(super) fn unlink(&self) {
        if let Some(claim) = &self.claim {
            claim.release();
        }
    }

    /// Makes `accept` blocking, and to return empty-handed after `patience`.
    ///
    /// The time-out belongs to the socket, the blocking mode to its open file: both are shared
    /// with every process that has inherited it.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(patience))
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.unlink();
    }
}

/// Binds `address` and listens there, with a queue of `backlog` connections.
///
/// # Errors
///
/// [`ListenError`] names what was tried and what to do; its source is what the system said.
pub fn listen(address: &Address, backlog: i32) -> Result<Listener, ListenError> {
    match address {
        Address::Inherited => inherited::take(),
        Address::Tcp { host, port } => tcp::bind(host, *port, backlog),
        Address::Unix {
            path,
            mode,
            umask,
            owner,
            group,
        } => {
            let rights = Rights {
                mode: mode.or_else(|| umask.map(|umask| 0o777 & !umask)),
                owner: owner.as_deref().map(owner::user).transpose()?,
                group: group.as_deref().map(owner::group).transpose()?,
            };
            unix::bind(path, rights, backlog)
        }
    }
}

/// What the system calls the address of a socket, in our words.
fn local(socket: &Socket) -> io::Result<Local> {
    let address = socket.local_addr()?;
    Ok(match address.as_socket() {
        Some(address) => Local::Tcp(address),
        None => Local::Unix(path(&address)),
    })
}

fn path(address: &SockAddr) -> PathBuf {
    address.as_pathname().map(PathBuf::from).unwrap_or_default()
}
