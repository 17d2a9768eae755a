//! The PasteDeploy file: which server, which application, which second file (spec/config.md, 1.1).

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::DEFAULT;
use super::DEPTH;
use super::Document;
use super::KeyCase;
use super::Loader;
use super::Part;
use super::Settings;
use super::View;
use super::interpolate;
use super::second;
use crate::config::Names;
use crate::config::app;
use crate::config::ini::Entry;
use crate::config::keys::Table;
use crate::config::problem::Problem;
use crate::config::problem::Severity;
use crate::config::reader::Found;
use crate::config::reader::Origin;
use crate::config::server;

/// Everything that the files say.
pub(in crate::config) struct Merged {
    /// Both files; the first one's under the two names that follow.
    pub(in crate::config) settings: Settings,
    /// `server:main`, or with another name.
    pub(in crate::config) server: String,
    /// `app:main`, or with another name.
    pub(in crate::config) app: String,
    /// The prefix that `[composite:...]` gives to the application.
    pub(in crate::config) composite: Option<String>,
    /// The first file, for the sections of the log.
    pub(in crate::config) first: Document,
    /// The name of the file in which a setting of `sync.conf` would be looked for.
    pub(in crate::config) second: Arc<PathBuf>,
    /// Whether there is anything to say about what should stand in `sync.conf`.
    pub(in crate::config) readable: bool,
    /// Files that everybody on the machine may read.
    pub(in crate::config) public: Vec<Arc<PathBuf>>,
    /// The directory in which the process was started.
    pub(in crate::config) cwd: PathBuf,
}

/// The name of sections that nobody has named.
const MAIN: &str = "main";

/// Where the second file is looked for when the first one does not name it.
const USUAL: [&str; 5] = [
    "etc/sync.conf",
    "conf/sync.ini",
    "conf/sync.conf",
    "sync.conf",
    "sync.ini",
];

/// Reads both files. Without a first file there is nothing but problems.
pub(in crate::config) fn load(
    file: &Path,
    names: &Names,
    vars: &[(String, String)],
) -> (Option<Merged>, Vec<Problem>) {
    let mut loader = Loader::new(vars);
    let Some(first) = loader.open(file, KeyCase::Kept) else {
        return (None, loader.problems);
    };
    let mut settings = Settings::new();
    let server = section(&mut loader, &first, "server", &names.server);
    if server.is_none() {
        let name = &names.server;
        let text =
            format!("has no [server:{name}] section: at least \"use = fcgi\" must stand there");
        loader.note(&first.shown, None, text);
    }
    let server = canonical(server.unwrap_or_default(), &server::TABLE);
    let server_name = format!("server:{}", names.server);
    settings.insert(server_name.clone(), server);
    let app_name = format!("app:{}", names.app);
    let (name, composite) = application(&mut loader, &first, &names.app);
    let app = match section(&mut loader, &first, "app", &name) {
        Some(app) => app,
        None => {
            if composite.is_some() {
                let by = &names.app;
                let text = format!("has no section [app:{name}], which [composite:{by}] names");
                loader.note(&first.shown, None, text);
            } else if name != MAIN {
                loader.note(&first.shown, None, format!("has no [app:{name}] section"));
            }
            common(&mut loader, &first, &app_name)
        }
    };
    let app = set_and_get(&mut loader, app);
    let (inline, app): (Values, Values) = app
        .into_iter()
        .partition(|(key, _)| key.contains('.') && !key.starts_with("paste."));
    let app = canonical(app, &app::TABLE);
    let second = second_file(&mut loader, &first, &app_name, (&app, &inline));
    let mut readable = second.is_some() || !inline.is_empty();
    let second = match second {
        Some(path) => {
            match second::load(&mut loader, &path) {
                Some(values) => settings.extend(values),
                None => readable = false,
            }
            let shown = path.strip_prefix(&loader.cwd).unwrap_or(&path);
            Arc::new(shown.to_path_buf())
        }
        None => Arc::clone(&first.shown),
    };
    add_inline(&mut loader, &mut settings, &app_name, inline);
    settings.insert(app_name.clone(), app);
    let merged = Merged {
        settings,
        server: server_name,
        app: app_name,
        composite,
        first,
        second,
        readable,
        public: loader.public,
        cwd: loader.cwd,
    };
    (Some(merged), loader.problems)
}

