//! The driver for PostgreSQL against a real server: values, rows, and everything that goes wrong.

#[cfg(test)]
mod healing;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rows;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod values;
