//! The log sections of the first file (spec/config.md, 2.4): mapped, never evaluated.
//!
//! Python's `logging.config` names loggers, handlers and formatters; `args` was Python code. Taken
//! from it: the levels, the first file name, sizes, and the parts of a format that we have.

use std::path::PathBuf;

use log::LevelFilter;

use super::cef::Facility;
use super::files::Document;
use super::problem::Problem;
use super::problem::Severity;
use super::values::Setting;

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// What is logged at all. Default: info.
    pub level: LevelFilter,
    /// Default: one, the error output.
    pub outputs: Vec<LogOutput>,
}

/// One place for log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOutput {
    /// The place.
    pub target: LogTarget,
    /// What goes there, of what is logged at all. Default: everything.
    pub level: LevelFilter,
    /// How a line looks.
    pub format: Vec<LogPiece>,
}

/// A place for log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// A file, opened anew when it was moved or removed.
    File {
        /// Its path.
        path: PathBuf,
        /// Size at which it is put aside; 0: never.
        max_bytes: u64,
        /// How many old ones are kept.
        backups: u32,
    },
    /// The error output.
    Stderr,
    /// The standard output.
    Stdout,
    /// The system's log.
    Syslog(Facility),
}

/// A part of a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// `INFO`, ...
    Level,
    /// What happened.
    Message,
    /// The three digits after the time.
    Milliseconds,
    /// The part of the program that speaks.
    Name,
    /// Local date and time as RFC 3164 has them.
    OldTime,
    /// The number of the process.
    Process,
    /// As written.
    Text(String),
    /// Local date and time.
    Time,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            level: LevelFilter::Info,
            outputs: vec![LogOutput {
                target: LogTarget::Stderr,
                level: LevelFilter::Trace,
                format: default_format(),
            }],
        }
    }
}

fn default_format() -> Vec<LogPiece> {
    let text = |text: &str| LogPiece::Text(text.to_owned());
    vec![
        LogPiece::Time,
        text(","),
        LogPiece::Milliseconds,
        text(" "),
        LogPiece::Level,
        text(" ["),
        LogPiece::Name,
        text("] "),
        LogPiece::Message,
    ]
}

/// Reads the sections, if there are any.
pub(super) fn read(document: &Document, problems: &mut Vec<Problem>) -> Logging {
    let mut reader = LogReader { document, problems };
    if document.ini.section("loggers").is_none() {
        return Logging::default();
    }
    let own = "logger_syncserver";
    let level = reader.level(own).or_else(|| reader.level("logger_root"));
    let mut names = reader.words(own, "handlers");
    if names.is_empty() || reader.text(own, "propagate").as_deref() != Some("0") {
        names.extend(reader.words("logger_root", "handlers"));
    }
    let mut outputs: Vec<LogOutput> = Vec::new();
    for name in names {
        if let Some(output) = reader.handler(&format!("handler_{name}"))
            && !outputs.contains(&output)
        {
            outputs.push(output);
        }
    }
    let default = Logging::default();
    Logging {
        level: level.unwrap_or(default.level),
        outputs: if outputs.is_empty() {
            default.outputs
        } else {
            outputs
        },
    }
}

struct LogReader<'a> {
    document: &'a Document,
    problems: &'a mut Vec<Problem>,
}