type Values = BTreeMap<String, Found>;

/// The keys of a section with those of `[DEFAULT]`; the section wins. Follows `use = config:`.
fn section(loader: &mut Loader<'_>, document: &Document, kind: &str, name: &str) -> Option<Values> {
    let own = document.ini.section(&format!("{kind}:{name}"));
    let own = own.or_else(|| document.ini.section(kind).filter(|_| name == MAIN))?;
    let view = View {
        document,
        section: &own.name,
        part: Part::Own,
    };
    let mut values = Values::new();
    let used = own.entry("use").map(|entry| resolve(entry, view, loader));
    if let Some(target) = used
        .as_ref()
        .and_then(|found| found.text.strip_prefix("config:"))
    {
        let (file, other) = target.split_once('#').unwrap_or((target, name));
        let path = loader.find(file, &document.here);
        if let Some(other_file) = loader.open(&path, KeyCase::Kept) {
            match section(loader, &other_file, kind, other) {
                Some(others) => values = others,
                None => {
                    let text = format!("has no section [{kind}:{other}]");
                    loader.note(&other_file.shown, None, text);
                }
            }
        }
    }
    values.extend(common(loader, document, &own.name));
    for entry in &own.entries {
        let found = resolve(entry, view, loader);
        if entry.key == "use" && found.text.starts_with("config:") {
            continue;
        }
        values.insert(entry.key.clone(), found);
    }
    Some(values)
}

/// The keys of `[DEFAULT]`, as they are seen from a section.
fn common(loader: &mut Loader<'_>, document: &Document, section: &str) -> Values {
    let view = View {
        document,
        section,
        part: Part::Common,
    };
    let mut values = Values::new();
    for entry in document
        .ini
        .section(DEFAULT)
        .iter()
        .flat_map(|common| &common.entries)
    {
        let found = resolve(entry, view, loader);
        values.insert(entry.key.clone(), found);
    }
    values
}

/// A value with its `%(name)s` replaced: from the section, the command line, `[DEFAULT]`, and the
/// two names that every file has.
fn resolve(entry: &Entry, view: View<'_>, loader: &mut Loader<'_>) -> Found {
    let View {
        document, section, ..
    } = view;
    let mut origin = Origin::File(document.shown.to_path_buf(), entry.line);
    let vars = loader.vars;
    let written = |section: &str, name: &str| {
        let entry = document.ini.section(section)?.entry(name)?;
        Some(entry.value.clone())
    };
    let mut lookup = |name: &str| {
        if let Some(value) = written(section, name).filter(|_| name != entry.key) {
            return Some(value);
        }
        if let Some((_, value)) = vars.iter().find(|(var, _)| var == name) {
            origin = Origin::CommandLine(name.to_owned());
            return Some(value.clone());
        }
        match name {
            "here" => Some(document.here.to_string_lossy().into_owned()),
            "__file__" => Some(document.path.to_string_lossy().into_owned()),
            _ => written(DEFAULT, name),
        }
    };
    let text = match interpolate(&entry.value, &mut lookup, DEPTH) {
        Ok(text) => text,
        Err(bad) => {
            if view.part == Part::Own {
                let text = format!("[{section}] {}: {}", entry.key, bad.text());
                loader.note(&document.shown, Some(entry.line), text);
            }
            String::new()
        }
    };
    view.found(entry, text, origin)
}

/// Keys by the spelling of the table.
fn canonical(values: Values, table: &'static Table) -> Values {
    values
        .into_iter()
        .map(|(key, found)| match table.key(&key) {
            Some(known) => (known.name.to_owned(), found),
            None => (key, found),
        })
        .collect()
}

