//! `sync.conf`: raw values, conversions, `extends` (spec/config.md, 1.2).

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Arc;

use super::DEFAULT;
use super::DEPTH;
use super::Document;
use super::KeyCase;
use super::Loader;
use super::Settings;
use crate::config::ini::Entry;
use crate::config::reader::Found;
use crate::config::reader::Origin;

/// Reads a file and those that it extends; nothing when there is no such file.
pub(super) fn load(loader: &mut Loader<'_>, path: &Path) -> Option<Settings> {
    load_deep(loader, path, DEPTH)
}

fn load_deep(loader: &mut Loader<'_>, path: &Path, depth: usize) -> Option<Settings> {
    let mut settings = Settings::new();
    let document = loader.open(path, KeyCase::Lower)?;
    let common = document.ini.section(DEFAULT);
    let common = common.map(|section| &*section.entries).unwrap_or_default();
    for section in &document.ini.sections {
        if section.name == DEFAULT {
            continue;
        }
        let mut values = BTreeMap::new();
        for entry in common.iter().filter(|entry| entry.key != "extends") {
            let found = convert(loader, &document, &section.name, entry, true);
            values.insert(entry.key.clone(), found);
        }
        for entry in &section.entries {
            let found = convert(loader, &document, &section.name, entry, false);
            values.insert(entry.key.clone(), found);
        }
        settings.insert(section.name.clone(), values);
    }
    if let Some(extends) = common.iter().find(|entry| entry.key == "extends") {
        let found = convert(loader, &document, DEFAULT, extends, false);
        for name in found.text.lines() {
            if depth == 0 {
                let text = "extends leads in a circle, or too deep";
                loader.note(&document.shown, Some(extends.line), text);
                break;
            }
            let path = loader.find(name, &document.here);
            let extended = load_deep(loader, &path, depth - 1).unwrap_or_default();
            for (section, values) in extended {
                let own = settings.entry(section).or_default();
                for (key, found) in values {
                    own.entry(key).or_insert(found);
                }
            }
        }
    }
    Some(settings)
}

/// Resolves `%(here)s`, quotes, empty lines and `${NAME}`; everything stays text.
fn convert(
    loader: &mut Loader<'_>,
    document: &Document,
    section: &str,
    entry: &Entry,
    from_default: bool,
) -> Found {
    let here = document.here.to_string_lossy();
    let mut origin = Origin::File(document.shown.to_path_buf(), entry.line);
    let mut lines = Vec::new();
    for line in entry.value.replace("%(here)s", &here).lines() {
        let line = line.trim();
        let variable = line
            .strip_prefix("${")
            .and_then(|name| name.strip_suffix('}'));
        if let Some(name) = variable {
            if let Some(value) = environment(name) {
                origin = Origin::Environment(name.to_owned());
                lines.push(value);
            } else if !from_default {
                let text = format!(
                    "[{section}] {}: the environment has no variable {name} (or it is not UTF-8)",
                    entry.key
                );
                loader.note(&document.shown, Some(entry.line), text);
            }
        } else if !line.is_empty() {
            let quoted = line
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix('"'));
            lines.push(quoted.unwrap_or(line).to_owned());
        }
    }
    Found {
        text: lines.join("\n"),
        origin,
        file: Arc::clone(&document.shown),
        line: entry.line,
        from_default,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the configuration names environment variables"
)]
fn environment(name: &str) -> Option<String> {
    env::var(name).ok()
}
