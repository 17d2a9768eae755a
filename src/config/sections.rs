//! What concerns the files as wholes: unknown sections, and passwords that everybody can read.

use std::path::PathBuf;
use std::sync::Arc;

use super::TABLES;
use super::files::Document;
use super::keys::nearest;
use super::problem::Problem;
use super::problem::Severity;
use super::reader::Reader;

/// Sections of the second file that the old server had, and that say nothing to us.
const OLD: [&str; 4] = ["app", "metlog", "metlog_loader", "who"];

/// First words of sections of the first file.
const FIRST: [&str; 13] = [
    "DEFAULT",
    "app",
    "composite",
    "filter",
    "filter-app",
    "formatter",
    "formatters",
    "handler",
    "handlers",
    "logger",
    "loggers",
    "pipeline",
    "server",
];

/// Tells of sections that nobody reads; `named` are those that were chosen by name.
pub(super) fn tell_unknown(first: &Document, named: [&str; 2], reader: &mut Reader) {
    for section in &first.ini.sections {
        let word = section.name.split([':', '_']).next().unwrap_or_default();
        if !FIRST.contains(&word) {
            reader.problems.push(Problem {
                severity: Severity::Warning,
                file: first.shown.to_path_buf(),
                line: Some(section.line),
                section: Some(section.name.clone()),
                key: None,
                found: None,
                text: advice(
                    &section.name,
                    &["server:main", "app:main", "loggers", "handlers"],
                ),
            });
        }
    }
    let known: Vec<&'static str> = TABLES.iter().map(|table| table.name).collect();
    let mut problems = Vec::new();
    for (name, values) in &reader.settings {
        let word = name.split([':', '_']).next().unwrap_or_default();
        let is_known = known.contains(&&**name)
            || matches!(word, "host" | "metlog")
            || named.contains(&&**name);
        let old = OLD.contains(&&**name) || word == "metlog";
        if is_known && !old {
            continue;
        }
        let place = values.values().next();
        problems.push(Problem {
            severity: if old {
                Severity::Notice
            } else {
                Severity::Warning
            },
            file: place
                .map_or(&reader.file, |found| &found.file)
                .to_path_buf(),
            line: place.map(|found| found.line),
            section: Some(name.clone()),
            key: None,
            found: None,
            text: if old {
                "not needed: nothing of it is read here".to_owned()
            } else {
                advice(name, &known)
            },
        });
    }
    reader.problems.append(&mut problems);
}

fn advice(name: &str, known: &[&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown section; did you mean [{near}]?"),
        None => "unknown section, ignored".to_owned(),
    }
}

/// Tells of files that hold a password and that everybody on the machine can read.
pub(super) fn tell_public_secrets(public: &[Arc<PathBuf>], reader: &mut Reader) {
    for file in public {
        if reader.with_secrets.contains(file) {
            reader.problems.push(Problem {
                severity: Severity::Warning,
                file: file.to_path_buf(),
                line: None,
                section: None,
                key: None,
                found: None,
                text: "holds a password, and everybody on this machine can read it: chmod 0640, \
                       with the server's group"
                    .to_owned(),
            });
        }
    }
}
