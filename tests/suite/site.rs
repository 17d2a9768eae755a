//! A running weaved, and how requests get to it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use super::database::Kind;
use super::endpoint::Endpoint;
use super::front::Behind;
use super::front::Front;
use super::home::Home;
use super::log::Log;
use super::message::Transport;
use super::spawn_fcgi::SpawnFcgi;
use super::user::User;
use super::warden::Warden;
use super::way::Server;
use super::way::Way;
use super::weaved::Gateway;
use super::weaved::Listen;
use super::weaved::Options;
use super::weaved::Weaved;

/// A configuration that rows of the tables ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Setup {
    /// `captcha.use`, and the secret that replaces it.
    Captcha,
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

/// The shared secret of [`Setup::Captcha`] and [`Setup::Secret`].
pub(crate) const SECRET: &str = "open-sesame-1234567890";

/// Threads of a server that has little to do: each costs the memory of a password hash.
const FEW: usize = 2;

impl Setup {
    fn apply(self, mut options: Options) -> Options {
        if self != Self::Plain {
            options.threads = FEW;
        }
        let quota = |size| {
            let options = options.clone().set("storage.use_quota", "true");
            options.set("storage.quota_size", size)
        };
        match self {
            Self::Captcha => options
                .set("global.shared_secret", SECRET)
                .set("captcha.use", "true"),
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

/// The program behind a way.
enum Program {
    /// Started by the tests; several ways share it.
    Ours(Arc<Weaved>),
    /// Started by spawn-fcgi, which stops it when it is dropped, or by the web server.
    Foreign(Option<SpawnFcgi>, Home, Arc<Log>),
}

/// A server that can be asked.
pub(crate) struct Site {
    way: Way,
    /// Over the folder of programs that the tests do not start. Dismissed before all else ends.
    _warden: Option<Warden>,
    // Dropped in this order: the web server first, so that it logs nothing about a program that
    // is gone, and ends what it has started before its files go.
    front: Option<Front>,
    program: Program,
    transport: Box<dyn Transport>,
}

impl Site {
    /// The one site of this test process with this way and this setup.
    pub(crate) fn shared(way: Way, setup: Setup) -> &'static Self {
        static SITES: Cells<(Way, Setup), Site> = Cells::new();
        type Key = (Gateway, Listen, &'static str, Kind, Setup);
        static SERVERS: Cells<Key, Arc<Weaved>> = Cells::new();

        SITES.get((way, setup), || {
            let facts = way.facts();
            if facts.listen.is_foreign() {
                return Self::private(way, setup);
            }
            let (mount, database) = (facts.mount, facts.database);
            let key = (facts.gateway, facts.listen, mount, database, setup);
            let start = || {
                Arc::new(Weaved::start_in(
                    Home::on(way.facts().database),
                    setup.apply(options(way)),
                ))
            };
            Self::behind(Arc::clone(SERVERS.get(key, start)), way)
        })
    }

    /// A site for one test alone, which it may damage.
    pub(crate) fn private(way: Way, setup: Setup) -> Self {
        Self::in_home(Home::on(way.facts().database), way, |options| {
            setup.apply(options)
        })
    }

    /// A site over files that are there already, or with other options.
    pub(crate) fn in_home(home: Home, way: Way, set: impl FnOnce(Options) -> Options) -> Self {
        let options = set(options(way));
        if !options.listen.is_foreign() {
            return Self::behind(Arc::new(Weaved::start_in(home, options)), way);
        }
        let ini = home.configure(&options);
        if options.listen != Listen::WebServer {
            let spawned = SpawnFcgi::start(options.listen, &ini);
            let front = Front::before(way, &Behind::Running(spawned.endpoint())).unwrap();
            let log = Log::follow(&home.log());
            return Self::over(Program::Foreign(Some(spawned), home, log), front, way);
        }
        let front = Front::before(way, &Behind::Started(&ini)).unwrap();
        // What the programs write to stderr is among what the web server writes.
        let log = Arc::clone(front.log());
        Self::over(Program::Foreign(None, home, log), front, way)
    }

    fn over(program: Program, front: Front, way: Way) -> Self {
        let warden = match &program {
            Program::Ours(_) => None,
            Program::Foreign(_, home, _) => Some(front.warden(home.path())),
        };
        Self {
            way,
            _warden: warden,
            transport: Box::new(front.client()),
            program,
            front: Some(front),
        }
    }

    fn behind(weaved: Arc<Weaved>, way: Way) -> Self {
        let front = Front::before(way, &Behind::Running(weaved.endpoint()));
        let transport = match &front {
            Some(front) => Box::new(front.client()),
            None => weaved.direct(),
        };
        Self {
            way,
            _warden: None,
            front,
            program: Program::Ours(weaved),
            transport,
        }
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// The web server between, which has opinions of its own.
    pub(crate) fn server(&self) -> Server {
        self.way.facts().server
    }

    /// The mount prefix that clients see.
    pub(crate) fn prefix(&self) -> &'static str {
        self.way.facts().mount
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        self.transport.as_ref()
    }

    /// The process, of ways in which the tests start it.
    #[track_caller]
    pub(crate) fn weaved(&self) -> &Weaved {
        match &self.program {
            Program::Ours(weaved) => weaved,
            Program::Foreign(..) => panic!("{:?}: somebody else owns the process", self.way),
        }
    }

    /// The web server, of ways that have one.
    #[track_caller]
    pub(crate) fn front(&self) -> &Front {
        let front = self.front.as_ref();
        front.unwrap_or_else(|| panic!("{:?}: no web server", self.way))
    }

    /// Where the configuration and the database lie.
    pub(crate) fn home(&self) -> &Home {
        match &self.program {
            Program::Ours(weaved) => weaved.home(),
            Program::Foreign(_, home, _) => home,
        }
    }

    /// What clients connect to: the web server, or else the program.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        match &self.front {
            Some(front) => front.endpoint(),
            None => self.weaved().endpoint(),
        }
    }

    /// What the program logs.
    pub(crate) fn log(&self) -> &Arc<Log> {
        match &self.program {
            Program::Ours(weaved) => weaved.log(),
            Program::Foreign(_, _, log) => log,
        }
    }

    /// What a user would type as the server's URL; only for ways that speak HTTP.
    pub(crate) fn url(&self) -> String {
        match &self.front {
            Some(front) => front.url(),
            None => format!("http://{}{}/", self.weaved().endpoint(), self.prefix()),
        }
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

/// The configuration of this way.
fn options(way: Way) -> Options {
    let facts = way.facts();
    let options = Options::new(facts.gateway, facts.mount);
    Options {
        listen: facts.listen,
        // Several processes share the work.
        threads: if facts.listen.is_foreign() {
            FEW
        } else {
            options.threads
        },
        ..options
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
