//! FastCGI 1.0, the application's side, in the role of a responder.
//!
//! [`record`] knows the eight bytes in front of everything, [`params`] the name-value pairs,
//! [`management`] the records that belong to no request, [`Connection`] what all of them mean in
//! which order, and [`request`] how far the one open request has come. No I/O. Spec: spec/gateway.md, 2 and 5.

mod connection;
mod management;
pub(super) mod params;
pub(super) mod record;
mod request;

pub(super) use connection::Connection;
