//! `[nodes]`: what browsers are told about where their records live (spec/config.md, 3).

use super::keys::Key;
use super::keys::Table;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;
use super::url;

/// The node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// The answer of `node/weave`, with a slash at the end, or [`NO_NODE`](super::NO_NODE);
    /// `[nodes]` before `[auth]`. Absent: the public URL, or what the request says.
    pub fallback_node: Option<String>,
}

const SERVICE: &str = "the node service was another program; the one node is this server";

/// The keys of `[nodes]`.
pub(super) static TABLE: Table = Table {
    name: "nodes",
    text: "What browsers are told about where their records live.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "fallback_node",
        "",
        "The URL of this server as browsers shall use it, e.g. \
         https://www.yourserver.net/yourpath/. Unset: public_url of [global], or else what the \
         request says. `null` tells browsers that there is no node.",
    ),
    unneeded("backend", SERVICE),
    unneeded("sqluri", SERVICE),
    unneeded("create_tables", SERVICE),
    unneeded("pool_size", SERVICE),
    unneeded("pool_recycle", SERVICE),
];

/// Reads the section; `auth` is what the old place says.
pub(super) fn read(scope: &mut Scope<'_>, auth: Option<&str>) -> Nodes {
    let own = scope.get_as("fallback_node", None, |text| url::node(text).map(Some));
    if let Some(own) = &own {
        url::warn_of_port(scope, "fallback_node", own);
        if auth.is_some_and(|auth| auth != own) {
            let text = "is used; [auth] fallback_node says something else: remove one of the two";
            scope.warn("fallback_node", text);
        }
    }
    scope.tell_unused();
    Nodes {
        fallback_node: own.or_else(|| auth.map(str::to_owned)),
    }
}
