//! FastCGI 1.0, the application's side, in the role of a responder.
//!
//! [`record`] knows the eight bytes in front of everything, [`params`] the name-value pairs,
//! [`Connection`] what they mean in which order. No I/O. Spec: spec/gateway.md, 2 and 5.

mod connection;
pub(super) mod params;
pub(super) mod record;

pub(super) use connection::Connection;
