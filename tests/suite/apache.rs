//! Apache, started from the files that are shipped in `apache/`.
//!
//! Root is not what Apache serves as: started by root it serves as Debian's `www-data`, also in
//! these tests, and what it needs of weaved's files is opened or given to that user.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::getuid;

use super::endpoint::Endpoint;
use super::front::Behind;
use super::front::Front;
use super::front::Program;
use super::front::adapted;
use super::front::shipped;
use super::tls::Certificate;
use super::way::Way;
use super::weaved::WEAVED;

const APACHE: Program = Program {
    places: &["apache2", "/usr/sbin/apache2"],
    version: "-v",
    package: "apache2",
    ready: "resuming normal operations",
};

/// Where Debian's packages put the modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Whom Debian's Apache serves as.
const USER: &str = "www-data";

/// Starts an Apache from the file of this way.
pub(crate) fn before(way: Way, behind: &Behind<'_>) -> Front {
    let facts = way.facts();
    with_snippet(facts.file, behind, facts.mount)
}

/// The complete server of `apache/weaved.conf`.
pub(crate) fn complete(weaved: &Endpoint, mount: &'static str) -> Front {
    let prefix = if mount.is_empty() { "/" } else { mount };
    Front::start(&APACHE, mount, |command, folder, web_port| {
        open(folder);
        for (name, value) in [
            ("WEAVED_WEB_PORT", web_port.to_string()),
            ("WEAVED_PORT", weaved.port().to_string()),
            ("WEAVED_MOUNT", prefix.to_owned()),
            ("WEAVED_RUN", folder.display().to_string()),
        ] {
            command.arg("-C").arg(format!("Define {name} {value}"));
        }
        command.arg("-DFOREGROUND").arg("-d").arg(folder);
        command.arg("-f").arg(shipped("apache/weaved.conf"));
    })
}

/// A server that includes one of the files of `apache/conf-available`, in which nothing but the
/// address of weaved, or the folder of `weaved.fcgi`, was changed.
#[track_caller]
pub(crate) fn with_snippet(name: &str, behind: &Behind<'_>, mount: &'static str) -> Front {
    with_text(&snippet(name, behind), mount)
}

/// The site of `apache/sites-available` with one of the files for the root, and TLS.
#[track_caller]
pub(crate) fn with_tls(name: &str, behind: &Behind<'_>, certificate: &Certificate) -> Front {
    let text = snippet(name, behind);
    let letsencrypt = "/etc/letsencrypt/live/sync.yourserver.net";
    start("", |folder, port| {
        fs::write(folder.join("snippet.conf"), &text).unwrap();
        adapted(
            "apache/sites-available/weaved-tls.conf",
            &[
                ("*:443>", &format!("*:{port}>")),
                (&format!("{letsencrypt}/fullchain.pem"), &certificate.path()),
                (&format!("{letsencrypt}/privkey.pem"), &certificate.key()),
                ("conf-available/weaved-proxy-fcgi-root.conf", "snippet.conf"),
            ],
        )
    })
}

/// A server that includes this text: at the root, as the files say, in a virtual host.
#[track_caller]
pub(crate) fn with_text(snippet: &str, mount: &'static str) -> Front {
    start(mount, |_, port| match mount {
        "" => format!("<VirtualHost *:{port}>\n{snippet}</VirtualHost>\n"),
        _ => snippet.to_owned(),
    })
}

#[track_caller]
fn snippet(name: &str, behind: &Behind<'_>) -> String {
    match behind {
        Behind::Running(Endpoint::Tcp(address)) => {
            adapted(name, &[("://127.0.0.1:5000", &format!("://{address}"))])
        }
        Behind::Running(Endpoint::Unix(path)) => {
            open(path.parent().unwrap());
            if getuid().is_root() {
                fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
            }
            let path = path.to_string_lossy();
            adapted(name, &[("/run/weaved/weaved.sock", &path)])
        }
        Behind::Started(ini) => {
            let folder = wrapper(ini);
            let folder = folder.to_string_lossy();
            let script = format!("{folder}/weaved.fcgi");
            let directory = format!("<Directory \"{folder}\">");
            adapted(
                name,
                &[
                    ("/usr/local/lib/weaved/weaved.fcgi", &script),
                    ("<Directory \"/usr/local/lib/weaved\">", &directory),
                ],
            )
        }
    }
}

