//! `[captcha]`: a question before registration (spec/config.md, 3; spec/user-1.0.md, 5).

use super::keys::Key;
use super::keys::Table;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;

/// The question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captcha {
    /// Whether one was asked for. The service behind it is gone, so that only the shared secret
    /// opens registration then. Default false.
    pub required: bool,
}

const GONE: &str = "belongs to a service that no longer exists";

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
        "Whether registration needs a captcha. The service that the old server used no longer \
         exists, so true means: nobody can register without the shared_secret of [global].",
    ),
    unneeded("public_key", GONE),
    unneeded("private_key", GONE),
    unneeded("use_ssl", GONE),
    unneeded("override", GONE),
];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Captcha {
    let required = scope.flag("use", false);
    if required {
        let text = "asks for a captcha service that no longer exists: nobody can register without \
                    the shared secret. Write false, and [auth] allow_new_users as you like";
        scope.warn("use", text);
    }
    scope.tell_unused();
    Captcha { required }
}