impl LogReader<'_> {
    /// A value with `%(here)s` replaced; formats are full of other `%(...)s`, which stay.
    fn text(&self, section: &str, key: &str) -> Option<String> {
        let entry = self.document.ini.section(section)?.entry(key)?;
        let here = self.document.here.to_string_lossy();
        Some(entry.value.replace("%(here)s", &here))
    }

    fn words(&self, section: &str, key: &str) -> Vec<String> {
        let text = self.text(section, key).unwrap_or_default();
        Vec::<String>::read(&text).unwrap_or_default()
    }

    fn warn(&mut self, section: &str, key: &str, text: String) {
        let known = self.document.ini.section(section);
        let entry = known.and_then(|section| section.entry(key));
        self.problems.push(Problem {
            severity: Severity::Warning,
            file: self.document.shown.to_path_buf(),
            line: entry
                .map(|entry| entry.line)
                .or(known.map(|section| section.line)),
            section: Some(section.to_owned()),
            key: Some(key.to_owned()),
            found: entry.map(|entry| entry.value.clone()),
            text,
        });
    }

    /// Absent when nothing is said, which `NOTSET` means as well.
    fn level(&mut self, section: &str) -> Option<LevelFilter> {
        match &*self.text(section, "level")?.to_ascii_uppercase() {
            "CRITICAL" | "FATAL" | "ERROR" => Some(LevelFilter::Error),
            "WARNING" | "WARN" => Some(LevelFilter::Warn),
            "INFO" => Some(LevelFilter::Info),
            "DEBUG" => Some(LevelFilter::Debug),
            "NOTSET" | "" => None,
            _ => {
                let text = "is none of DEBUG, INFO, WARNING, ERROR, CRITICAL, NOTSET";
                self.warn(section, "level", text.to_owned());
                None
            }
        }
    }

    fn handler(&mut self, section: &str) -> Option<LogOutput> {
        let Some(class) = self.text(section, "class") else {
            self.warn(
                section,
                "class",
                "is missing, so nothing is logged there".to_owned(),
            );
            return None;
        };
        let args = self.text(section, "args").unwrap_or_default();
        let target = match class.rsplit('.').next().unwrap_or_default() {
            "StreamHandler" if args.contains("sys.stdout") => LogTarget::Stdout,
            "StreamHandler" => LogTarget::Stderr,
            "SysLogHandler" => LogTarget::Syslog(facility(&args)),
            "NullHandler" => return None,
            kind @ ("FileHandler"
            | "RotatingFileHandler"
            | "TimedRotatingFileHandler"
            | "WatchedFileHandler") => {
                let Some((path, rest)) = first_literal(&args) else {
                    self.warn(section, "args", "names no file in quotes".to_owned());
                    return None;
                };
                let mut numbers = rest
                    .split([',', '(', ')'])
                    .filter_map(|part| part.trim().parse::<u64>().ok())
                    .filter(|_| kind == "RotatingFileHandler");
                LogTarget::File {
                    path: PathBuf::from(path),
                    max_bytes: numbers.next().unwrap_or(0),
                    backups: numbers
                        .next()
                        .and_then(|count| u32::try_from(count).ok())
                        .unwrap_or(0),
                }
            }
            _ => {
                let text = "is not known here, so nothing is logged there; known are \
                            StreamHandler, FileHandler, handlers.RotatingFileHandler, \
                            handlers.WatchedFileHandler and handlers.SysLogHandler";
                self.warn(section, "class", text.to_owned());
                return None;
            }
        };
        Some(LogOutput {
            target,
            level: self.level(section).unwrap_or(LevelFilter::Trace),
            format: self.format(section),
        })
    }

    fn format(&mut self, handler: &str) -> Vec<LogPiece> {
        let name = self.text(handler, "formatter").unwrap_or_default();
        let section = format!("formatter_{name}");
        let Some(format) = self.text(&section, "format") else {
            return default_format();
        };
        let (pieces, unknown) = pieces(&format);
        for name in unknown {
            let text = format!("has the part %({name}), which is left out");
            self.warn(&section, "format", text);
        }
        pieces
    }
}

/// Takes a format apart; second come the names that we have nothing for.
fn pieces(format: &str) -> (Vec<LogPiece>, Vec<String>) {
    let mut pieces = Vec::new();
    let mut unknown = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let part = after
            .strip_prefix('(')
            .and_then(|part| part.split_once(')'));
        let Some((name, tail)) = part else {
            text.push('%');
            rest = after.strip_prefix('%').unwrap_or(after);
            continue;
        };
        // Behind the name: flags, width, and one letter for the conversion.
        let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit() || "-+ #.".contains(c));
        rest = tail
            .strip_prefix(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(tail);
        let piece = match name {
            "asctime" => LogPiece::Time,
            "levelname" => LogPiece::Level,
            "message" => LogPiece::Message,
            "msecs" => LogPiece::Milliseconds,
            "name" => LogPiece::Name,
            "process" => LogPiece::Process,
            _ => {
                unknown.push(name.to_owned());
                continue;
            }
        };
        if !text.is_empty() {
            pieces.push(LogPiece::Text(std::mem::take(&mut text)));
        }
        pieces.push(piece);
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(LogPiece::Text(text));
    }
    (pieces, unknown)
}

/// The first text in quotes, and what follows it.
fn first_literal(args: &str) -> Option<(&str, &str)> {
    let (_, rest) = args.split_at_checked(args.find(['\'', '"'])?)?;
    let quote = rest.chars().next()?;
    rest.get(1..)?.split_once(quote)
}

/// The facility that the arguments of a `SysLogHandler` name; Python's default is `user`.
fn facility(args: &str) -> Facility {
    let named = args.split_once("LOG_").map(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    });
    named
        .and_then(|name| Facility::read(name).ok())
        .unwrap_or(Facility(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_keeps_what_we_have() {
        let (found, unknown) = pieces(
            "%(asctime)s,%(msecs)03d %(levelname)-5.5s 100%% %(thread)d[%(name)s] %(message)s",
        );
        let text = |text: &str| LogPiece::Text(text.to_owned());
        let expected = [
            LogPiece::Time,
            text(","),
            LogPiece::Milliseconds,
            text(" "),
            LogPiece::Level,
            text(" 100% ["),
            LogPiece::Name,
            text("] "),
            LogPiece::Message,
        ];
        assert_eq!(found, expected);
        assert_eq!(unknown, ["thread"]);
    }

    #[test]
    fn arguments_give_a_file_and_a_facility() {
        assert_eq!(
            first_literal("('/a b.log', 'a')"),
            Some(("/a b.log", ", 'a')"))
        );
        assert_eq!(first_literal("(\"x\",)"), Some(("x", ",)")));
        assert_eq!(first_literal("(sys.stderr,)"), None);
        assert_eq!(first_literal("('x"), None);
        assert_eq!(
            facility("('/dev/log', handlers.SysLogHandler.LOG_DAEMON)"),
            Facility(3)
        );
        assert_eq!(facility("()"), Facility(1));
    }
}
