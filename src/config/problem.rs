//! What is wrong, or odd, in a configuration: one value for each place, one readable line each.
//!
//! A problem never carries a secret: whoever makes one leaves the value of a secret key out.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The server does not start.
    Error,
    /// The server starts, but somebody should look at this.
    Warning,
    /// An old setting that does nothing any more, or a reading worth knowing.
    Notice,
}

/// One mistake or oddity, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// The file, as a person would name it from the current directory.
    pub file: PathBuf,
    /// The line, counted from 1, if there is one.
    pub line: Option<usize>,
    /// The section, if one is meant.
    pub section: Option<String>,
    /// The key, if one is meant.
    pub key: Option<String>,
    /// The value that was found; absent for secrets.
    pub found: Option<String>,
    /// What is wrong with it and what to write instead.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(section) = &self.section {
            write!(f, " [{section}]")?;
        }
        if let Some(key) = &self.key {
            write!(f, " {key}:")?;
        }
        if let Some(found) = &self.found {
            write!(f, " \"{}\"", printable(found))?;
        }
        write!(f, " {}", self.text)
    }
}

/// A text on one line, safe for a terminal.
pub(super) fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
    }
    line
}

/// Everything that was found while reading a configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// Errors first, then warnings and notices.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Errors first; otherwise in the order of reading.
    pub(super) fn sorted(mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.severity);
        Self { list }
    }

    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.list
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match problem.severity {
                Severity::Error => {}
                Severity::Notice => f.write_str("notice: ")?,
                Severity::Warning => f.write_str("warning: ")?,
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl StdError for Problems {}
