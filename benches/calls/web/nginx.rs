//! nginx with `nginx/weaved.conf` and one of its snippets.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Ports;
use super::adapted;

/// Returns what nginx says when it is ready.
pub(super) fn configure(
    command: &mut Command,
    is_kept: bool,
    ports: Ports,
    folder: &Path,
) -> io::Result<&'static str> {
    let pass = (
        "127.0.0.1:5000;",
        &*format!("127.0.0.1:{};", ports.responder),
    );
    let (snippet, upstream) = if is_kept {
        (
            adapted("nginx/snippets/weaved-fastcgi-keepalive.conf", &[])?,
            adapted("nginx/conf.d/weaved-upstream.conf", &[pass])?,
        )
    } else {
        let snippet = adapted("nginx/snippets/weaved-fastcgi.conf", &[pass])?;
        (snippet, String::new())
    };
    let main = adapted(
        "nginx/weaved.conf",
        &[("127.0.0.1:8080;", &format!("127.0.0.1:{};", ports.web))],
    )?;
    fs::create_dir(folder.join("conf.d"))?;
    fs::create_dir(folder.join("snippets"))?;
    fs::write(folder.join("weaved.conf"), main)?;
    fs::write(folder.join("snippets/weaved-fastcgi.conf"), snippet)?;
    fs::write(folder.join("conf.d/weaved-upstream.conf"), upstream)?;
    command
        .arg("-p")
        .arg(folder)
        .args(["-e", "stderr", "-c"])
        .arg(folder.join("weaved.conf"));
    // Started by root its worker would become somebody who may not write into the folder.
    command.args(["-g", "user root;"]);
    Ok("start worker process ")
}
