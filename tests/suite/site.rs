//! A running weaved, and how requests get to it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use super::lighttpd::Lighttpd;
use super::log::Log;
use super::message::Transport;
use super::user::User;
use super::weaved::Gateway;
use super::weaved::Home;
use super::weaved::Options;
use super::weaved::Weaved;

/// The prefix of the specification.
const PREFIX: &str = "/yourpath";

/// How a request gets to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// FastCGI at a prefix, without a web server.
    FastCgi,
    /// The program's own HTTP server, at the root.
    Http,
    /// lighttpd with mod_fastcgi, the whole server.
    LighttpdAtRoot,
    /// lighttpd with mod_fastcgi at a prefix.
    LighttpdFastCgi,
    /// lighttpd with mod_scgi at a prefix.
    LighttpdScgi,
    /// SCGI at a prefix, without a web server.
    Scgi,
}

impl Way {
    fn weaved(self) -> (Gateway, &'static str) {
        match self {
            Self::FastCgi | Self::LighttpdFastCgi => (Gateway::Fcgi, PREFIX),
            Self::Http => (Gateway::Http, ""),
            Self::LighttpdAtRoot => (Gateway::Fcgi, ""),
            Self::LighttpdScgi | Self::Scgi => (Gateway::Scgi, PREFIX),
        }
    }

    fn lighttpd(self, weaved: &Weaved) -> Option<Lighttpd> {
        match self {
            Self::FastCgi | Self::Http | Self::Scgi => None,
            Self::LighttpdAtRoot => Some(Lighttpd::complete(weaved.endpoint(), "")),
            Self::LighttpdFastCgi => Some(Lighttpd::complete(weaved.endpoint(), PREFIX)),
            Self::LighttpdScgi => {
                let snippet = "50-weaved-scgi.conf";
                Some(Lighttpd::with_snippet(snippet, weaved.endpoint(), PREFIX))
            }
        }
    }
}

/// A configuration that rows of the tables ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Setup {
    /// `auth.allow_new_users = false`.
    Closed,
    /// `nodes.fallback_node` of the specification's tables.
    Node,
    /// The same node without a scheme.
    NodeBare,
    /// The node named by `auth.fallback_node`, as in 2011.
    NodeInAuth,
    /// The node `null`.
    NodeNull,
    /// Nothing but two databases.
    Plain,
    /// A quota of 2 KB.
    Quota2,
    /// A quota of 5120 KB.
    Quota5120,
    /// `auth.allow_new_users = secret`.
    Secret,
    /// A short wait for a database that is locked, and the original's Retry-After.
    ShortWait,
    /// Bodies of 1 MiB at most.
    SmallBody,
}

/// The shared secret of [`Setup::Secret`].
pub(crate) const SECRET: &str = "open-sesame-1234567890";

impl Setup {
    fn apply(self, options: Options) -> Options {
        let quota = |size| {
            let options = options.clone().set("storage.use_quota", "true");
            options.set("storage.quota_size", size)
        };
        match self {
            Self::Closed => options.set("auth.allow_new_users", "false"),
            Self::Node => options.set("nodes.fallback_node", "https://s.example/x"),
            Self::NodeBare => options.set("nodes.fallback_node", "s.example/x"),
            Self::NodeInAuth => options.set("auth.fallback_node", "https://s.example/x"),
            Self::NodeNull => options.set("nodes.fallback_node", "null"),
            Self::Plain => options,
            Self::Quota2 => quota("2"),
            Self::Quota5120 => quota("5120"),
            Self::Secret => options
                .set("global.shared_secret", SECRET)
                .set("auth.allow_new_users", "secret"),
            Self::SmallBody => options.set("global.max_body", "1M"),
            Self::ShortWait => options
                .set("storage.pool_timeout", "1")
                .set("global.retry_after", "1800"),
        }
    }
}

/// A server that can be asked.
pub(crate) struct Site {
    way: Way,
    // Dropped in this order: lighttpd first, so that it logs nothing about a server that is gone.
    lighttpd: Option<Lighttpd>,
    weaved: Arc<Weaved>,
    transport: Box<dyn Transport>,
}

impl Site {
    /// The one site of this test process with this way and this setup.
    pub(crate) fn shared(way: Way, setup: Setup) -> &'static Self {
        static SITES: Cells<(Way, Setup), Site> = Cells::new();
        static SERVERS: Cells<(Gateway, bool, Setup), Arc<Weaved>> = Cells::new();

        SITES.get((way, setup), || {
            let (gateway, mount) = way.weaved();
            let start = || Arc::new(Weaved::start(setup.apply(Options::new(gateway, mount))));
            let server = SERVERS.get((gateway, mount.is_empty(), setup), start);
            Self::before(Arc::clone(server), way)
        })
    }

    /// A site for one test alone, which it may damage.
    pub(crate) fn private(way: Way, setup: Setup) -> Self {
        Self::in_home(Home::new(), way, |options| setup.apply(options))
    }

    /// A site over files that are there already, or with other options.
    pub(crate) fn in_home(home: Home, way: Way, set: impl FnOnce(Options) -> Options) -> Self {
        let (gateway, mount) = way.weaved();
        let options = set(Options::new(gateway, mount));
        Self::before(Arc::new(Weaved::start_in(home, options)), way)
    }

    fn before(weaved: Arc<Weaved>, way: Way) -> Self {
        let lighttpd = way.lighttpd(&weaved);
        let transport = match &lighttpd {
            Some(lighttpd) => Box::new(lighttpd.client()),
            None => weaved.direct(),
        };
        Self {
            way,
            lighttpd,
            weaved,
            transport,
        }
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Whether there is no web server between, which has opinions of its own.
    pub(crate) fn is_direct(&self) -> bool {
        self.lighttpd.is_none()
    }

    /// The mount prefix that clients see.
    pub(crate) fn prefix(&self) -> &'static str {
        self.way.weaved().1
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        self.transport.as_ref()
    }

    pub(crate) fn weaved(&self) -> &Weaved {
        &self.weaved
    }

    /// What the program logs.
    pub(crate) fn log(&self) -> &Arc<Log> {
        self.weaved.log()
    }

    /// What a user would type as the server's URL; only for ways that speak HTTP.
    pub(crate) fn url(&self) -> String {
        let endpoint = match &self.lighttpd {
            Some(lighttpd) => lighttpd.endpoint(),
            None => self.weaved.endpoint(),
        };
        format!("http://{endpoint}{}/", self.prefix())
    }

    /// A new account.
    #[track_caller]
    pub(crate) fn user(&self) -> User<'_> {
        let user = User::invented(self);
        user.sign_up().says(&user.name);
        user
    }

    /// Somebody without an account and without credentials.
    pub(crate) fn stranger(&self) -> User<'_> {
        User::invented(self).nobody()
    }
}

/// Values that are made when they are asked for first, and live as long as the process.
struct Cells<K, T: 'static>(Mutex<Vec<(K, &'static OnceLock<T>)>>);

impl<K: PartialEq, T> Cells<K, T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Threads that ask for the same key wait for each other; others do not.
    fn get(&self, key: K, make: impl FnOnce() -> T) -> &'static T {
        let mut cells = self.0.lock().unwrap();
        let known = cells
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, cell)| *cell);
        let cell = known.unwrap_or_else(|| {
            let cell: &'static OnceLock<T> = Box::leak(Box::default());
            cells.push((key, cell));
            cell
        });
        drop(cells);
        cell.get_or_init(make)
    }
}
