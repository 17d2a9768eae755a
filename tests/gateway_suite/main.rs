//! The three gateways as their callers see them: bytes in, events and bytes out.
//!
//! [`drive`] plays the server, [`encode`] the web server. One binary for all, which links once.

#![cfg(test)]

mod drive;
mod encode;
mod fastcgi;
mod http;
mod limits;
mod paths;
mod properties;
mod scgi;
mod streams;
