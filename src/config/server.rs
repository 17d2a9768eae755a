//! `[server:main]`: how web servers reach us, and how many threads answer (spec/config.md, 2.1).
//!
//! The keys are those of Flup, Paste and gunicorn, and ours in the same spelling. What is read
//! here is only what the operator wants; binding and starting are `server`'s matter.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::refused;
use super::keys::unneeded;
use super::keys::used;
use super::problem::Severity;
use super::reader::Count;
use super::reader::Scope;
use super::values::Octal;
use super::values::Setting;
use super::values::Show;
use super::values::Wanted;

/// The protocol spoken with the web server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// FastCGI 1.0.
    #[default]
    Fcgi,
    /// HTTP/1.1, for tests and reverse proxies.
    Http,
    /// SCGI.
    Scgi,
}

/// How the work is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// Several processes, as the old `fcgi_fork`; served with threads in this version.
    Processes,
    /// Threads of one process.
    #[default]
    Threads,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The listening socket is descriptor 0: the web server or a manager made it.
    Inherited,
    /// A TCP port.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// 0: any free one.
        port: u16,
    },
    /// A Unix socket.
    Unix {
        /// The socket's file.
        path: PathBuf,
        /// Rights of the file, e.g. `0o660`; wins over `umask`.
        mode: Option<u32>,
        /// Rights to take away from the file.
        umask: Option<u32>,
        /// Who shall own the file: a name or a number.
        owner: Option<String>,
        /// Which group the file shall have: a name or a number.
        group: Option<String>,
    },
}

/// The listening side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Default: FastCGI.
    pub gateway: Gateway,
    /// Default: threads.
    pub model: Model,
    /// Default: descriptor 0; for HTTP 127.0.0.1:8080.
    pub address: Address,
    /// Connections that may wait to be accepted. Default 1024.
    pub backlog: u32,
    /// Threads that answer requests, in each process. Default 16.
    pub threads: usize,
    /// Worker processes. Default 1.
    pub processes: usize,
    /// Requests after which a worker is replaced; 0: never. Default 0.
    pub max_requests: u64,
    /// Who may connect by TCP; empty: everybody. SCGI's default is this machine, as in Flup.
    pub allowed_peers: Vec<IpAddr>,
    /// The path under which the web server mounts us: `/` or `/yourpath`; absent: found out from
    /// each request.
    pub mount: Option<String>,
    /// Whether several requests may share a FastCGI connection at the same time.
    pub multiplexed: bool,
    /// Whether each request is logged.
    pub access_log: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            gateway: Gateway::Fcgi,
            model: Model::Threads,
            address: Address::Inherited,
            backlog: 1024,
            threads: 16,
            processes: 1,
            max_requests: 0,
            allowed_peers: Vec::new(),
            mount: None,
            multiplexed: false,
            access_log: false,
        }
    }
}

const HUNG: &str = "threads have time-outs of their own";
const POOL: &str = "all threads are started at once; set threads";