#[track_caller]
fn start(mount: &'static str, configure: impl Fn(&Path, u16) -> String) -> Front {
    Front::start(&APACHE, mount, |command, folder, web_port| {
        open(folder);
        fs::create_dir(folder.join("htdocs")).unwrap();
        let text = configure(folder, web_port);
        let text = format!("{}{text}", main(folder, web_port));
        fs::write(folder.join("apache.conf"), text).unwrap();
        command.arg("-DFOREGROUND").arg("-d").arg(folder);
        command.arg("-f").arg(folder.join("apache.conf"));
    })
}

/// What Debian's configuration has around the files of its users, and few processes.
fn main(folder: &Path, web_port: u16) -> String {
    let mut text = String::new();
    for module in [
        "alias",
        "authz_core",
        "fcgid",
        "mpm_event",
        "proxy",
        "proxy_fcgi",
        "proxy_scgi",
        "socache_shmcb",
        "ssl",
    ] {
        let line = format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n");
        text.push_str(&line);
    }
    let folder = folder.display();
    text.push_str(&format!(
        "ServerName 127.0.0.1\nListen 127.0.0.1:{web_port}\n\
         DefaultRuntimeDir {folder}\nPidFile {folder}/apache.pid\nDocumentRoot {folder}/htdocs\n\
         FcgidIPCDir {folder}/fcgid\nFcgidProcessTableFile {folder}/fcgid_shm\n\
         ErrorLog /dev/stderr\nLogLevel info\nUser {USER}\nGroup {USER}\n\
         StartServers 1\nServerLimit 6\nMinSpareThreads 1\nMaxSpareThreads 150\n\
         <Directory />\n    Require all denied\n</Directory>\n\
         <Directory {folder}/htdocs>\n    Require all granted\n</Directory>\n"
    ));
    text
}

/// Lays weaved.fcgi beside the configuration, in a folder of its own, and gives the folder with
/// all that is in it to whom Apache serves as.
fn wrapper(ini: &Path) -> PathBuf {
    let home = ini.parent().unwrap();
    let folder = home.join("fcgi");
    fs::create_dir(&folder).unwrap();
    let command = format!("exec {} serve {}", program(home).display(), ini.display());
    let installed = "exec /usr/local/sbin/weaved serve /etc/weaved/development.ini";
    let text = adapted("apache/weaved.fcgi", &[(installed, &command)]);
    let script = folder.join("weaved.fcgi");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    open(home);
    if getuid().is_root() {
        let (user, group) = ids();
        for entry in fs::read_dir(home).unwrap() {
            chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
        }
        chown(home, Some(user), Some(group)).unwrap();
    }
    folder
}

/// The program under test, or a copy of it where Apache's user cannot reach it.
fn program(home: &Path) -> PathBuf {
    let searchable = |folder: &Path| {
        let mode = fs::metadata(folder).unwrap().permissions().mode();
        mode & 0o001 != 0
    };
    if !getuid().is_root() || Path::new(WEAVED).ancestors().skip(1).all(searchable) {
        return PathBuf::from(WEAVED);
    }
    let copy = home.join("fcgi/weaved");
    fs::copy(WEAVED, &copy).unwrap();
    copy
}

/// Lets Apache's user into a temporary folder of root's.
fn open(folder: &Path) {
    if getuid().is_root() {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
}

/// The ids of [`USER`].
fn ids() -> (u32, u32) {
    let id = |what: &str| {
        let output = Command::new("id").args([what, USER]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap()
    };
    (id("-u"), id("-g"))
}
