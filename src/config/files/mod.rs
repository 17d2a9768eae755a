//! From the files' text to one set of settings: finding, reading, interpolation, merging.
//!
//! Goes in: the path of the first file and the variables of the command line. Comes out:
//! [`first::Merged`], texts with their places, and the problems met on the way. What a key means is not
//! known here (spec/config.md, 1).

mod first;
mod second;

use std::env;
use std::fs;
use std::io;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::ini;
use super::ini::DEFAULT;
use super::ini::Entry;
use super::ini::Ini;
use super::ini::KeyCase;
use super::problem::Problem;
use super::problem::Severity;
use super::reader::Found;
use super::reader::Origin;
use super::reader::Settings;

pub(super) use first::load;

/// How many files may belong to one configuration: a circle of them ends here.
const FILES: usize = 32;

/// How deep references may lead to other references.
const DEPTH: usize = 8;

/// The largest configuration file, in bytes; anything bigger is something else.
const LARGEST: u64 = 1 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) ini: Ini,
    /// As a person would name it from the current directory.
    pub(super) shown: Arc<PathBuf>,
    /// Absolute.
    path: PathBuf,
    /// The absolute directory of the file.
    pub(super) here: PathBuf,
}

/// What all files of one configuration have in common while they are read.
struct Loader<'a> {
    vars: &'a [(String, String)],
    /// The directory in which the process was started.
    cwd: PathBuf,
    problems: Vec<Problem>,
    /// Files that everybody on the machine may read.
    public: Vec<Arc<PathBuf>>,
    /// How many files were read.
    opened: usize,
}

/// From where, in a file, a value is seen.
#[derive(Clone, Copy)]
struct View<'a> {
    document: &'a Document,
    /// The section that is read.
    section: &'a str,
    part: Part,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// In `[DEFAULT]`, for all sections.
    Common,
    /// In the section itself.
    Own,
}

impl View<'_> {
    /// A value that was found here.
    fn found(self, entry: &Entry, text: String, origin: Origin) -> Found {
        Found {
            text,
            origin,
            file: Arc::clone(&self.document.shown),
            line: entry.line,
            from_default: self.part == Part::Common,
        }
    }
}

impl<'a> Loader<'a> {
    fn new(vars: &'a [(String, String)]) -> Self {
        Self {
            vars,
            cwd: env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            problems: Vec::new(),
            public: Vec::new(),
            opened: 0,
        }
    }

    /// Reads a file; what cannot be read or understood is noted.
    fn open(&mut self, path: &Path, case: KeyCase) -> Option<Document> {
        let path = self.cwd.join(path);
        let shown = path.strip_prefix(&self.cwd).unwrap_or(&path);
        let shown = Arc::new(shown.to_path_buf());
        self.opened += 1;
        if self.opened > FILES {
            let text = format!("is file {FILES} and more: files name each other in a circle?");
            self.note(&shown, None, text);
            return None;
        }
        let (bytes, readable_by_all) = match read(&path) {
            Ok(read) => read,
            Err(error) => {
                self.note(&shown, None, format!("cannot be read: {error}"));
                return None;
            }
        };
        let (ini, bad) = ini::parse(&bytes, case);
        for bad in bad {
            self.note(&shown, Some(bad.line), bad.reason);
        }
        for section in &ini.sections {
            for lost in &section.repeated {
                self.problems.push(Problem {
                    severity: Severity::Warning,
                    file: shown.to_path_buf(),
                    line: Some(lost.line),
                    section: Some(section.name.clone()),
                    key: Some(lost.key.clone()),
                    found: None,
                    text: format!("is set again in line {}, which counts", lost.again),
                });
            }
        }
        if readable_by_all && !self.public.contains(&shown) {
            self.public.push(Arc::clone(&shown));
        }
        Some(Document {
            ini,
            here: path.parent().unwrap_or(&self.cwd).to_path_buf(),
            shown,
            path,
        })
    }

    /// The file that a relative path means: beside the file that names it, or else from the
    /// current directory.
    fn find(&self, name: &str, here: &Path) -> PathBuf {
        let beside = here.join(name);
        let from_cwd = self.cwd.join(name);
        if !beside.exists() && from_cwd.exists() {
            return from_cwd;
        }
        beside
    }

    /// Notes an error about a file as a whole or one of its lines, once.
    fn note(&mut self, file: &Path, line: Option<usize>, text: impl Into<String>) {
        self.note_as(Severity::Error, file, line, text);
    }

    fn note_as(
        &mut self,
        severity: Severity,
        file: &Path,
        line: Option<usize>,
        text: impl Into<String>,
    ) {
        let problem = Problem {
            severity,
            file: file.to_path_buf(),
            line,
            section: None,
            key: None,
            found: None,
            text: text.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// The bytes of a file, and whether everybody on the machine may read it.
fn read(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(
            "it is larger than 1 MiB, so it is no configuration",
        ));
    }
    Ok((bytes, metadata.permissions().mode() & 0o004 != 0))
}

/// Why `%(name)s` cannot be replaced.
#[derive(Debug, PartialEq, Eq)]
enum BadReference {
    /// A name that nobody set.
    Missing(String),
    /// Names that lead to each other.
    Loop,
}

impl BadReference {
    fn text(&self) -> String {
        match self {
            Self::Loop => "the %(...)s in this value lead in a circle".to_owned(),
            Self::Missing(name) => format!(
                "%({name})s is not set: set {name} in this section, in [DEFAULT], or as \
                 {name}=... on the command line"
            ),
        }
    }
}

/// Replaces `%(name)s` by what `lookup` answers, again in the answers; `%%` is a percent sign.
///
/// `lookup` may note which names were asked for.
fn interpolate(
    text: &str,
    lookup: &mut dyn FnMut(&str) -> Option<String>,
    depth: usize,
) -> Result<String, BadReference> {
    // Doubling references would otherwise grow without bound.
    const LONGEST: usize = 64 * 1024;

    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        done.push_str(before);
        let reference = after
            .strip_prefix('(')
            .and_then(|name| name.split_once(")s"));
        if let Some((name, tail)) = reference {
            if depth == 0 || done.len() > LONGEST {
                return Err(BadReference::Loop);
            }
            let value = lookup(name).ok_or_else(|| BadReference::Missing(name.to_owned()))?;
            done.push_str(&interpolate(&value, lookup, depth - 1)?);
            rest = tail;
        } else {
            done.push('%');
            rest = after.strip_prefix('%').unwrap_or(after);
        }
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, BadReference>) {
        let mut lookup = |name: &str| match name {
            "here" => Some("/etc/weaved".to_owned()),
            "twice" => Some("%(here)s:%(here)s".to_owned()),
            "loop" => Some("x%(loop)s".to_owned()),
            "bomb" => Some("%(bomb)s%(bomb)s%(bomb)s%(bomb)s".to_owned()),
            _ => None,
        };
        let found = interpolate(text, &mut lookup, DEPTH);
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn references_are_replaced() {
        check("file:%(here)s/sync.conf", Ok("file:/etc/weaved/sync.conf"));
        check("%(twice)s", Ok("/etc/weaved:/etc/weaved"));
        check("100%% or 100% or %40", Ok("100% or 100% or %40"));
        check("%(here)", Ok("%(here)"));
        check(
            "%(nobody)s",
            Err(BadReference::Missing("nobody".to_owned())),
        );
        check("%(loop)s", Err(BadReference::Loop));
        check("%(bomb)s", Err(BadReference::Loop));
    }
}
