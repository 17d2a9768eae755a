//! Takes typed values out of the merged settings and notes what is wrong, odd, or in effect.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::DatabaseUri;
use super::environment;
use super::keys::Kind;
use super::keys::Table;
use super::problem::Problem;
use super::problem::Severity;
use super::values::Setting;
use super::values::Show;
use super::values::Wanted;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A variable of the command line, put into a line of a file.
    CommandLine(String),
    /// Nothing was written.
    Default,
    /// An environment variable that a line of a file names.
    Environment(String),
    /// A file and its line.
    File(PathBuf, usize),
}

/// A value as it was written, with its place.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// After quotes, lists and variables are resolved; lines are joined by newlines.
    pub(super) text: String,
    pub(super) origin: Origin,
    pub(super) file: Arc<PathBuf>,
    pub(super) line: usize,
    /// Whether it comes from `[DEFAULT]`, where a key need not belong to every section.
    pub(super) from_default: bool,
}

/// One setting in effect, for `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The section, as it is written in a file.
    pub section: String,
    /// The key.
    pub key: &'static str,
    /// As it could be written in the file; empty when not set; stars for secrets.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
}

/// Sections, their keys, and what was found there.
pub(super) type Settings = BTreeMap<String, BTreeMap<String, Found>>;

/// Reads the settings of one configuration.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) problems: Vec<Problem>,
    pub(super) effective: Vec<Effective>,
    /// What a problem without a place is said of.
    pub(super) file: Arc<PathBuf>,
    /// The directory in which the process was started.
    pub(super) cwd: PathBuf,
    /// Files in which a password stands.
    pub(super) with_secrets: Vec<Arc<PathBuf>>,
}

impl Reader {
    /// The face of one section, read by its table.
    pub(super) fn section<'a>(&'a mut self, name: &str, table: &'static Table) -> Scope<'a> {
        Scope {
            reader: self,
            name: name.to_owned(),
            table,
        }
    }

    /// The place of a key, or of the file when the key is not written.
    pub(super) fn place(&self, section: &str, key: &str) -> (PathBuf, Option<usize>) {
        let place = self
            .settings
            .get(section)
            .and_then(|section| section.get(key));
        match place {
            Some(found) => (found.file.to_path_buf(), Some(found.line)),
            None => (self.file.to_path_buf(), None),
        }
    }

    /// The place of the first key that is written in a section, or of the file.
    pub(super) fn section_place(&self, section: &str) -> (PathBuf, Option<usize>) {
        let keys = self.settings.get(section).into_iter().flatten();
        let own = keys.filter(|(_, found)| !found.from_default);
        match own.min_by_key(|(_, found)| found.line) {
            Some((_, found)) => (found.file.to_path_buf(), Some(found.line)),
            None => (self.file.to_path_buf(), None),
        }
    }

    /// Whether a key is written.
    pub(super) fn is_set(&self, section: &str, key: &str) -> bool {
        let section = self.settings.get(section);
        section.is_some_and(|section| section.contains_key(key))
    }
}

/// One section of a reader.
pub(super) struct Scope<'a> {
    reader: &'a mut Reader,
    name: String,
    table: &'static Table,
}

