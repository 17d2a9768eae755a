//! HTTP/1.0 and 1.1, the server's side: for trying things out, and behind a proxy that speaks it.
//!
//! [`head`] makes a request of a head, [`chunked`] decodes bodies without a length,
//! [`Connection`] is what follows what. No TLS and no I/O. Spec: RFC 9110 and RFC 9112, whose
//! rules against smuggled requests are kept strictly: what two parsers could read differently is
//! refused.

mod chunked;
mod connection;
mod date;
mod head;

pub(super) use connection::Connection;
