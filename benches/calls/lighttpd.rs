//! A real lighttpd in front of a responder, started from the file that is shipped.

use std::fs::DirBuilder;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::process::Process;
use crate::site;

/// The shipped file; it takes ports, mount and folder from the environment.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lighttpd/weaved.conf");

/// A running lighttpd.
pub(crate) struct Lighttpd {
    _process: Process,
    pub(crate) address: SocketAddr,
}

impl Lighttpd {
    /// Starts one, if the machine has any; its own files go below `folder`.
    pub(crate) fn start(responder: SocketAddr, folder: &Path) -> io::Result<Option<Self>> {
        let Some(program) = program() else {
            return Ok(None);
        };
        let address = free_address()?;
        let folder = folder.join(address.port().to_string());
        DirBuilder::new().create(&folder)?;
        let (process, ()) = Process::start(
            Command::new(program)
                .args(["-D", "-f", SHIPPED])
                .env("WEAVED_WEB_PORT", address.port().to_string())
                .env("WEAVED_PORT", responder.port().to_string())
                .env("WEAVED_MOUNT", site::MOUNT)
                .env("WEAVED_RUN", folder),
            |line| line.contains("server started").then_some(()),
        )?;
        Ok(Some(Self {
            _process: process,
            address,
        }))
    }
}

/// Debian keeps it out of the PATH of ordinary users.
fn program() -> Option<&'static str> {
    let places = ["lighttpd", "/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd"];
    places.into_iter().find(|place| {
        let mut command = Command::new(place);
        command
            .arg("-v")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// lighttpd cannot choose a free port by itself.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
