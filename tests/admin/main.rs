//! What somebody does who looks after accounts, with the real program: lists, archives, purges.

#[cfg(test)]
mod archives;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod purging;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
