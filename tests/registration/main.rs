//! Who gets an account, in several processes at once: the first one, the invited, and those who
//! can count.

#[cfg(test)]
mod captcha;
#[cfg(test)]
mod command;
#[cfg(test)]
mod first;
#[cfg(test)]
mod invited;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