/// The keys of `[server:main]`.
pub(super) static TABLE: Table = Table {
    name: "server",
    text: "How the web server reaches us.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "use",
        "egg:Flup#fcgi_thread",
        "The protocol: fcgi, scgi or http. The names of old files are understood as well \
         (egg:Flup#fcgi_thread, egg:Flup#scgi_fork, egg:Paste#http ...).",
    ),
    used(
        "host",
        "",
        "Name or IP address to listen on. Whoever can connect to a FastCGI or SCGI port can speak \
         as the web server, so keep it on 127.0.0.1 or use a Unix socket. Without host, port and \
         socket the listening socket is descriptor 0 (lighttpd's bin-path, spawn-fcgi, mod_fcgid).",
    ),
    used("port", "", "TCP port to listen on."),
    used(
        "socket",
        "",
        "Path of a Unix socket to listen on, instead of host and port.",
    ),
    used(
        "mode",
        "",
        "Rights of the Unix socket, octal, e.g. 0660. Unset: what umask leaves.",
    ),
    used(
        "umask",
        "",
        "Rights to take away from the Unix socket, octal with a leading 0, e.g. 0117.",
    ),
    used(
        "owner",
        "",
        "User who owns the Unix socket: a name or a number.",
    ),
    used("group", "", "Group of the Unix socket: a name or a number."),
    used(
        "backlog",
        "1024",
        "Connections that may wait to be accepted; the system may allow fewer.",
    ),
    alias("request_queue_size"),
    used(
        "threads",
        "16",
        "Threads that answer requests, in each process.",
    ),
    alias("maxThreads"),
    alias("threadpool_workers"),
    used(
        "processes",
        "1",
        "Worker processes. This version serves with one, whatever is written.",
    ),
    alias("maxChildren"),
    alias("workers"),
    used(
        "maxRequests",
        "0",
        "Requests after which a worker process is replaced; 0: never.",
    ),
    alias("threadpool_max_requests"),
    used(
        "allowedServers",
        "",
        "IP addresses that may connect by TCP, separated by blanks. Unset: everybody for FastCGI \
         and HTTP, this machine only for SCGI.",
    ),
    used(
        "mount",
        "",
        "The path under which the web server shows us, e.g. /yourpath, or / for the root. Unset: \
         found out from each request.",
    ),
    alias("force_script_name"),
    alias("scriptName"),
    used(
        "multiplexed",
        "false",
        "Whether a web server may send several requests at once over one FastCGI connection. No \
         common web server does.",
    ),
    used("debug", "false", "Whether to log a line for each request."),
    unneeded("minSpare", POOL),
    unneeded("maxSpare", POOL),
    unneeded("use_threadpool", POOL),
    unneeded("daemon_threads", POOL),
    unneeded("threadpool_spawn_if_under", POOL),
    unneeded("threadpool_hung_thread_limit", HUNG),
    unneeded("threadpool_kill_thread_limit", HUNG),
    unneeded("threadpool_dying_limit", HUNG),
    unneeded("threadpool_max_zombie_threads_before_die", HUNG),
    unneeded("threadpool_hung_check_period", HUNG),
    unneeded("socket_timeout", HUNG),
    unneeded("timeout", HUNG),
    unneeded("server_version", "the web server names itself"),
    unneeded("protocol_version", "HTTP/1.1 is spoken"),
    unneeded("error_email", "errors are in the log"),
    refused(
        "ssl_pem",
        "TLS belongs to the web server in front: remove this and let it do HTTPS",
    ),
    refused(
        "ssl_context",
        "TLS belongs to the web server in front: remove this and let it do HTTPS",
    ),
];

/// What `use` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use(Gateway, Model);

impl Show for Use {
    fn show(&self) -> String {
        let name = match self {
            Self(Gateway::Fcgi, Model::Threads) => "egg:Flup#fcgi_thread",
            Self(Gateway::Fcgi, Model::Processes) => "egg:Flup#fcgi_fork",
            Self(Gateway::Scgi, Model::Threads) => "egg:Flup#scgi_thread",
            Self(Gateway::Scgi, Model::Processes) => "egg:Flup#scgi_fork",
            Self(Gateway::Http, _) => "egg:Paste#http",
        };
        name.to_owned()
    }
}

