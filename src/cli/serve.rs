//! `weaved serve`: binds first, so that nobody finds the door closed while databases open.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use super::Failure;
use super::failure::CONFIG;
use super::failure::SYSTEM;
use super::launch::Launch;
use super::logger;
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
use crate::server::Server;
use crate::server::Stop;
use crate::web;
use crate::web::Service;

pub(super) fn run(launch: &mut Launch) -> Result<(), Failure> {
    let config = launch.config()?;
    logger::start(&config.logging, launch.owner());
    launch.greet();
    open::log_notes(&config);
    let served = serve(&config, launch);
    if let Err(failure) = &served
        && !logger::is_seen(&config.logging)
    {
        // Whoever looks for the reason looks there: a web server that starts us shows no errors.
        log::error!("{failure}");
    }
    served
}

fn serve(config: &Config, launch: &mut Launch) -> Result<(), Failure> {
    let stop = Stop::default();
    let _watch = server::watch(&stop)
        .map_err(|error| Failure::new(SYSTEM, format!("cannot watch signals: {error}")))?;
    let mut gateway = gateway_options(config)?;
    let listener = server::listen(&address(&config.server.address), config.server.backlog)?;
    log::info!("listening on {} ({:?})", listener.local(), protocol(config));
    launch.bound(&config.server.address, listener.local())?;
    let api = open::api(config)?;
    // Clients look for the time on every answer, also where the gateway refuses (decisions, 5).
    let storage = Arc::clone(&api.storage);
    gateway.own_fields = OwnFields::new(move || vec![(TIMESTAMP, storage.time().to_string())]);
    let app = App {
        service: Service::new(api, web_settings(config)),
        purged: Mutex::new(None),
    };
    let (protocol, gateway) = (protocol(config), Arc::new(gateway));
    let server = Server {
        listener,
        connections: Arc::new(move || protocol.connection(&gateway)),
        handler: Arc::new(app),
        options: server::Options {
            allowed_peers: config.server.allowed_peers.clone(),
            drain: config.global.drain,
            threads: config.server.threads,
            ..server::Options::default()
        },
    };
    launch.ready(server.listener.local());
    server
        .run(&stop)
        .map_err(|error| Failure::new(SYSTEM, chain(&error)))?;
    log::info!("stopped");
    Ok(())
}

fn protocol(config: &Config) -> Protocol {
    match config.server.gateway {
        Gateway::Fcgi => Protocol::Fcgi,
        Gateway::Http => Protocol::Http,
        Gateway::Scgi => Protocol::Scgi,
    }
}

fn gateway_options(config: &Config) -> Result<gateway::Options, Failure> {
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
            path, mode, umask, ..
        } => Address::Unix {
            path: path.clone(),
            mode: *mode,
            umask: *umask,
        },
    }
}

fn web_settings(config: &Config) -> web::Settings {
    web::Settings {
        access_log: config.server.access_log,
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

/// How often expired records are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// How many short transactions one purge takes at most, so that it ends before long.
const PURGE_ROUNDS: usize = 100;

impl Handler for App {
    fn handle(&self, request: Request) -> Response {
        self.service.handle(request)
    }

    fn quiet(&self) {
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        if purged.is_some_and(|last| last.elapsed() < PURGE_EVERY) {
            return;
        }
        *purged = Some(Instant::now());
        let mut records = 0;
        for _ in 0..PURGE_ROUNDS {
            match self.service.api().storage.purge() {
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
    }
}
