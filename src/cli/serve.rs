//! `weaved serve`: finds or binds the listening socket, and serves on it, with workers or alone.
//!
//! The socket is systemd's (`LISTEN_FDS`), or descriptor 0 if that listens, or else the one that
//! the configuration names. It is there first, so that nobody finds the door closed while
//! databases open. A process manager that has passed descriptor 0 to one process is its master;
//! in all other cases this process is the master of workers (`master`, `worker`).

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::Failure;
use super::failure::CONFIG;
use super::failure::SYSTEM;
use super::launch::Launch;
use super::logger;
use super::master;
use super::open;
use crate::api::TIMESTAMP;
use crate::causes::chain;
use crate::config;
use crate::config::Config;
use crate::config::Gateway;
use crate::gateway;
use crate::gateway::BodyBudget;
use crate::gateway::Limits;
use crate::gateway::Mount;
use crate::gateway::OwnFields;
use crate::gateway::Protocol;
use crate::message::Request;
use crate::message::Response;
use crate::server;
use crate::server::Address;
use crate::server::Handler;
use crate::server::Inbox;
use crate::server::ListenError;
use crate::server::Listener;
use crate::server::Local;
use crate::server::Pulse;
use crate::server::Role;
use crate::server::Server;
use crate::server::Stop;
use crate::web;
use crate::web::Service;

/// The times of a process whose manager is impatient: mod_fcgid kills 2 s after its TERM
/// (spec/gateway.md, 5).
const HURRY: Duration = Duration::from_millis(1200);
const HURRIED_TICK: Duration = Duration::from_millis(150);

pub(super) fn run(launch: &mut Launch) -> Result<(), Failure> {
    // First of all, because it takes its variables out of the environment.
    let activated = server::activated();
    let config = launch.config()?;
    logger::start(&config, launch.owner());
    launch.greet();
    open::log_notes(&config);
    let seen = logger::is_seen(&config.logging);
    let served = serve(launch, config, activated);
    if let Err(failure) = &served
        && !seen
    {
        // Whoever looks for the reason looks there: a web server that starts us shows no errors.
        log::error!("{failure}");
    }
    served
}

fn serve(
    launch: &mut Launch,
    config: Config,
    activated: Result<Option<Listener>, ListenError>,
) -> Result<(), Failure> {
    gateway_options(&config)?;
    if let Some(listener) = activated? {
        tell_source(&config, &listener, "the socket that systemd has passed");
        return lead(launch, config, listener, Source::Systemd);
    }
    if server::inherited_is_listening() {
        let listener = server::listen(&Address::Inherited, config.server.backlog)?;
        tell_source(
            &config,
            &listener,
            "descriptor 0, on which this process was started",
        );
        if config.server.processes == 1 && config.server.max_requests == 0 {
            // The manager that has started us is the master.
            return serve_alone(launch, &config, listener);
        }
        return lead(launch, config, listener, Source::Descriptor);
    }
    let listener = server::listen(&address(&config.server.address), config.server.backlog)?;
    lead(launch, config, listener, Source::Own)
}

/// Who has bound the listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A process manager, which expects us to be gone 2 s after TERM.
    Descriptor,
    Own,
    Systemd,
}

/// Says where we listen when it is not where the configuration says.
fn tell_source(config: &Config, listener: &Listener, what: &str) {
    if config.server.address != config::Address::Inherited {
        log::info!("serving on {what}: the host, port or socket of the configuration is not used");
    }
    let restricted =
        config.server.gateway == Gateway::Fcgi && !config.server.allowed_peers.is_empty();
    if restricted && matches!(listener.local(), Local::Unix(_)) {
        log::info!("allowedServers has no effect on a Unix socket: its rights say who may connect");
    }
}

/// Serves with workers, as their master.
fn lead(
    launch: &mut Launch,
    config: Config,
    listener: Listener,
    source: Source,
) -> Result<(), Failure> {
    let inbox = Inbox::open().map_err(|error| no_signals(&error))?;
    tell_address(&config, &listener);
    match source {
        Source::Own => launch.bound(&config.server.address, listener.local())?,
        // Whoever has made it says to whom it belongs.
        Source::Descriptor | Source::Systemd => {
            launch.bound(&config::Address::Inherited, listener.local())?;
        }
    }
    master::run(master::Start {
        launch,
        hurry: (source == Source::Descriptor).then_some(HURRY),
        given: source != Source::Own,
        config,
        inbox,
        listener,
    })
}

/// Serves in this process alone.
fn serve_alone(launch: &mut Launch, config: &Config, listener: Listener) -> Result<(), Failure> {
    let stop = Stop::default();
    let _watch =
        server::watch(&stop, Role::Alone, logger::reopen).map_err(|error| no_signals(&error))?;
    tell_address(config, &listener);
    launch.bound(&config::Address::Inherited, listener.local())?;
    let address = listener.local().to_string();
    let mut server = server(config, listener)?;
    server.options.drain = HURRY.min(config.global.drain);
    server.options.tick = HURRIED_TICK;
    server
        .run_watched(&stop, &Pulse::default(), || {
            log::info!("serving on {address}");
            launch.ready(&address);
        })
        .map_err(|error| Failure::new(SYSTEM, chain(&error)))?;
    log::info!("stopped");
    Ok(())
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::new(SYSTEM, format!("cannot watch signals: {error}"))
}

fn tell_address(config: &Config, listener: &Listener) {
    log::info!("listening on {} ({:?})", listener.local(), protocol(config));
}

