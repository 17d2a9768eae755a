//! What a process tells the one that started it: a line each on a pipe.
//!
//! A worker reports to its master, and a server in the background to the command that waits for
//! it. Whoever reads learns of an end by the end of the pipe, whoever writes of the other's end
//! by an error of the pipe.
//!
//! ```text
//! ready 127.0.0.1:5000
//! beat
//! leaving
//! failed 78 sync.conf:3: [storage] sqluri: ...
//! ```

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It works, and means to go on.
    Beat,
    /// It could not start, and ends.
    Failed {
        /// Its exit code.
        code: u8,
        /// What a person should read; may have several lines.
        text: String,
    },
    /// It works, but wants to be replaced.
    Leaving,
    /// It serves.
    Ready {
        /// Where it listens, in words.
        address: String,
    },
}

/// A line that is no report.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a report")]
pub struct NotAReport;

impl fmt::Display for Report {
    /// Without the line's end; ends of lines inside a text are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beat => f.write_str("beat"),
            Self::Failed { code, text } => write!(f, "failed {code} {}", escaped(text)),
            Self::Leaving => f.write_str("leaving"),
            Self::Ready { address } => write!(f, "ready {}", escaped(address)),
        }
    }
}

impl FromStr for Report {
    type Err = NotAReport;

    fn from_str(line: &str) -> Result<Self, NotAReport> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "beat" => Ok(Self::Beat),
            "failed" => {
                let (code, text) = rest.split_once(' ').ok_or(NotAReport)?;
                Ok(Self::Failed {
                    code: code.parse().map_err(|_| NotAReport)?,
                    text: unescaped(text),
                })
            }
            "leaving" => Ok(Self::Leaving),
            "ready" => Ok(Self::Ready {
                address: unescaped(rest),
            }),
            _ => Err(NotAReport),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reports_are_lines() {
        let failed = Report::Failed {
            code: 78,
            text: "two\nlines".to_owned(),
        };
        assert_eq!(failed.to_string(), r"failed 78 two\nlines");
        for line in [
            "",
            "ready",
            "beaten",
            "failed",
            "failed 300 x",
            "failed x y",
        ] {
            let known = matches!(line, "ready");
            assert_eq!(line.parse::<Report>().is_ok(), known, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(code: u8, text: String) {
            let failed = Report::Failed { code, text: text.clone() };
            let ready = Report::Ready { address: text };
            for report in [failed, ready, Report::Beat, Report::Leaving] {
                let line = report.to_string();
                prop_assert!(!line.contains('\n'));
                prop_assert_eq!(line.parse(), Ok(report));
            }
        }
    }
}
