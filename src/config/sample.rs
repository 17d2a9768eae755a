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
# without a value is not set. %(here)s is the directory of this file, and ${NAME} is a variable of
# the environment. Keep this file from the eyes of others (mode 0640) once it holds a password.
";

const SECOND_FOOT: &str = "
# Requests whose Host is the one named can have a storage and a mail server of their own:
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