/// `set key = value` overrides, `get key = other` copies.
fn set_and_get(loader: &mut Loader<'_>, values: Values) -> Values {
    let mut plain = Values::new();
    let mut special = Vec::new();
    for (key, found) in values {
        match key.split_once(char::is_whitespace) {
            Some((word @ ("set" | "get"), name)) => {
                special.push((word == "get", name.trim().to_owned(), found));
            }
            _ => {
                plain.insert(key, found);
            }
        }
    }
    for (copy, name, mut found) in special {
        if copy {
            let Some(source) = plain.get(&found.text) else {
                let text = format!("get {name}: there is no {} to copy", found.text);
                loader.note(&found.file, Some(found.line), text);
                continue;
            };
            found.text.clone_from(&source.text);
        }
        found.from_default = false;
        plain.insert(name, found);
    }
    plain
}

/// The name of the application's section, and the prefix under which a composite puts it.
fn application(
    loader: &mut Loader<'_>,
    document: &Document,
    name: &str,
) -> (String, Option<String>) {
    let ini = &document.ini;
    if let Some(pipeline) = ini.section(&format!("pipeline:{name}")) {
        let text =
            format!("[pipeline:{name}] is not supported: write [app:{name}] without filters");
        loader.note(&document.shown, Some(pipeline.line), text);
    }
    let Some(composite) = ini.section(&format!("composite:{name}")) else {
        return (name.to_owned(), None);
    };
    let mut mounts = composite
        .entries
        .iter()
        .filter(|entry| entry.key.starts_with('/'));
    let Some((mount, None)) = mounts.next().map(|first| (first, mounts.next())) else {
        let text = format!(
            "[composite:{name}] must map one path to one application, e.g. /yourpath = sync"
        );
        loader.note(&document.shown, Some(composite.line), text);
        return (name.to_owned(), None);
    };
    (mount.value.clone(), Some(mount.key.clone()))
}

/// The path of the second file: named by any value that begins with `file:`, or in a usual place.
fn second_file(
    loader: &mut Loader<'_>,
    first: &Document,
    section: &str,
    (app, inline): (&Values, &Values),
) -> Option<PathBuf> {
    let names_file = |found: &&Found| found.text.starts_with("file:");
    let named = app.get("configuration").filter(names_file);
    if let Some(found) = named.or_else(|| app.values().find(names_file)) {
        let name = found.text.strip_prefix("file:").unwrap_or_default();
        let path = loader.find(name.trim(), &first.here);
        return Some(path);
    }
    if let Some(found) = app.get("configuration") {
        let text = format!(
            "[{section}] configuration: must begin with file:, e.g. file:%(here)s/sync.conf"
        );
        loader.note(&found.file, Some(found.line), text);
        return None;
    }
    let mut usual = USUAL.iter().map(|name| first.here.join(name));
    let usual = usual.find(|path| *path != first.path && path.is_file());
    if usual.is_none() && inline.is_empty() {
        let text = format!(
            "names no second file, and none of {} is beside it: write \"configuration = \
             file:%(here)s/sync.conf\" into [{section}]",
            USUAL.join(", ")
        );
        loader.note(&first.shown, None, text);
    }
    usual
}

/// Settings of the form `section.key` in the first file; the second one wins.
fn add_inline(
    loader: &mut Loader<'_>,
    settings: &mut Settings,
    section_name: &str,
    inline: Values,
) {
    for (name, found) in inline {
        let (section, key) = name.split_once('.').unwrap_or((&name, ""));
        let key = key.to_lowercase();
        let values = settings.entry(section.to_owned()).or_default();
        if let Some(winner) = values.get(&key) {
            loader.problems.push(Problem {
                severity: Severity::Warning,
                file: found.file.to_path_buf(),
                line: Some(found.line),
                section: Some(section_name.to_owned()),
                key: Some(name.clone()),
                found: None,
                text: format!(
                    "is not used: {}:{} says it too, and wins",
                    winner.file.display(),
                    winner.line
                ),
            });
            continue;
        }
        values.insert(key, found);
    }
}
