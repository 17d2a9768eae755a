//! Making connections, and knowing why that fails.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ClientConfig;

use super::connection::Connection;
use super::refusal::Refusal;
use super::server::Server;

/// Makes connections to the first server that lets us in, beginning with the one that did so last.
pub(super) struct Manager {
    servers: Vec<Server>,
    /// Which one let us in last: a server that is gone takes its time to say so.
    favourite: AtomicUsize,
    tls: Option<ClientConfig>,
    /// The age at which a connection is not used again.
    recycle: Option<Duration>,
    refused: Arc<Refused>,
}

/// Why the last attempt to connect failed, which the pool does not tell; nothing after a success.
#[derive(Default)]
pub(super) struct Refused(Mutex<Option<Refusal>>);

impl Manager {
    pub(super) fn new(
        servers: Vec<Server>,
        tls: Option<ClientConfig>,
        recycle: Option<Duration>,
    ) -> Self {
        Self {
            servers,
            favourite: AtomicUsize::new(0),
            tls,
            recycle,
            refused: Arc::default(),
        }
    }

    /// Where to ask why there is no connection.
    pub(super) fn refused(&self) -> Arc<Refused> {
        Arc::clone(&self.refused)
    }
}

impl Refused {
    /// Why no connection can be made at present.
    pub(super) fn why(&self) -> Option<Refusal> {
        let refusal = self.0.lock();
        refusal.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what came of an attempt, and tells the log when that has changed.
    fn note(&self, now: Option<&Refusal>) {
        let refusal = self.0.lock();
        let mut refusal = refusal.unwrap_or_else(PoisonError::into_inner);
        match (refusal.as_ref(), now) {
            (before, Some(now)) if before != Some(now) => {
                log::warn!("cannot connect to the database: {now}");
            }
            (Some(_), None) => log::info!("the database can be connected to again"),
            _ => {}
        }
        *refusal = now.cloned();
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = Refusal;

    fn connect(&self) -> Result<Connection, Refusal> {
        let mut refusal = Refusal::new();
        let favourite = self.favourite.load(Ordering::Relaxed);
        let in_order = self.servers.iter().enumerate();
        let count = self.servers.len();
        for (index, server) in in_order.cycle().skip(favourite).take(count) {
            match Connection::open(server, self.tls.as_ref()) {
                Ok(connection) => {
                    self.favourite.store(index, Ordering::Relaxed);
                    self.refused.note(None);
                    return Ok(connection);
                }
                Err(why) => refusal.add(server, &why),
            }
        }
        self.refused.note(Some(&refusal));
        Err(refusal)
    }

    /// Not asked: a connection shows at BEGIN whether it is alive, without a round trip for it.
    fn is_valid(&self, _: &mut Connection) -> Result<(), Refusal> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        let is_old = self.recycle.is_some_and(|age| connection.age() >= age);
        is_old || connection.is_broken()
    }
}