/// Opens everything that requests need, and puts a server before it.
pub(super) fn server(config: &Config, listener: Listener) -> Result<Server, Failure> {
    let mut gateway = gateway_options(config)?;
    let api = open::api_with_advice(config)?;
    // Clients look for the time on every answer, also where the gateway refuses (decisions, 5).
    let hosts = api.hosts.clone();
    gateway.own_fields = OwnFields::new(move || vec![(TIMESTAMP, hosts.time().to_string())]);
    let app = Arc::new(App {
        service: Service::new(api, web_settings(config)),
        purged: Mutex::new(None),
    });
    note_uses(&app)?;
    let (protocol, gateway) = (protocol(config), Arc::new(gateway));
    Ok(Server {
        listener,
        connections: Arc::new(move || protocol.connection(&gateway)),
        handler: app,
        options: server::Options {
            allowed_peers: config.server.allowed_peers.clone(),
            drain: config.global.drain,
            threads: config.server.threads,
            ..server::Options::default()
        },
    })
}

fn protocol(config: &Config) -> Protocol {
    match config.server.gateway {
        Gateway::Fcgi => Protocol::Fcgi,
        Gateway::Http => Protocol::Http,
        Gateway::Scgi => Protocol::Scgi,
    }
}

/// How the gateway works.
pub(super) fn gateway_options(config: &Config) -> Result<gateway::Options, Failure> {
    let mount = match &config.server.mount {
        None => Mount::Automatic,
        Some(text) => text
            .parse()
            .map_err(|error| Failure::new(CONFIG, format!("[server:main] mount: {error}")))?,
    };
    let limits = Limits {
        body: config.global.max_body.0,
        connections: u32::try_from(config.server.threads).unwrap_or(u32::MAX),
        retry_after: config.global.retry_after,
        ..Limits::default()
    };
    Ok(gateway::Options {
        mount,
        limits,
        budget: Arc::new(BodyBudget::new(config.global.body_memory.0)),
        ..gateway::Options::default()
    })
}

fn address(address: &config::Address) -> Address {
    match address {
        config::Address::Inherited => Address::Inherited,
        config::Address::Tcp { host, port } => Address::Tcp {
            host: host.clone(),
            port: *port,
        },
        config::Address::Unix {
            path,
            mode,
            umask,
            owner,
            group,
        } => Address::Unix {
            path: path.clone(),
            mode: *mode,
            umask: *umask,
            owner: owner.clone(),
            group: group.clone(),
        },
    }
}

fn web_settings(config: &Config) -> web::Settings {
    web::Settings {
        access_log: config.server.access_log,
        cef: config.cef.target.is_some().then(|| web::Cef {
            version: config.cef.version.clone(),
            vendor: config.cef.vendor.clone(),
            product: config.cef.product.clone(),
            device_version: config.cef.device_version.clone(),
        }),
        heartbeat: config.global.heartbeat_page.clone(),
        retry_after: config.global.retry_after,
        serves: match config.app.serves {
            config::Serves::Both => web::Serves::Both,
            config::Serves::Storage => web::Serves::Storage,
            config::Serves::User => web::Serves::User,
        },
        trusted_proxies: config.global.trusted_proxies.clone(),
    }
}

/// The service as the server's handler.
struct App {
    service: Service,
    /// When expired records were looked for last.
    purged: Mutex<Option<Instant>>,
}

/// How long a stop waits for mails that are under way.
const MAIL_PATIENCE: Duration = Duration::from_secs(10);

/// How often expired records are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// How many short transactions one purge takes at most, so that it ends before long.
const PURGE_ROUNDS: usize = 100;

/// How often it is written down who was here. A purge must not take somebody for idle who has just
/// come back, and a busy server has no quiet moments.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// Writes down who was here, as long as the server is there: on a thread of its own, because a
/// database that is locked would hold a request up.
fn note_uses(app: &Arc<App>) -> Result<(), Failure> {
    let app = Arc::downgrade(app);
    let notes = move || {
        while let Some(app) = app.upgrade() {
            app.write_down();
            drop(app);
            thread::sleep(NOTE_EVERY);
        }
    };
    let started = thread::Builder::new().name("uses".to_owned()).spawn(notes);
    let failed = |error| Failure::new(SYSTEM, format!("cannot start a thread: {error}"));
    started.map(drop).map_err(failed)
}

impl App {
    /// Writes down who was here; whoever looks after accounts may miss a day, but no request.
    fn write_down(&self) {
        if let Err(error) = self.service.api().last_use.write_down() {
            log::debug!("cannot note who was here: {}", chain(&error));
        }
    }
}

impl Handler for App {
    fn handle(&self, request: Request) -> Response {
        self.service.handle(request)
    }

    fn ending(&self) {
        self.write_down();
        self.service.api().mails.wait(MAIL_PATIENCE);
    }

    fn quiet(&self) {
        self.write_down();
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        if purged.is_some_and(|last| last.elapsed() < PURGE_EVERY) {
            return;
        }
        *purged = Some(Instant::now());
        if let Err(error) = self.service.api().guard.sweep() {
            log::warn!("cannot delete what has ended: {}", chain(&error));
        }
        let mut records = 0;
        for _ in 0..PURGE_ROUNDS {
            match self.service.api().hosts.purge() {
                Ok(0) => break,
                Ok(some) => records += some,
                Err(error) => {
                    log::warn!("cannot purge expired records: {}", chain(&error));
                    break;
                }
            }
        }
        if records > 0 {
            log::info!("purged {records} expired records");
        }
        let relay = self.service.api().relay.as_ref();
        if let Some(Err(error)) = relay.map(|relay| relay.sweep()) {
            log::warn!("cannot forget old pairings: {}", chain(&error));
        }
    }
}
