//! Accounts in a database, through the trait, on temporary files.

#[cfg(test)]
mod login;
#[cfg(test)]
mod originals;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
