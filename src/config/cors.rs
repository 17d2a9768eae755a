//! `[cors]`: web pages that may speak with us from other origins; off by default.

use super::keys::Key;
use super::keys::Table;
use super::keys::used;
use super::problem::Severity;
use super::reader::Scope;

/// Other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://example.org`, or `*`; none: no such headers are sent.
    pub origins: Vec<String>,
}

/// The keys of `[cors]`.
pub(super) static TABLE: Table = Table {
    name: "cors",
    text: "Web pages that may speak with this server from other origins.",
    keys: KEYS,
};

const KEYS: &[Key] = &[used(
    "origins",
    "",
    "Origins, separated by blanks, e.g. https://example.org. Browsers' own sync needs none.",
)];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Cors {
    let cors = Cors {
        origins: scope.get("origins", Vec::new()),
    };
    if !cors.origins.is_empty() {
        let text = "has no effect: this version answers no web pages of other origins";
        scope.note(Severity::Notice, "origins", None, text);
    }
    scope.tell_unused();
    cors
}
