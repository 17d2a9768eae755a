//! Accounts in a database, through the trait, on every kind of database.

#[cfg(test)]
mod login;
#[cfg(test)]
mod originals;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
