//! `sync.conf`: raw values, conversions, `extends` (spec/config.md, 1.2).

use std::collections::BTreeMap;
use std::path::Path;

use super::DEFAULT;
use super::KeyCase;
use super::Loader;
use super::Part;
use super::Settings;
use super::View;
use crate::config::environment;
use crate::config::ini::Entry;
use crate::config::problem::Severity;
use crate::config::reader::Found;
use crate::config::reader::Origin;

/// Reads a file and those that it extends; nothing when there is no such file.
pub(super) fn load(loader: &mut Loader<'_>, path: &Path) -> Option<Settings> {
    let mut settings = Settings::new();
    let document = loader.open(path, KeyCase::Lower)?;
    let common = document.ini.section(DEFAULT);
    let common = common.map(|section| &*section.entries).unwrap_or_default();
    for section in &document.ini.sections {
        if section.name == DEFAULT {
            continue;
        }
        let mut values = BTreeMap::new();
        let own = View {
            document: &document,
            section: &section.name,
            part: Part::Own,
        };
        let view = View {
            part: Part::Common,
            ..own
        };
        for entry in common.iter().filter(|entry| entry.key != "extends") {
            let found = convert(entry, view, loader);
            values.insert(entry.key.clone(), found);
        }
        for entry in &section.entries {
            let found = convert(entry, own, loader);
            values.insert(entry.key.clone(), found);
        }
        settings.insert(section.name.clone(), values);
    }
    if let Some(extends) = common.iter().find(|entry| entry.key == "extends") {
        let view = View {
            document: &document,
            section: DEFAULT,
            part: Part::Own,
        };
        let found = convert(extends, view, loader);
        for name in found.text.lines() {
            let path = loader.find(name, &document.here);
            let extended = load(loader, &path).unwrap_or_default();
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
fn convert(entry: &Entry, view: View<'_>, loader: &mut Loader<'_>) -> Found {
    let document = view.document;
    let here = document.here.to_string_lossy();
    let mut origin = Origin::File(document.shown.to_path_buf(), entry.line);
    let mut lines = Vec::new();
    for line in entry.value.replace("%(here)s", &here).lines() {
        let line = line.trim();
        let variable = line
            .strip_prefix("${")
            .and_then(|name| name.strip_suffix('}'));
        if let Some(name) = variable {
            if let Some(value) = environment::value(name) {
                origin = Origin::Environment(name.to_owned());
                lines.push(value);
            } else if view.part == Part::Own {
                let text = format!(
                    "[{}] {}: the environment has no variable {name} (or it is not UTF-8)",
                    view.section, entry.key
                );
                loader.note(&document.shown, Some(entry.line), text);
            }
        } else if !line.is_empty() {
            if view.part == Part::Own && has_variable_within(line) {
                // Without its name, which may be part of a password.
                let text = format!(
                    "[{}] {}: has ${{...}} within it, which stays as it is: a variable of the \
                     environment is a whole value",
                    view.section, entry.key
                );
                loader.note_as(Severity::Warning, &document.shown, Some(entry.line), text);
            }
            let quoted = line
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix('"'));
            lines.push(quoted.unwrap_or(line).to_owned());
        }
    }
    view.found(entry, lines.join("\n"), origin)
}

/// Whether something looks like a variable of the environment with something beside it.
fn has_variable_within(line: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let rest = line.split_once("${").map(|(_, rest)| rest);
    let name = rest.and_then(|rest| rest.split_once('}'));
    name.is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(is_name))
}
