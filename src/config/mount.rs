//! The path under which the web server shows us: three keys of `[server:main]`, and a composite
//! (spec/config.md, 2.3). What it does to a request is `gateway`'s matter.

use super::Global;
use super::Nodes;
use super::auth;
use super::global;
use super::nodes;
use super::reader::Reader;
use super::reader::Scope;
use super::url;
use super::values::Setting;

/// The mount has three names, and a composite may say it too; all must agree.
pub(super) fn read(scope: &mut Scope<'_>, composite: Option<&str>) -> Option<String> {
    let names = ["mount", "force_script_name", "scriptName"];
    let mut mount = composite.map(normal);
    for name in names {
        let Some(found) = scope.found(name) else {
            continue;
        };
        if !is_path(&found.text) {
            scope.error(
                name,
                "is no path like /yourpath, without ?, #, . and .. in it",
            );
            continue;
        }
        let path = normal(&found.text);
        match &mount {
            Some(other) if *other != path => {
                let text =
                    format!("differs from the mount {other} that is set elsewhere: keep one");
                scope.error(name, text);
            }
            _ => mount = Some(path),
        }
    }
    let read = |text: &str| String::read(text).map(|text| Some(normal(&text)));
    let written = scope.first_of(&names);
    scope.get_as(written, mount, read)
}

/// Warns when clients are sent to another path than the one under which we answer.
pub(super) fn compare(reader: &mut Reader, mount: &str, nodes: &Nodes, global: &Global) {
    let node = nodes.fallback_node.as_deref();
    let own = reader.section("nodes", &nodes::TABLE);
    let is_own = own.found("fallback_node").is_some();
    let (section, table, key, address) = match (node, global.public_url.as_deref()) {
        (Some(node), _) if is_own => ("nodes", &nodes::TABLE, "fallback_node", node),
        (Some(node), _) => ("auth", &auth::TABLE, "fallback_node", node),
        (None, Some(public)) => ("global", &global::TABLE, "public_url", public),
        (None, None) => return,
    };
    let Some(path) = url::path(address) else {
        return;
    };
    if normal(path) != mount {
        let text = format!(
            "sends browsers to the path {path}, but mount in [server:main] is {mount}: right only \
             if something before weaved changes the path"
        );
        reader.section(section, table).warn(key, text);
    }
}

/// Whether a text can be a mount; `gateway` asks for the same.
fn is_path(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "?#".contains(c);
    !text.contains(odd)
        && !text.contains("://")
        && !text.split('/').any(|part| matches!(part, "." | ".."))
}

/// `/yourpath` or `/`, however many slashes were written.
fn normal(text: &str) -> String {
    let segments: Vec<_> = text.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", segments.join("/"))
}
