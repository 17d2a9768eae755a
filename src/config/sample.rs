//! The sample files of `conf/`, rendered from the table of keys.
//!
//! Every key is there with its meaning, commented out at its default; a few are set so that the
//! files work as they stand.

use super::TABLES;
use super::app;
use super::keys::Kind;
use super::keys::Table;
use super::server;

/// The width of a comment, in characters.
const WIDTH: usize = 90;

/// What the first sample sets.
const FIRST: &[(&str, &str, &str)] = &[
    ("server", "use", "egg:Flup#fcgi_thread"),
    ("server", "host", "127.0.0.1"),
    ("server", "port", "5000"),
    ("app", "use", "egg:SyncServer"),
    ("app", "configuration", "file:%(here)s/sync.conf"),
];

/// What the second sample sets.
const SECOND: &[(&str, &str, &str)] = &[
    ("storage", "backend", "sql"),
    ("storage", "sqluri", "sqlite:///%(here)s/../data/weaved.db"),
    ("auth", "backend", "sql"),
    ("auth", "allow_new_users", "first"),
];

const FIRST_HEAD: &str = "\
# weaved, first file: how the web server reaches us, and where the other settings are.
#
# Lines that begin with \"#\" and a key show the default; remove the \"#\" and change them.
# %(here)s is the directory of this file. \"weaved check FILE\" says what is in effect.
";

const SECOND_HEAD: &str = "\
# weaved, second file: everything about accounts and records.
#
# Lines that begin with \"#\" and a key show the default; remove the \"#\" and change them. A key
# without a value is not set. %(here)s is the directory of this file, and ${NAME}, as a whole value,
# a variable of the environment. Keep this file from the eyes of others (mode 0640) once it holds a password.
";

const SECOND_FOOT: &str = "
# Requests whose Host is the one named can have a storage of their own, or other limits; any key
# of [storage] can stand there. Accounts are the same for all hosts.
#
#     [host:other.example.org]
#     storage.sqluri = sqlite:////srv/other/weaved.db
";

const LOG: &str = "
# Where log lines go: by default to the error output. The sections are those of Python's logging;
# of args the file name counts, and for handlers.RotatingFileHandler the size and the number of
# files kept: ('/var/log/weaved/weaved.log', 'a', 10000000, 5).
#[loggers]
#keys = root

#[handlers]
#keys = console

#[formatters]
#keys = generic

#[logger_root]
#level = INFO
#handlers = console

#[handler_console]
#class = StreamHandler
#args = (sys.stderr,)
#level = NOTSET
#formatter = generic

#[formatter_generic]
#format = %(asctime)s,%(msecs)03d %(levelname)s [%(name)s] %(message)s
";

/// The text of `conf/development.ini`.
#[must_use]
pub fn sample_first() -> String {
    let mut text = FIRST_HEAD.to_owned();
    render(&mut text, &server::TABLE, "server:main", FIRST);
    render(&mut text, &app::TABLE, "app:main", FIRST);
    text.push_str(LOG);
    text
}

/// The text of `conf/sync.conf`.
#[must_use]
pub fn sample_second() -> String {
    let mut text = SECOND_HEAD.to_owned();
    for table in TABLES {
        render(&mut text, table, table.name, SECOND);
    }
    text.push_str(SECOND_FOOT);
    text
}

