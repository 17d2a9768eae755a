//! `[server:main]`: how web servers reach us, and how many threads answer (spec/config.md, 2.1).
//!
//! The keys are those of Flup, Paste and gunicorn, and ours in the same spelling. What is read
//! here is only what the operator wants; binding and starting are `server`'s matter.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::thread;
use std::time::Duration;

use super::Address;
use super::address;
use super::keys::Key;
use super::keys::Table;
use super::keys::alias;
use super::keys::refused;
use super::keys::unneeded;
use super::keys::used;
use super::mount;
use super::problem::Severity;
use super::reader::Count;
use super::reader::Scope;
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
    /// Several processes, as the old `fcgi_fork`, each with threads.
    Processes,
    /// Threads of one process, unless more processes are asked for.
    #[default]
    Threads,
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
    pub backlog: i32,
    /// Threads that answer requests, in each process. Default 16.
    pub threads: usize,
    /// Worker processes. Default 1; where processes are the model, one for each CPU, within
    /// [2, 8].
    pub processes: usize,
    /// Requests after which a worker is replaced; 0: never. Default 0.
    pub max_requests: u64,
    /// How long one request may be worked on before its process counts as hung; none: for ever.
    /// Default 300 s.
    pub timeout: Option<Duration>,
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
            timeout: Some(Duration::from_secs(300)),
            allowed_peers: Vec::new(),
            mount: None,
            multiplexed: false,
            access_log: false,
        }
    }
}

/// The names of one thing.
const PROCESSES: [&str; 3] = ["processes", "maxChildren", "workers"];
const REQUESTS: [&str; 2] = ["maxRequests", "threadpool_max_requests"];

const HUNG: &str = "threads have time-outs of their own";
/// Restricts who may connect by FastCGI, as it did for flup; wins over `allowedServers`.
const WEB_SERVERS: &str = "FCGI_WEB_SERVER_ADDRS";

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
        "User who owns the Unix socket: a name or a number. Only root may name another.",
    ),
    used(
        "group",
        "",
        "Group of the Unix socket, e.g. the web server's: a name or a number.",
    ),
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
        "Worker processes. SQLite does best with one; unset and with fcgi_fork or scgi_fork it is \
         one for each CPU, at least 2 and at most 8.",
    ),
    alias("maxChildren"),
    alias("workers"),
    used(
        "maxRequests",
        "0",
        "Requests after which a worker process is replaced, give or take a tenth; 0: never.",
    ),
    alias("threadpool_max_requests"),
    used(
        "timeout",
        "300",
        "Seconds that one request may be worked on before its process counts as hung and is \
         replaced; slow clients do not count. 0: for ever.",
    ),
    used(
        "allowedServers",
        "",
        "IP addresses that may connect by TCP, separated by blanks. Unset: everybody for FastCGI \
         and HTTP, this machine only for SCGI. The environment variable FCGI_WEB_SERVER_ADDRS \
         (commas between) wins over it for FastCGI. Unix sockets have rights instead.",
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

/// Reads the section; `composite` is the prefix that a `[composite:main]` gives to the application.
pub(super) fn read(scope: &mut Scope<'_>, composite: Option<&str>) -> Server {
    let default = Server::default();
    let Use(gateway, model) = scope.get_as("use", Use(Gateway::Fcgi, Model::Threads), read_use);
    let address = address::read(scope, gateway);
    let local = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let allowed = if gateway == Gateway::Scgi {
        local
    } else {
        Vec::new()
    };
    if gateway == Gateway::Fcgi {
        scope.environment("allowedServers", WEB_SERVERS);
    }
    let named = scope.found("allowedServers").is_some();
    let restricted = named || gateway == Gateway::Scgi;
    let allowed_peers = scope.get("allowedServers", allowed);
    if named && matches!(address, Address::Unix { .. }) {
        let text = "has no effect on a Unix socket: its mode, owner and group say who may connect";
        scope.note(Severity::Notice, "allowedServers", None, text);
    }
    if let Address::Tcp { host, .. } = &address
        && matches!(&**host, "*" | "0" | "0.0.0.0" | "::")
        && !restricted
    {
        let text = match gateway {
            Gateway::Fcgi | Gateway::Scgi => {
                "lets anyone who reaches this port speak as the web server, for any user. Write \
                 127.0.0.1, or use a socket, or set allowedServers"
            }
            Gateway::Http => {
                "offers plain HTTP to the network, so that passwords travel in clear. Write \
                 127.0.0.1, and let a web server with TLS speak to it"
            }
        };
        scope.warn("host", text);
    }
    if let Address::Unix {
        mode: Some(mode), ..
    } = address
        && mode & 0o002 != 0
    {
        let text = "lets every user of this machine speak as the web server; write 0660, and the \
                    web server's group";
        scope.warn("mode", text);
    }
    let threads = scope.first_of(&["threads", "maxThreads", "threadpool_workers"]);
    let processes = scope.first_of(&PROCESSES);
    let backlog = scope.first_of(&["backlog", "request_queue_size"]);
    let requests = scope.first_of(&REQUESTS);
    let timeout = default.timeout.unwrap_or_default().as_secs();
    let timeout = scope.number("timeout", timeout, Count::new("seconds", 0, 86_400, 300));
    let default_processes = match model {
        Model::Processes => one_for_each_cpu(),
        Model::Threads => default.processes,
    };
    let server = Server {
        gateway,
        model,
        address,
        backlog: scope.number(
            backlog,
            default.backlog,
            Count::new("connections", 1, 65_535, 1024),
        ),
        threads: scope.number(threads, default.threads, Count::new("threads", 1, 1024, 16)),
        processes: scope.number(
            processes,
            default_processes,
            Count::new("processes", 1, 1024, 1),
        ),
        max_requests: scope.number(requests, 0, Count::new("requests", 0, u64::MAX, 10000)),
        timeout: (timeout > 0).then(|| Duration::from_secs(timeout)),
        allowed_peers,
        mount: mount::read(scope, composite),
        multiplexed: scope.flag("multiplexed", default.multiplexed),
        access_log: scope.flag("debug", default.access_log),
    };
    tell_of_later(scope, &server);
    scope.tell_unused();
    server
}

/// How many processes serve where nobody says how many.
fn one_for_each_cpu() -> usize {
    thread::available_parallelism().map_or(2, |cpus| cpus.get().clamp(2, 8))
}

/// Tells of what is read and not done yet.
fn tell_of_later(scope: &mut Scope<'_>, server: &Server) {
    if server.multiplexed {
        let text = "has no effect: the requests of a connection are answered one after another";
        scope.note(Severity::Notice, "multiplexed", None, text);
    }
}
