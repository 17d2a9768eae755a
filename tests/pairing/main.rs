//! The relay through which devices pair, on every kind of database, and two devices that do.

#[cfg(test)]
#[path = "../client/crypto.rs"]
#[allow(dead_code, reason = "the client's life needs more of it")]
mod crypto;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod history;
#[cfg(test)]
mod jpake;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod races;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
