//! An error and why it came to that, in one line: what a log and a person at a terminal get.
//!
//! A leaf: every floor may use it, and it knows none.

use std::error::Error;

/// An error's text and those of all its causes.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
