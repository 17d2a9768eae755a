//! Forgotten passwords: mails that arrive, and the codes in them.

#[cfg(test)]
mod codes;
#[cfg(test)]
mod post;
#[cfg(test)]
mod reset;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
