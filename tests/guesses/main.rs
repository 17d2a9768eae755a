//! Guessing is slow: what guessers, rightful users and operators meet.

#[cfg(test)]
mod fail2ban;
#[cfg(test)]
mod limits;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
