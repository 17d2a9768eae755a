//! Listening sockets, worker threads, time-outs and signals.
//!
//! The server moves bytes between sockets and a gateway, and requests between a gateway and
//! one [`Handler`]. It has never heard of Sync.

use crate::message::Request;
use crate::message::Response;

/// What answers requests.
pub trait Handler: Send + Sync {
    /// Answers one request. A panic is caught by the server, logged and answered with 500.
    fn handle(&self, request: Request) -> Response;
}
