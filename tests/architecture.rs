//! Who may import whom, and whether the papers tell the truth about files.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    /// The floors of the house (design.md): a module, and the modules of ours that it may name.
    ///
    /// Downwards only. A module that is missing here fails the test: write down where it belongs.
    const MAY_IMPORT: &[(&str, &[&str])] = &[
        ("accounts", &["causes", "db", "sync"]),
        (
            "api",
            &[
                "accounts", "causes", "guard", "mail", "message", "pairing", "storage", "sync",
                "transfer",
            ],
        ),
        ("causes", &[]),
        ("cli", EVERYTHING),
        ("config", &[]),
        ("db", &["causes", "config"]),
        ("doctor", &["accounts", "config", "message", "remedies"]),
        ("gateway", &["message"]),
        ("guard", &["causes", "db", "sync"]),
        ("mail", &[]),
        ("message", &[]),
        ("pairing", &["db", "sync"]),
        ("remedies", &["message"]),
        ("server", &["gateway", "message"]),
        ("storage", &["db", "sync"]),
        ("sync", &[]),
        ("transfer", &["accounts", "causes", "db", "storage", "sync"]),
        (
            "web",
            &[
                "accounts", "api", "causes", "guard", "message", "pairing", "remedies", "storage",
                "sync",
            ],
        ),
    ];

    const EVERYTHING: &[&str] = &[
        "accounts", "api", "causes", "config", "db", "doctor", "gateway", "guard", "mail",
        "message", "pairing", "remedies", "server", "storage", "sync", "transfer", "web",
    ];

    #[test]
    fn imports_go_downwards_only() {
        let mut wrong = Vec::new();
        for file in sources(&root().join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let inside = file.strip_prefix(root().join("src")).unwrap();
            let Some(module) = module_of(inside) else {
                continue;
            };
            let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
                wrong.push(format!(
                    "{}: {module} is not in the table",
                    inside.display()
                ));
                continue;
            };
            for (number, line) in code(&text) {
                for path in crate_paths(line) {
                    let name = path.split("::").nth(1).unwrap_or_default();
                    let fine = name == module || allowed.contains(&name);
                    if !fine {
                        wrong.push(format!("{}:{number}: {path}", inside.display()));
                    }
                }
                if climbs_out(line, depth_of(inside)) {
                    wrong.push(format!("{}:{number}: {}", inside.display(), line.trim()));
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "imports that go upwards or sideways:\n{}",
            wrong.join("\n")
        );
    }

    #[test]
    fn every_floor_exists() {
        for (module, _) in MAY_IMPORT {
            let floor = root().join("src").join(module);
            let there = floor.join("mod.rs").exists() || floor.with_extension("rs").exists();
            assert!(there, "{}", floor.display());
        }
    }

    /// Every module opens with what it is for (house style).
    #[test]
    fn every_module_has_a_page() {
        let without: Vec<PathBuf> = sources(&root().join("src"))
            .into_iter()
            .filter(|file| !fs::read_to_string(file).unwrap().starts_with("//! "))
            .collect();
        assert!(without.is_empty(), "{without:?}");
    }

    /// Files and folders that ARCHITECTURE.md and README.md name in backquotes exist.
    #[test]
    fn the_papers_name_files_that_exist() {
        const OURS: [&str; 10] = [
            "src/",
            "tests/",
            "conf/",
            "lighttpd/",
            "benches/",
            "fuzz/",
            "examples/",
            "man/",
            "scripts/",
            ".ci/",
        ];
        let mut missing = Vec::new();
        for paper in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
            let text = fs::read_to_string(root().join(paper)).unwrap_or_default();
            let names = text.split('`').skip(1).step_by(2);
            for name in names.filter(|name| OURS.iter().any(|ours| name.starts_with(ours))) {
                let odd = name.contains([' ', '*', '<', '{']);
                if !odd && !root().join(name.trim_end_matches('/')).exists() {
                    missing.push(format!("{paper}: {name}"));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// All files of a folder that end in `.rs`.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
        files.sort();
        files
    }

    /// The floor that a file belongs to; `None` for the crate's own page and `main`.
    fn module_of(inside: &Path) -> Option<&str> {
        let first = inside.iter().next()?.to_str()?;
        (inside.iter().count() > 1).then_some(first)
    }

    /// How many `super` lead from a file's module to the crate.
    fn depth_of(inside: &Path) -> usize {
        let parts = inside.iter().count();
        if inside.ends_with("mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    /// Lines with their numbers, without comments and doc comments.
    fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// `crate::a::b::C` in a line, as often as it stands there.
    fn crate_paths(line: &str) -> Vec<&str> {
        let mut paths = Vec::new();
        for (at, _) in line.match_indices("crate::") {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let rest = &line[at..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            paths.push(rest[..end.unwrap_or(rest.len())].trim_end_matches(':'));
        }
        paths
    }

    /// Whether a chain of `super` leaves the floor by the roof. A `mod tests` is one deeper.
    fn climbs_out(line: &str, depth: usize) -> bool {
        line.contains(&"super::".repeat(depth + 1))
            || line.contains(&"super::".repeat(depth)) && !line.starts_with(' ')
    }

    #[test]
    fn paths_are_found_in_code() {
        #[track_caller]
        fn check(line: &str, paths: &[&str]) {
            assert_eq!(crate_paths(line), paths);
        }
        check("use crate::db::Database;", &["crate::db::Database"]);
        check(
            "    a(crate::sync::X::new(), crate::db::Y)",
            &["crate::sync::X::new", "crate::db::Y"],
        );
        check("pub(crate) fn x()", &[]);
        check("use crate::{db, sync};", &["crate"]);
        assert!(climbs_out("use super::super::db::X;", 2));
        assert!(!climbs_out("use super::super::X;", 3));
        assert!(!climbs_out("    use super::X;", 1));
    }
}
