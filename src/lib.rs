//! weaved: a self-hosted Sync server.
//!
//! The way of a request, down once and up once:
//!
//! ```text
//! socket ─► gateway ──► web ────► api ───► storage / accounts ─► db
//!           bytes to    route,    what     the user's records     a pooled
//!           Request     who, may  the call and the user himself   connection
//!                                 means
//! socket ◄─ gateway ◄── web ◄──── Response
//! ```
//!
//! No layer reaches over its neighbour, and nothing below knows what is above it; the test
//! `tests/architecture.rs` holds the code to that.

pub mod accounts;
pub mod api;
pub mod causes;
pub mod cli;
pub mod config;
pub mod db;
#[cfg(feature = "doctor")]
pub mod doctor;
pub mod gateway;
pub mod guard;
pub mod mail;
pub mod message;
pub mod pairing;
pub mod remedies;
pub mod server;
pub mod storage;
pub mod sync;
pub mod transfer;
pub mod web;
