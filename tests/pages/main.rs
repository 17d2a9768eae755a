//! The pages: what they refuse, what they do not tell, and the way from a mail to a new password.
//! (What works in every way is in `tests/rows/pages.rs`.)

#[cfg(test)]
mod forms;
#[cfg(test)]
mod reset;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
