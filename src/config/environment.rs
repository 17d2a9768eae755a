//! The environment, as far as it configures us; nobody else reads it.

use std::env;
use std::path::PathBuf;

/// The first configuration file where neither arguments nor environment name one.
const FILE: &str = "/etc/weaved/development.ini";

/// The variable that names the first configuration file.
const FILE_VARIABLE: &str = "WEAVED_CONFIG";

/// The value of a variable, if it has one that is text.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where the configuration reads the environment"
)]
pub(super) fn value(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The first configuration file that the environment names.
#[must_use]
pub fn named_file() -> Option<PathBuf> {
    env::var_os(FILE_VARIABLE)
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
}

/// The first configuration file where nobody names one: the environment's, or the usual one.
#[must_use]
pub fn usual_file() -> PathBuf {
    named_file().unwrap_or_else(|| PathBuf::from(FILE))
}
