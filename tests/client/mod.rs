//! A Sync client of its own, with real encryption: what a browser does, request by request.
//!
//! Written from spec/clients.md, 1 and 2. It trusts nothing that a real client would not trust,
//! and it checks what a real client silently depends on.

mod browser;
mod crypto;
mod first_sync;

pub(crate) use browser::Browser;
pub(crate) use browser::Style;
pub(crate) use crypto::Keys;
pub(crate) use crypto::SyncKey;