/// Reads `use`: the names of all years, without case.
fn read_use(text: &str) -> Result<Use, Wanted> {
    let lower = text.to_ascii_lowercase();
    let entry = match lower.strip_prefix("egg:") {
        Some(egg) => match egg.split_once('#').unwrap_or((egg, "main")) {
            ("flup", entry) => entry,
            ("paste", "http" | "main") | ("gunicorn", _) => "http",
            ("pastescript", entry) => entry.strip_prefix("flup_").unwrap_or("other"),
            _ => "other",
        },
        None => &lower,
    };
    match entry {
        "fcgi" | "fcgi_thread" | "fastcgi" => Ok(Use(Gateway::Fcgi, Model::Threads)),
        "scgi" | "scgi_thread" => Ok(Use(Gateway::Scgi, Model::Threads)),
        "http" => Ok(Use(Gateway::Http, Model::Threads)),
        "fcgi_fork" => Ok(Use(Gateway::Fcgi, Model::Processes)),
        "scgi_fork" => Ok(Use(Gateway::Scgi, Model::Processes)),
        "ajp" | "ajp_thread" | "ajp_fork" => Err(Wanted::new(
            "asks for AJP, which is not spoken here: write egg:Flup#fcgi_thread and let the web \
             server speak FastCGI",
        )),
        _ => Err(Wanted::new(
            "is no server known here: write fcgi, scgi or http (or egg:Flup#fcgi_thread, \
             egg:Flup#scgi_thread, egg:Paste#http)",
        )),
    }
}

/// `/yourpath` or `/`, however many slashes were written.
pub(super) fn normal_mount(text: &str) -> String {
    let segments: Vec<_> = text.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

/// Reads the section; `composite` is the prefix that a `[composite:main]` gives to the application.
pub(super) fn read(scope: &mut Scope<'_>, composite: Option<&str>) -> Server {
    let default = Server::default();
    let Use(gateway, model) = scope.get_as("use", Use(Gateway::Fcgi, Model::Threads), read_use);
    if model == Model::Processes {
        let text = "asks for processes; this version serves with threads of one process";
        let shown = scope.found("use").map(|found| found.text.clone());
        scope.note(Severity::Notice, "use", shown, text);
    }
    let address = read_address(scope, gateway);
    let local = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let allowed = if gateway == Gateway::Scgi {
        local
    } else {
        Vec::new()
    };
    let restricted = scope.found("allowedServers").is_some() || gateway == Gateway::Scgi;
    let allowed_peers = scope.get("allowedServers", allowed);
    if let Address::Tcp { host, .. } = &address
        && matches!(&**host, "0.0.0.0" | "::" | "0")
        && gateway != Gateway::Http
        && !restricted
    {
        let text = "lets anyone who reaches this port speak as the web server, for any user. \
                    Write 127.0.0.1, or use a socket, or set allowedServers";
        scope.warn("host", text);
    }
    later(scope);
    let threads = scope.first_of(&["threads", "maxThreads", "threadpool_workers"]);
    let processes = scope.first_of(&["processes", "maxChildren", "workers"]);
    let backlog = scope.first_of(&["backlog", "request_queue_size"]);
    let requests = scope.first_of(&["maxRequests", "threadpool_max_requests"]);
    let server = Server {
        gateway,
        model,
        address,
        backlog: scope.number(
            backlog,
            default.backlog,
            Count::new("connections", 1, 65_535, 1024),
        ),
        threads: scope.number(threads, default.threads, Count::new("threads", 1, 4096, 16)),
        processes: scope.number(
            processes,
            default.processes,
            Count::new("processes", 1, 1024, 1),
        ),
        max_requests: scope.number(requests, 0, Count::new("requests", 0, u64::MAX, 10000)),
        allowed_peers,
        mount: read_mount(scope, composite),
        multiplexed: scope.flag("multiplexed", default.multiplexed),
        access_log: scope.flag("debug", default.access_log),
    };
    scope.tell_unused();
    server
}

/// Tells of what is read and not done yet.
fn later(scope: &mut Scope<'_>) {
    if scope.written_true("multiplexed") {
        let text = "has no effect: the requests of a connection are answered one after another";
        scope.note(Severity::Notice, "multiplexed", None, text);
    }
}

fn read_address(scope: &mut Scope<'_>, gateway: Gateway) -> Address {
    let host: Option<String> = scope.get("host", None);
    let port = scope.found("port").is_some();
    let port = port.then(|| scope.number("port", 0_u16, Count::new("a port", 0, 65_535, 5000)));
    let socket: Option<PathBuf> = scope.get("socket", None);
    let mode: Option<Octal> = scope.get("mode", None);
    let umask = read_umask(scope);
    let owner: Option<String> = scope.get("owner", None);
    let group: Option<String> = scope.get("group", None);
    if let Some(path) = socket {
        if host.is_some() || port.is_some() {
            let text = "cannot be combined with host and port: keep one of the two";
            scope.error("socket", text);
        }
        return Address::Unix {
            path,
            mode: mode.map(|Octal(bits)| bits),
            umask,
            owner,
            group,
        };
    }
    for key in ["mode", "umask", "owner", "group"] {
        if scope.found(key).is_some() {
            scope.warn(key, "concerns a Unix socket, but no socket is set");
        }
    }
    let host = host.map(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.to_owned()
    });
    if host
        .as_deref()
        .is_some_and(|host| host.contains(char::is_whitespace))
    {
        scope.error("host", "is more than one address: write one");
    }
    let local = || "127.0.0.1".to_owned();
    match (host, port, gateway) {
        (None, None, Gateway::Http) => Address::Tcp {
            host: local(),
            port: 8080,
        },
        (None, None, _) => Address::Inherited,
        (host, Some(port), _) => Address::Tcp {
            host: host.unwrap_or_else(local),
            port,
        },
        (Some(host), None, Gateway::Scgi) => Address::Tcp { host, port: 4000 },
        (Some(host), None, Gateway::Http) => Address::Tcp { host, port: 8080 },
        (Some(host), None, Gateway::Fcgi) => {
            scope.error("host", "needs a port beside it, e.g. port = 5000");
            Address::Tcp { host, port: 0 }
        }
    }
}

