//! lighttpd with `lighttpd/weaved.conf`, which takes ports, mount and folder from the environment.

use std::path::Path;
use std::process::Command;

use super::Ports;
use super::TREE;
use crate::site;

/// Returns what lighttpd says when it is ready.
pub(super) fn configure(command: &mut Command, ports: Ports, folder: &Path) -> &'static str {
    command
        .arg("-D")
        .arg("-f")
        .arg(Path::new(TREE).join("lighttpd/weaved.conf"))
        .env("WEAVED_WEB_PORT", ports.web.to_string())
        .env("WEAVED_PORT", ports.responder.to_string())
        .env("WEAVED_MOUNT", site::MOUNT)
        .env("WEAVED_RUN", folder);
    "server started"
}
