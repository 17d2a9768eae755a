//! What keeps strangers out, on every kind of database.

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod challenges;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod seals;
#[cfg(test)]
mod spent;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
