//! `[host:NAME]`: other settings for requests that name another host (spec/config.md, 3).
//!
//! Only `storage.*`, `smtp.*` and `nodes.fallback_node` can differ; the original ignored `auth.*`
//! there, and so do we.

use super::Smtp;
use super::Storage;
use super::nodes;
use super::problem::Problem;
use super::problem::Severity;
use super::reader::Reader;
use super::smtp;
use super::storage;

/// The settings of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The host as clients name it, in lower case; with a port if only that port is meant.
    pub name: String,
    /// The records, when anything in `storage.*` differs.
    pub storage: Option<Storage>,
    /// The mail server, when anything in `smtp.*` differs.
    pub smtp: Option<Smtp>,
    /// `nodes.fallback_node`, when it is written there.
    pub node: Option<String>,
}

/// Reads all such sections; `plain` is what `[storage]` says, `node` where browsers are sent to.
pub(super) fn read(reader: &mut Reader, plain: &Storage, node: Option<&str>) -> Vec<Host> {
    let sections: Vec<String> = reader.settings.keys().cloned().collect();
    let mut hosts: Vec<(String, Host)> = Vec::new();
    for section in sections {
        let Some(name) = section.strip_prefix("host:") else {
            continue;
        };
        let Some(name) = readable(name) else {
            let text = "names no host, e.g. [host:sync.example.org] or [host:example.org:8443]";
            tell(reader, Severity::Error, &section, None, text.to_owned());
            continue;
        };
        let host = read_host(reader, &section, name);
        if let Some((other, _)) = hosts.iter().find(|(_, known)| known.name == host.name) {
            let text = format!("is the host of [{other}]: put both into one section");
            tell(reader, Severity::Error, &section, None, text);
            continue;
        }
        if let Some(storage) = &host.storage {
            if let Some(node) = node.filter(|_| host.node.is_none()) {
                let text = format!(
                    "browsers are sent from this host to {node} (public_url, or fallback_node), \
                     where other settings may count: write nodes.fallback_node here too"
                );
                tell(reader, Severity::Warning, &section, None, text);
            }
            let earlier = hosts.iter();
            let earlier =
                earlier.filter_map(|(section, host)| Some((&**section, host.storage.as_ref()?)));
            let mut all = [("storage", plain)].into_iter().chain(earlier);
            if let Some((owner, other)) = all.find(|(_, other)| other.sqluri == storage.sqluri) {
                compare(reader, &section, storage, (owner, other));
            }
        }
        hosts.push((section, host));
    }
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// A name or address in lower case, with its port if there is one.
fn readable(name: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
    (!name.is_empty() && name.bytes().all(allowed)).then_some(name)
}

fn read_host(reader: &mut Reader, section: &str, name: String) -> Host {
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
        if let Some((part @ ("storage" | "smtp" | "nodes"), key)) = key.split_once('.') {
            changed.push((part.to_owned(), key.to_owned()));
            let values = other.settings.entry(part.to_owned()).or_default();
            values.insert(key.to_owned(), found);
        } else if !found.from_default {
            let text = "cannot differ by host: only storage.*, smtp.* and nodes.fallback_node can"
                .to_owned();
            tell(reader, Severity::Warning, section, Some(&key), text);
        }
    }
    let differs = |part: &str| changed.iter().any(|(other, _)| other == part);
    let storage =
        differs("storage").then(|| storage::read(&mut other.section("storage", &storage::TABLE)));
    let nodes =
        differs("nodes").then(|| nodes::read(&mut other.section("nodes", &nodes::TABLE), None));
    let smtp = differs("smtp").then(|| smtp::read(&mut other.section("smtp", &smtp::TABLE)));
    reader.with_secrets.append(&mut other.with_secrets);
    for mut problem in other.problems {
        // What is the same as without the host was told there.
        if reader.problems.contains(&problem) {
            continue;
        }
        let part = problem.section.take().unwrap_or_default();
        problem.section = Some(section.to_owned());
        problem.key = problem.key.map(|key| format!("{part}.{key}"));
        reader.problems.push(problem);
    }
    if let Some((part, key)) = changed.iter().find(|(part, _)| part == "smtp") {
        let key = format!("{part}.{key}");
        let text = "has no effect: this version sends no mails".to_owned();
        tell(reader, Severity::Notice, section, Some(&key), text);
    }
    for mut effective in other.effective {
        if changed.contains(&(effective.section.clone(), effective.key.to_owned())) {
            effective.section = format!("{section} {}", effective.section);
            reader.effective.push(effective);
        }
    }
    Host {
        name,
        storage,
        smtp,
        node: nodes
            .filter(|_| reader.is_set(section, "nodes.fallback_node"))
            .and_then(|nodes| nodes.fallback_node),
    }
}

/// Tells what cannot differ between hosts that share a database, which is opened once.
fn compare(reader: &mut Reader, section: &str, ours: &Storage, (owner, other): (&str, &Storage)) {
    let numbering = "is not what [{}] says, and the database is the same: its records would not \
                     be found. Remove this, or give the host a storage.sqluri of its own";
    if ours.collections != other.collections {
        let text = numbering.replace("{}", owner);
        let key = ["storage.standard_collections", "storage.fixed_collections"]
            .into_iter()
            .find(|key| reader.is_set(section, key));
        tell(reader, Severity::Error, section, key, text);
    }
    if ours.shard != other.shard {
        let text = numbering.replace("{}", owner);
        tell(
            reader,
            Severity::Error,
            section,
            Some("storage.shard"),
            text,
        );
    }
    for (key, is_same) in [
        (
            "storage.create_tables",
            ours.create_tables == other.create_tables,
        ),
        ("storage.pool_size", ours.pool_size == other.pool_size),
        (
            "storage.pool_timeout",
            ours.pool_timeout == other.pool_timeout,
        ),
        (
            "storage.pool_recycle",
            ours.pool_recycle == other.pool_recycle,
        ),
    ] {
        if !is_same {
            let text = format!("has no effect: the database is opened as [{owner}] says");
            tell(reader, Severity::Warning, section, Some(key), text);
        }
    }
}

fn tell(reader: &mut Reader, severity: Severity, section: &str, key: Option<&str>, text: String) {
    let (file, line) = match key {
        Some(key) => reader.place(section, key),
        None => reader.section_place(section),
    };
    reader.problems.push(Problem {
        severity,
        file,
        line,
        section: Some(section.to_owned()),
        key: key.map(str::to_owned),
        found: None,
        text,
    });
}