impl Scope<'_> {
    /// What was written for a key; an empty value counts as not written.
    pub(super) fn found(&self, key: &str) -> Option<&Found> {
        let found = self.reader.settings.get(&self.name)?.get(key)?;
        (!found.text.is_empty()).then_some(found)
    }

    /// Lets an environment variable win over what is written for a key.
    pub(super) fn environment(&mut self, key: &'static str, variable: &str) {
        let Some(text) = environment::value(variable).filter(|text| !text.is_empty()) else {
            return;
        };
        let found = Found {
            text,
            origin: Origin::Environment(variable.to_owned()),
            file: Arc::new(PathBuf::from(format!("environment variable {variable}"))),
            line: 1,
            from_default: false,
        };
        let section = self.reader.settings.entry(self.name.clone()).or_default();
        section.insert(key.to_owned(), found);
    }

    /// A value, or its default when none is written (or a wrong one, which is noted).
    pub(super) fn get<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        self.get_as(key, default, T::read)
    }

    /// A truth. `no` and `off` were true to the old server, which is noted.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.warn_of_no(key);
        self.get(key, default)
    }

    /// Warns of `no` and `off` where the old server would have understood yes.
    pub(super) fn warn_of_no(&mut self, key: &str) {
        let odd = |found: &Found| matches!(&*found.text.to_ascii_lowercase(), "no" | "off");
        // Paste, which reads the first file, did understand them.
        let second = !self.name.starts_with("server:") && !self.name.starts_with("app:");
        if second && self.found(key).is_some_and(odd) {
            let text = "is read as false; the old server took it as true. Write true or false";
            self.warn(key, text);
        }
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&mut self, key: &'static str, default: T, count: Count) -> T
    where
        T: Copy + Show + TryFrom<u64>,
    {
        let Count {
            unit,
            low,
            high,
            example,
        } = count;
        let read = |text: &str| {
            let number = text.parse::<u64>().map_err(|_| {
                Wanted::new(format!("is not a whole number ({unit}), e.g. {example}"))
            })?;
            let within = T::try_from(number).ok();
            within
                .filter(|_| (low..=high).contains(&number))
                .ok_or_else(|| {
                    Wanted::new(format!(
                        "is out of range: {low} to {high} ({unit}), e.g. {example}"
                    ))
                })
        };
        self.get_as(key, default, read)
    }

    /// The first of several names for one thing that is written; else the first.
    pub(super) fn first_of(&self, names: &[&'static str]) -> &'static str {
        let written = names.iter().find(|name| self.found(name).is_some());
        written.or(names.first()).copied().unwrap_or_default()
    }

    /// A time in whole seconds. The old server wrote -1 for none, which is 0 here.
    pub(super) fn seconds(&mut self, key: &'static str, default: Duration) -> Duration {
        const LONGEST: u64 = 366 * 86_400;

        let read = |text: &str| {
            let seconds = match text {
                "-1" => Some(0),
                text => text.parse().ok().filter(|&seconds| seconds <= LONGEST),
            };
            seconds.map(Duration::from_secs).ok_or_else(|| {
                let example = default.as_secs();
                Wanted::new(format!("is not a whole number (seconds), e.g. {example}"))
            })
        };
        self.get_as(key, default, read)
    }

    /// A database. A relative file is put below the current directory, as SQLAlchemy does.
    pub(super) fn database(&mut self, key: &'static str) -> Option<DatabaseUri> {
        let mut remarks = Vec::new();
        let read = |text: &str| match DatabaseUri::read(text) {
            Ok((uri, noted)) => {
                remarks = noted;
                Ok(Some(uri))
            }
            Err(bad) => Err(Wanted::new(format!("the URI {bad}"))),
        };
        let mut uri: DatabaseUri = self.get_as(key, None, read)?;
        for remark in remarks {
            self.note(remark.severity, key, None, remark.text);
        }
        for path in uri.certificates() {
            *path = self.reader.cwd.join(&*path);
            if !path.exists() {
                let text = format!(
                    "the file {} does not exist (or cannot be seen by this user)",
                    path.display()
                );
                self.note(Severity::Warning, key, None, text);
            }
        }
        if let DatabaseUri::SqliteFile(path) = &mut uri {
            self.database_file(key, path);
        }
        Some(uri)
    }

    fn database_file(&mut self, key: &str, path: &mut PathBuf) {
        let absolute = self.reader.cwd.join(&*path);
        if path.is_relative() {
            let text = format!(
                "is relative to the directory in which the server was started: it means {}. \
                 Write sqlite:///%(here)s/... to mean the directory of this file",
                absolute.display()
            );
            self.note(Severity::Notice, key, None, text);
        }
        if TEMPORARY.iter().any(|place| absolute.starts_with(place)) {
            let text = format!(
                "{} is in a place that is emptied now and then: all that is in it would be lost",
                absolute.display()
            );
            self.note(Severity::Warning, key, None, text);
        }
        // The last one is made at start.
        if let Some(folder) = absolute.parent().and_then(|folder| folder.parent())
            && !folder.is_dir()
        {
            let text = format!(
                "the directory {} does not exist (or cannot be seen): create it, and let only the \
                 server's user in",
                folder.display()
            );
            self.note(Severity::Warning, key, None, text);
        }
        *path = absolute;
    }

    /// The size of a pool: at most 1000, and 0, which meant no limit, is the default.
    pub(super) fn pool_size(&mut self, key: &'static str, default: u32) -> u32 {
        match self.number(
            key,
            default,
            Count::new("connections", 0, u32::MAX as u64, 16),
        ) {
            0 => default,
            size => size.min(1000),
        }
    }

    /// A value read by a function of the caller's.
    pub(super) fn get_as<T: Show>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&str) -> Result<T, Wanted>,
    ) -> T {
        debug_assert!(self.table.key(key).is_some(), "{key} is in no table");
        let mut origin = Origin::Default;
        let mut value = default;
        if let Some(found) = self.found(key) {
            origin = found.origin.clone();
            match read(&found.text) {
                Ok(read) => {
                    value = read;
                    let is_written = matches!(origin, Origin::File(..));
                    if T::SECRET && is_written && value.show().contains("***") {
                        let file = Arc::clone(&found.file);
                        self.reader.with_secrets.push(file);
                    }
                }
                Err(Wanted(text)) if T::SECRET => self.note(Severity::Error, key, None, text),
                Err(Wanted(text)) => self.error(key, text),
            }
        }
        self.reader.effective.push(Effective {
            section: self.name.clone(),
            key,
            value: value.show(),
            origin,
        });
        value
    }

    /// Notes an error and shows the value.
    pub(super) fn error(&mut self, key: &str, text: impl Into<String>) {
        self.note(Severity::Error, key, self.shown(key), text);
    }

    /// Notes a warning and shows the value.
    pub(super) fn warn(&mut self, key: &str, text: impl Into<String>) {
        self.note(Severity::Warning, key, self.shown(key), text);
    }

    fn shown(&self, key: &str) -> Option<String> {
        let text = &self.found(key)?.text;
        // A URL may have a password before its host.
        let may_hide = text.contains('@') && text.contains(':');
        (!may_hide).then(|| text.clone())
    }

    /// Notes anything at the place of a key, or of the section when the key is not written.
    pub(super) fn note(
        &mut self,
        severity: Severity,
        key: &str,
        shown: Option<String>,
        text: impl Into<String>,
    ) {
        let (file, line) = self.reader.place(&self.name, key);
        self.reader.problems.push(Problem {
            severity,
            file,
            line,
            section: Some(self.name.clone()),
            key: Some(key.to_owned()),
            found: shown,
            text: text.into(),
        });
    }

    /// Tells of every key in the section that is unknown or no longer needed.
    pub(super) fn tell_unused(&mut self) {
        let Some(section) = self.reader.settings.get(&self.name) else {
            return;
        };
        let mut notes = Vec::new();
        for (name, found) in section {
            let off = bool::read(&found.text) == Ok(false);
            let (severity, text) = match self.table.key(name).map(|key| key.kind) {
                Some(Kind::Alias | Kind::Used { .. }) => continue,
                // Whoever switched it off misses nothing.
                Some(Kind::Dropped(_)) if off => continue,
                Some(Kind::Dropped(reason)) => (Severity::Warning, reason.to_owned()),
                Some(Kind::Refused(_)) if found.text.is_empty() => continue,
                Some(Kind::Refused(reason)) => (Severity::Error, reason.to_owned()),
                Some(Kind::Unneeded(reason)) => (Severity::Notice, format!("not needed: {reason}")),
                None if found.from_default => continue,
                None => match self.table.nearest(name) {
                    Some(near) => (
                        Severity::Warning,
                        format!("unknown key; did you mean {near}?"),
                    ),
                    None => (Severity::Warning, "unknown key, ignored".to_owned()),
                },
            };
            notes.push((severity, name.clone(), text));
        }
        for (severity, name, text) in notes {
            self.note(severity, &name, None, text);
        }
    }
}

/// What a number counts, and how much of it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    unit: &'static str,
    low: u64,
    high: u64,
    example: u64,
}

impl Count {
    /// From `low` to `high`, both included; `example` is for the message.
    pub(super) const fn new(unit: &'static str, low: u64, high: u64, example: u64) -> Self {
        Self {
            unit,
            low,
            high,
            example,
        }
    }
}

/// Directories whose files do not last.
const TEMPORARY: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
