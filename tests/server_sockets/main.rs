//! The server over real sockets, with a protocol of lines instead of a gateway.
//!
//! Time-outs are milliseconds where a test is about them and a minute where it is not, so that
//! what passes does not pass by waiting. `cfg(test)` says to the linter that helpers are tests too.

#[cfg(test)]
mod crowds;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod process;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod waits;
