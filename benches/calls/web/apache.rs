//! Apache with `apache/weaved.conf`, which takes ports, mount and folder from definitions.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Ports;
use super::adapted;
use crate::site;

const SHIPPED: &str = "apache/weaved.conf";

/// Has the parameters of connections that are kept.
const KEPT: &str = "apache/conf-available/weaved-proxy-fcgi-reuse.conf";

/// Returns what Apache says when it is ready.
pub(super) fn configure(
    command: &mut Command,
    is_kept: bool,
    ports: Ports,
    folder: &Path,
) -> io::Result<&'static str> {
    let mut text = adapted(SHIPPED, &[])?;
    if is_kept {
        let kept = adapted(KEPT, &[])?;
        let parameters = kept
            .lines()
            .find(|line| line.starts_with("ProxyPass "))
            .and_then(|line| line.rsplit_once('"'))
            .ok_or_else(|| io::Error::other(format!("no ProxyPass in {KEPT}")))?
            .1;
        let pass = "\"fcgi://127.0.0.1:${WEAVED_PORT}${WEAVED_MOUNT}\"";
        text = adapted(SHIPPED, &[(pass, &format!("{pass}{parameters}"))])?;
    }
    let file = folder.join("weaved.conf");
    fs::write(&file, text)?;
    for (name, value) in [
        ("WEAVED_WEB_PORT", ports.web.to_string()),
        ("WEAVED_PORT", ports.responder.to_string()),
        ("WEAVED_MOUNT", site::MOUNT.to_owned()),
        ("WEAVED_RUN", folder.display().to_string()),
    ] {
        command.arg("-C").arg(format!("Define {name} {value}"));
    }
    command.arg("-DFOREGROUND").arg("-d").arg(folder);
    command.arg("-f").arg(file);
    Ok("resuming normal operations")
}
