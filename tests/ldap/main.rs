//! Accounts in a directory, against a real OpenLDAP: the original's layout, and the tree of an
//! ordinary organisation.

#![cfg(feature = "ldap")]

#[cfg(test)]
mod checking;
#[cfg(test)]
mod example;
#[cfg(test)]
mod life;
#[cfg(test)]
mod logins;
#[cfg(all(feature = "mysql", feature = "postgres"))]
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod remembering;
#[cfg(test)]
mod slapd;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod writing;
