//! Real web servers in front of a responder, started from the files that are shipped.
//!
//! Nothing in the files is changed but the ports; each server has a folder of its own.

mod apache;
mod lighttpd;
mod nginx;

use std::fmt;
use std::fs;
use std::fs::Permissions;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

use crate::process::Process;

/// The root of the tree.
const TREE: &str = env!("CARGO_MANIFEST_DIR");

/// A web server and how it speaks to a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Web {
    /// mod_proxy_fcgi, a connection for each request.
    Apache,
    /// mod_proxy_fcgi with `enablereuse=on`.
    ApacheKept,
    /// mod_fastcgi, a connection for each request.
    Lighttpd,
    /// `fastcgi_pass`, a connection for each request.
    Nginx,
    /// `fastcgi_keep_conn on` and an upstream with `keepalive`.
    NginxKept,
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apache => "Apache",
            Self::ApacheKept => "Apache kept",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
            Self::NginxKept => "nginx kept",
        })
    }
}

/// A running web server.
pub(crate) struct Front {
    pub(crate) web: Web,
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// Goes after the process.
    _folder: TempDir,
}

impl Front {
    /// Starts one, if the machine has any.
    pub(crate) fn start(web: Web, responder: SocketAddr) -> io::Result<Option<Self>> {
        let Some(program) = program(web) else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("weaved-bench-").tempdir()?;
        // Apache serves as somebody else if it is started by root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let address = free_address()?;
        let ports = Ports {
            responder: responder.port(),
            web: address.port(),
        };
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        let ready = match web {
            Web::Apache | Web::ApacheKept => {
                apache::configure(&mut command, web == Web::ApacheKept, ports, folder.path())?
            }
            Web::Lighttpd => lighttpd::configure(&mut command, ports, folder.path()),
            Web::Nginx | Web::NginxKept => {
                nginx::configure(&mut command, web == Web::NginxKept, ports, folder.path())?
            }
        };
        let (process, ()) =
            Process::start(&mut command, |line| line.contains(ready).then_some(()))?;
        Ok(Some(Self {
            web,
            process,
            address,
            _folder: folder,
        }))
    }
}

/// What the shipped files have at 5000 and 8080.
#[derive(Clone, Copy)]
struct Ports {
    responder: u16,
    web: u16,
}

/// Debian keeps them out of the PATH of ordinary users.
fn program(web: Web) -> Option<String> {
    let name = match web {
        Web::Apache | Web::ApacheKept => "apache2",
        Web::Lighttpd => "lighttpd",
        Web::Nginx | Web::NginxKept => "nginx",
    };
    let places = ["", "/usr/sbin/", "/usr/local/sbin/"].map(|folder| format!("{folder}{name}"));
    places.into_iter().find(|place| {
        let mut command = Command::new(place);
        command.arg("-v").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// Web servers cannot choose a free port by themselves.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The text of a shipped file in which `from` became `to`.
fn adapted(file: &str, changes: &[(&str, &str)]) -> io::Result<String> {
    let mut text = fs::read_to_string(Path::new(TREE).join(file))?;
    for (from, to) in changes {
        if !text.contains(from) {
            return Err(io::Error::other(format!("no {from:?} in {file}")));
        }
        text = text.replace(from, to);
    }
    Ok(text)
}