/// The old server read `umask` as a decimal number; people mean octal (spec/config.md, 2.1).
fn read_umask(scope: &mut Scope<'_>) -> Option<u32> {
    let text = scope.found("umask").map(|found| found.text.clone());
    let decimal = text.as_deref().and_then(|text| text.parse::<u32>().ok());
    let octal = text
        .as_deref()
        .is_none_or(|text| text.starts_with('0') || text.len() == 3);
    let read = |text: &str| {
        if octal {
            return Octal::read(text).map(Some);
        }
        let bits = decimal.filter(|&bits| bits <= 0o777);
        let wanted = || Wanted::new("is no umask: write it octal with a leading 0, e.g. 0117");
        bits.map(|bits| Some(Octal(bits))).ok_or_else(wanted)
    };
    let bits = scope.get_as("umask", None, read).map(|Octal(bits)| bits);
    if let Some(bits) = bits
        && let Some(text) = text
    {
        let other = if octal {
            decimal
        } else {
            u32::from_str_radix(&text, 8).ok()
        };
        if other.is_some_and(|other| other != bits) {
            let how = if octal {
                "octal; the old server took it as decimal"
            } else {
                "decimal, as the old server did"
            };
            scope.warn(
                "umask",
                format!("is read as {how}: it is {bits:04o}. Write 0o{bits:03o} to be clear"),
            );
        }
    }
    bits
}

/// The mount has three names, and a composite may say it too; all must agree.
fn read_mount(scope: &mut Scope<'_>, composite: Option<&str>) -> Option<String> {
    let names = ["mount", "force_script_name", "scriptName"];
    let mut mount = composite.map(normal_mount);
    for name in names {
        let Some(found) = scope.found(name) else {
            continue;
        };
        let path = normal_mount(&found.text);
        match &mount {
            Some(other) if *other != path => {
                let text =
                    format!("differs from the mount {other} that is set elsewhere: keep one");
                scope.error(name, text);
            }
            _ => mount = Some(path),
        }
    }
    let read = |text: &str| String::read(text).map(|text| Some(normal_mount(&text)));
    let written = scope.first_of(&names);
    scope.get_as(written, mount, read)
}
