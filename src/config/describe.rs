//! The settings in effect, for people: what `check` prints.

use std::fmt;

use super::Config;
use super::problem::printable;
use super::reader::Origin;

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(name) => write!(f, "command line, {name}"),
            Self::Default => f.write_str("default"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

impl Config {
    /// Every setting in effect with where it comes from, secrets starred: a text of many lines.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for setting in &self.effective {
            if setting.section != section {
                if !section.is_empty() {
                    text.push('\n');
                }
                section = &setting.section;
                text.push_str(&format!("[{section}]\n"));
            }
            let line = format!("{} = {}", setting.key, printable(&setting.value));
            text.push_str(&format!("{:<50} # {}\n", line.trim_end(), setting.origin));
        }
        text
    }
}
