//! lighttpd, started from the files that are shipped in `lighttpd/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::endpoint::Endpoint;
use super::front::Behind;
use super::front::Front;
use super::front::Program;
use super::front::adapted;
use super::front::free_port;
use super::front::shipped;
use super::tls::Certificate;
use super::way::PREFIX;
use super::way::Way;
use super::weaved::WEAVED;

const LIGHTTPD: Program = Program {
    places: &["lighttpd", "/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd"],
    version: "-v",
    package: "lighttpd",
    ready: "server started",
};

/// Starts a lighttpd from the file of this way.
pub(crate) fn before(way: Way, behind: &Behind<'_>) -> Front {
    let facts = way.facts();
    if facts.file == "lighttpd/weaved.conf" {
        return complete(behind.endpoint(), facts.mount);
    }
    with_snippet(facts.file, behind, facts.mount)
}

/// The complete server of `lighttpd/weaved.conf`.
pub(crate) fn complete(weaved: &Endpoint, mount: &'static str) -> Front {
    let port = weaved.port().to_string();
    let prefix = if mount.is_empty() { "/" } else { mount };
    Front::start(&LIGHTTPD, mount, |command, folder, web_port| {
        command
            .arg("-D")
            .arg("-f")
            .arg(shipped("lighttpd/weaved.conf"))
            .env("WEAVED_WEB_PORT", web_port.to_string())
            .env("WEAVED_PORT", &port)
            .env("WEAVED_MOUNT", prefix)
            .env("WEAVED_RUN", folder);
    })
}

/// A server that includes one of the files of `lighttpd/conf-available`, in which nothing but
/// the address of weaved, or the paths of the program and its configuration, was changed.
#[track_caller]
pub(crate) fn with_snippet(name: &str, behind: &Behind<'_>, mount: &'static str) -> Front {
    with_text(&snippet(name, behind), mount)
}

/// The same with `50-weaved-tls.conf` beside it, on a port that speaks TLS.
#[track_caller]
pub(crate) fn with_tls(name: &str, weaved: &Endpoint, certificate: &Certificate) -> Front {
    let text = snippet(name, &Behind::Running(weaved));
    Front::start(&LIGHTTPD, PREFIX, |command, folder, web_port| {
        let socket = format!("127.0.0.1:{web_port}\"");
        let tls = adapted(
            "lighttpd/conf-available/50-weaved-tls.conf",
            &[
                (":443\"", &socket),
                (
                    "/etc/letsencrypt/live/www.yourserver.net/fullchain.pem",
                    &certificate.path(),
                ),
                (
                    "/etc/letsencrypt/live/www.yourserver.net/privkey.pem",
                    &certificate.key(),
                ),
            ],
        );
        // The port of lighttpd.conf itself is another one, as on real servers.
        write_and_use(command, folder, free_port(), &format!("{text}{tls}"));
    })
}

#[track_caller]
fn snippet(name: &str, behind: &Behind<'_>) -> String {
    match behind {
        Behind::Running(Endpoint::Tcp(address)) => {
            let port = format!("\"port\" => {},", address.port());
            adapted(name, &[("\"port\" => 5000,", &port)])
        }
        Behind::Running(Endpoint::Unix(path)) => {
            let tcp = "    \"host\" => \"127.0.0.1\",\n    \"port\" => 5000,\n";
            adapted(name, &[(tcp, &format!("    \"socket\" => {path:?},\n"))])
        }
        Behind::Started(ini) => {
            let socket = ini.with_file_name("weaved.sock");
            let bin_path = "/usr/local/sbin/weaved serve /etc/weaved/development.ini";
            let ours = format!("{WEAVED} serve {}", ini.display());
            let socket = socket.to_string_lossy();
            adapted(
                name,
                &[(bin_path, &ours), ("/run/lighttpd/weaved.sock", &socket)],
            )
        }
    }
}

/// A server that includes this text.
pub(crate) fn with_text(snippet: &str, mount: &'static str) -> Front {
    Front::start(&LIGHTTPD, mount, |command, folder, web_port| {
        write_and_use(command, folder, web_port, snippet);
    })
}

fn write_and_use(command: &mut Command, folder: &Path, web_port: u16, snippet: &str) {
    let main = format!(
        "server.bind = \"127.0.0.1\"\nserver.port = {web_port}\n\
         server.document-root = \"{0}\"\nserver.upload-dirs = ( \"{0}\" )\n\
         include \"snippet.conf\"\n",
        folder.display()
    );
    fs::write(folder.join("main.conf"), main).unwrap();
    fs::write(folder.join("snippet.conf"), snippet).unwrap();
    command.arg("-D").arg("-f").arg(folder.join("main.conf"));
}
