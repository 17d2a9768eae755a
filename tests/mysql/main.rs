//! The driver for MySQL and MariaDB against private servers: what it reads and writes, what its
//! errors mean, and what happens when a server dies, hangs, comes back or is another.

#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;

#[cfg(test)]
mod failures;
#[cfg(test)]
mod places;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod values;
