//! `[host:NAME]`: other settings for requests that name another host (spec/config.md, 3).
//!
//! Only `storage.*` and `smtp.*` can differ; the original ignored `auth.*` there, and so do we.

use super::Smtp;
use super::Storage;
use super::problem::Problem;
use super::problem::Severity;
use super::reader::Reader;
use super::smtp;
use super::storage;

/// The settings of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The host as clients name it, with or without port, in lower case.
    pub name: String,
    /// The records, when anything in `storage.*` differs.
    pub storage: Option<Storage>,
    /// The mail server, when anything in `smtp.*` differs.
    pub smtp: Option<Smtp>,
}

/// Reads all such sections.
pub(super) fn read(reader: &mut Reader) -> Vec<Host> {
    let names: Vec<String> = reader.settings.keys().cloned().collect();
    let hosts = names.iter().filter_map(|section| {
        let name = section.strip_prefix("host:")?;
        Some(read_host(reader, section, name))
    });
    hosts.collect()
}

fn read_host(reader: &mut Reader, section: &str, name: &str) -> Host {
    let overrides = reader.settings.get(section).cloned().unwrap_or_default();
    let mut other = Reader {
        settings: reader.settings.clone(),
        problems: Vec::new(),
        effective: Vec::new(),
        file: reader.file.clone(),
        cwd: reader.cwd.clone(),
        with_secrets: Vec::new(),
    };
    let mut changed = Vec::new();
    for (key, found) in overrides {
        if let Some((part @ ("storage" | "smtp"), key)) = key.split_once('.') {
            changed.push((part.to_owned(), key.to_owned()));
            let values = other.settings.entry(part.to_owned()).or_default();
            values.insert(key.to_owned(), found);
        } else if !found.from_default {
            let text = "cannot differ by host: only storage.* and smtp.* can".to_owned();
            let (file, line) = reader.place(section, &key);
            reader.problems.push(Problem {
                severity: Severity::Warning,
                file,
                line,
                section: Some(section.to_owned()),
                key: Some(key),
                found: None,
                text,
            });
        }
    }
    let place = |key: &String| reader.place(section, key);
    if let Some((file, line)) = reader
        .settings
        .get(section)
        .and_then(|keys| keys.iter().find(|(_, found)| !found.from_default))
        .map(|(key, _)| place(key))
    {
        reader.problems.push(Problem {
            severity: Severity::Warning,
            file,
            line,
            section: Some(section.to_owned()),
            key: None,
            found: None,
            text: "has no effect: this version has one set of settings".to_owned(),
        });
    }
    let differs = |part: &str| changed.iter().any(|(other, _)| other == part);
    let storage =
        differs("storage").then(|| storage::read(&mut other.section("storage", &storage::TABLE)));
    let smtp = differs("smtp").then(|| smtp::read(&mut other.section("smtp", &smtp::TABLE)));
    reader.with_secrets.append(&mut other.with_secrets);
    // The rest of the section is the same as without the host, and was told there.
    for mut problem in other.problems {
        let key = problem.key.clone().unwrap_or_default();
        let part = problem.section.clone().unwrap_or_default();
        if changed.contains(&(part.clone(), key.clone())) {
            problem.section = Some(section.to_owned());
            problem.key = Some(format!("{part}.{key}"));
            reader.problems.push(problem);
        }
    }
    for mut effective in other.effective {
        if changed.contains(&(effective.section.clone(), effective.key.to_owned())) {
            effective.section = format!("{section} {}", effective.section);
            reader.effective.push(effective);
        }
    }
    Host {
        name: name.to_lowercase(),
        storage,
        smtp,
    }
}
