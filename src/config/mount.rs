//! The path under which the web server shows us: three keys of `[server:main]`, and a composite
//! (spec/config.md, 2.3). What it does to a request is `gateway`'s matter.

use super::reader::Scope;
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
