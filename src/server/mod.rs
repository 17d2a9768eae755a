//! Listening sockets, worker threads, time-outs and signals.
//!
//! The server moves bytes between sockets and a gateway, and requests between a gateway and
//! one [`Handler`]. It has never heard of Sync, knows no protocol, and reads no configuration.
//! In go a [`Listener`], a maker of gateway connections, a handler and [`Options`]; out comes,
//! when a [`Stop`] asks for it, a quiet end. Nothing is global, so that a master process can
//! hand a listening socket to any number of workers.
//!
//! ```text
//! listen     an Address            ─► a Listener
//! master     a Listener            ─► worker processes, watched and replaced
//! crew       how many, which, when: the master's decisions, without its deeds
//! process    one worker process, as its master sees it
//! lifeline   the same pipe, as the worker sees it
//! systemd    what a service manager wants to hear
//! pool       Server::run           ─► threads: workers and one housekeeper
//! worker     accept, serve, repeat
//! conversation   one connection: read, feed the gateway, answer
//! wire       one socket: waiting with deadlines, for bytes and for room
//! pace       how slow a peer is
//! precedence  whose turn it is when a thread wakes
//! panics     a bug costs one answer, never a thread
//! descriptors  what a server in the background does not keep
//! privileges root becomes the user who serves
//! pulse      how long requests run, how many were served
//! report     what a process tells the one that started it
//! signals    TERM, HUP and others  ─► a Stop, or the master's wishes
//! ```
//!
//! Limits: spec/gateway.md, 2; process managers and kept connections: spec/gateway.md, 5.

mod conversation;
mod crew;
mod descriptors;
mod lifeline;
mod listen;
mod master;
mod options;
mod pace;
mod panics;
mod pool;
#[cfg(target_os = "linux")]
mod precedence;
mod privileges;
mod process;
mod pulse;
mod report;
mod signals;
mod sparing;
mod stop;
mod systemd;
mod wire;
mod worker;

pub use crew::Plan;
pub use descriptors::close_inherited;
pub use lifeline::Lifeline;
pub use lifeline::Stamina;
pub use listen::Address;
pub use listen::ListenError;
pub use listen::Listener;
pub use listen::Local;
pub use listen::activated;
pub use listen::adopt;
pub use listen::inherited_is_listening;
pub use listen::listen;
pub use master::Master;
pub use master::MasterError;
pub use master::Trade;
pub use options::Options;
pub use options::Waits;
pub use pool::Connections;
pub use pool::ServeError;
pub use pool::Server;
pub use privileges::Identity;
pub use privileges::PrivilegesError;
pub use privileges::is_root;
pub use pulse::Pulse;
pub use report::NotAReport;
pub use report::Report;
pub use signals::Inbox;
pub use signals::Role;
pub use signals::Watch;
pub use signals::watch;
pub use stop::Stop;

use crate::message::Request;
use crate::message::Response;

/// What answers requests.
pub trait Handler: Send + Sync {
    /// Answers one request. A panic is caught by the server, logged and answered with 500.
    fn handle(&self, request: Request) -> Response;

    /// Does work that can wait, such as purging what has expired.
    ///
    /// Called on a thread of its own whenever no request ran for [`Options::quiet`], again and
    /// again as long as it stays quiet, and once an hour where it never is: the handler decides whether something is due. Requests
    /// may begin while it runs, and a stop waits for it as it waits for a request.
    fn quiet(&self) {}

    /// Writes down what must not be lost when the process ends.
    ///
    /// Called once when a stop begins, on the thread of [`quiet`](Self::quiet); the stop waits for
    /// it as it waits for a request. Requests may still run.
    fn ending(&self) {}
}
