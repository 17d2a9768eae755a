//! The tables of the specification, each row in six ways against the real binary.
//!
//! Over FastCGI, SCGI and HTTP directly, and through a real lighttpd: mod_fastcgi at a prefix and
//! at the root, mod_scgi at a prefix. One row in all ways: `cargo test --test conformance row_83`.

#[cfg(test)]
mod rows;
#[cfg(test)]
mod suite;
