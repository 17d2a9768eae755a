//! `weaved serve` in the words of `paster serve` (spec/config.md, 5): `--daemon`, start, stop,
//! restart, status, the PID file, the log file, and becoming another user.
//!
//! Texts and exit codes are asserted whole: scripts of fifteen years rely on them.

#[cfg(test)]
mod files;
#[cfg(test)]
mod init_script;
#[cfg(test)]
mod place;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod stopping;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
