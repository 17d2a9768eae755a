//! What is said to people: to a terminal, or to the pipe or the file that stands in its place.
//!
//! The macros of the standard library panic when nobody listens any more (`weaved check | head`)
//! or the disk is full; here the one is no failure, and the other is one like any other.

use std::fmt::Display;
use std::io;
use std::io::Write;
use std::panic;

use log::LevelFilter;

use super::Failure;
use super::failure::SYSTEM;

/// Writes a line to the output.
///
/// # Errors
/// When it cannot be written, except that whoever reads has had enough.
pub(super) fn say(text: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(SYSTEM, format!("cannot write: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to the error output.
pub(super) fn complain(text: impl Display) {
    // Nobody is there to hear that even this failed.
    let _ = writeln!(io::stderr().lock(), "weaved: {text}");
}

/// Lets a panic, which is a mistake in this program, be one line like any other.
///
/// The line says where; what the panic itself said is for whoever catches it to tell.
pub(super) fn tame_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.as_deref().unwrap_or("an unknown place");
        if log::max_level() == LevelFilter::Off {
            complain(format_args!("a mistake in the program, at {place}"));
        } else {
            log::error!("a mistake in the program, at {place}");
        }
    }));
}
