//! Master and workers: the real binary, its processes, signals and sockets.
//!
//! ARCHITECTURE.md, "server"; spec/gateway.md, 5; spec/conventions.md.

#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod losses;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod systemd;
