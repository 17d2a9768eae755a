//! `[captcha]`: a question before registration (spec/config.md, 3; spec/user-1.0.md, 5).

use super::keys::Key;
use super::keys::Table;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;

/// The question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captcha {
    /// Whether one is asked. Default false.
    pub required: bool,
}

const GONE: &str = "belongs to a service that no longer exists; the question is our own";

/// The keys of `[captcha]`.
pub(super) static TABLE: Table = Table {
    name: "captcha",
    text: "A question before registration.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "use",
        "false",
        "Whether whoever registers has to answer a small question, which the browser shows. An \
         invitation, or the shared_secret of [global], does as well.",
    ),
    unneeded("public_key", GONE),
    unneeded("private_key", GONE),
    unneeded("use_ssl", GONE),
    unneeded("override", GONE),
];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Captcha {
    let required = scope.flag("use", false);
    scope.tell_unused();
    Captcha { required }
}