fn render(text: &mut String, table: &Table, section: &str, active: &[(&str, &str, &str)]) {
    text.push_str("\n\n");
    comment(text, table.text);
    text.push_str(&format!("[{section}]\n"));
    for key in table.keys {
        let Kind::Used {
            default,
            text: about,
        } = key.kind
        else {
            continue;
        };
        text.push('\n');
        comment(text, about);
        let set = active
            .iter()
            .find(|(section, name, _)| *section == table.name && *name == key.name);
        let line = match set {
            Some((_, name, value)) => format!("{name} = {value}"),
            None => format!("#{} = {default}", key.name),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn comment(text: &mut String, about: &str) {
    let mut width = 0;
    for word in about.split_whitespace() {
        if width == 0 || width + 1 + word.chars().count() > WIDTH {
            if width > 0 {
                text.push('\n');
            }
            text.push('#');
            width = 1;
        }
        text.push(' ');
        text.push_str(word);
        width += 1 + word.chars().count();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    use super::*;
    use crate::config;
    use crate::config::Address;
    use crate::config::Auth;
    use crate::config::Captcha;
    use crate::config::Cef;
    use crate::config::Config;
    use crate::config::Cors;
    use crate::config::DatabaseUri;
    use crate::config::Global;
    use crate::config::Logging;
    use crate::config::Nodes;
    use crate::config::Origin;
    use crate::config::Registration;
    use crate::config::ResetCodes;
    use crate::config::Server;
    use crate::config::Severity;
    use crate::config::Smtp;
    use crate::config::Storage;

    /// `UPDATE=1 cargo test` writes the samples anew.
    #[track_caller]
    fn check(name: &str, expected: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("conf")
            .join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, expected).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap();
        assert_eq!(found, expected, "run UPDATE=1 cargo test");
    }

    #[test]
    fn the_samples_are_what_the_table_says() {
        check("development.ini", &sample_first());
        check("sync.conf", &sample_second());
    }

    /// Removes the mark of every key and section that is commented out.
    fn uncommented(text: &str) -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '[') => rest,
            _ => line,
        });
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    fn load(first: &str, second: &str) -> (Config, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("development.ini");
        fs::write(&file, first).unwrap();
        fs::write(folder.path().join("sync.conf"), second).unwrap();
        let config = config::load(&file, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        (config, folder.path().join("../data/weaved.db"))
    }

    #[track_caller]
    fn assert_defaults(config: &Config, database: PathBuf) {
        let address = Address::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 5000,
        };
        let server = Server {
            address,
            ..Server::default()
        };
        assert_eq!(config.server, server);
        assert_eq!(config.app, config::App::default());
        assert_eq!(config.logging, Logging::default());
        assert_eq!(config.global, Global::default());
        let storage = Storage {
            sqluri: DatabaseUri::SqliteFile(database),
            ..Storage::default()
        };
        assert_eq!(config.storage, storage);
        // What is new is closed; what old files do not say is as it was.
        let auth = Auth {
            allow_new_users: Registration::First,
            ..Auth::default()
        };
        assert_eq!(config.auth, auth);
        assert_eq!(config.nodes, Nodes::default());
        assert_eq!(config.reset_codes, ResetCodes::default());
        assert_eq!(config.smtp, Smtp::default());
        assert_eq!(config.captcha, Captcha::default());
        assert_eq!(config.pairing, config::Pairing::default());
        assert_eq!(config.cef, Cef::default());
        assert_eq!(config.cors, Cors::default());
        let odd = config.notes.iter().filter(|note| {
            // The folder for the data is made by whoever installs the server; that the
            // registration closes is said at every start.
            !matches!(
                (note.severity, note.key.as_deref()),
                (Severity::Warning, Some("sqluri")) | (Severity::Notice, Some("allow_new_users"))
            )
        });
        assert_eq!(odd.collect::<Vec<_>>(), Vec::<&config::Problem>::new());
    }

    #[test]
    fn the_samples_are_the_defaults() {
        let (config, database) = load(&sample_first(), &sample_second());
        assert_defaults(&config, database);
    }

    #[test]
    fn the_samples_are_the_defaults_with_every_line_uncommented() {
        let first = uncommented(&sample_first());
        let second = uncommented(&sample_second());
        let (config, database) = load(&first, &second);
        assert_defaults(&config, database);
        // What is read and what the table has are the same keys.
        for table in TABLES {
            for key in table.keys {
                if let Kind::Used { default, .. } = key.kind {
                    let mut settings = config.effective.iter();
                    let setting = settings
                        .find(|setting| setting.section == table.name && setting.key == key.name)
                        .unwrap_or_else(|| panic!("{} {} is not read", table.name, key.name));
                    let written = matches!(setting.origin, Origin::File(..));
                    assert_eq!(
                        written,
                        !default.is_empty() || key.name == "sqluri" && table.name == "storage"
                    );
                }
            }
        }
    }
}
