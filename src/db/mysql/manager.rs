//! Making connections: which server, how its session begins, and why there is none.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::super::PoolOptions;
use super::connection::Connection;
use super::options;
use super::options::Pace;
use super::places::Place;
use super::places::origins;
use super::places::places;
use super::refusal::Reason;
use super::refusal::Refusal;
use super::trust::Trust;
use super::trust::Trusted;
use crate::config::DatabaseUri;
use crate::config::MySqlUri;

/// Makes the connections of a pool.
pub(super) struct Manager {
    /// The database, without its password.
    name: String,
    uri: MySqlUri,
    pool: PoolOptions,
    places: Vec<(Place, Trust)>,
    /// The place that answered last.
    last: Mutex<(usize, Trusted)>,
    /// Why the last attempt failed, until one succeeds. The pool would hide it.
    failure: Mutex<Option<String>>,
}

impl Manager {
    pub(super) fn new(uri: &MySqlUri, pool: &PoolOptions) -> Self {
        Self {
            name: DatabaseUri::MySql(uri.clone()).to_string(),
            uri: uri.clone(),
            pool: pool.clone(),
            places: places(&uri.server)
                .into_iter()
                .map(|place| (place, Trust::default()))
                .collect(),
            last: Mutex::new((0, Trust::default().now())),
            failure: Mutex::new(None),
        }
    }

    /// The database, without its password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Why there is no connection, if the last attempt to make one failed.
    pub(super) fn failure(&self) -> Option<String> {
        locked(&self.failure).clone()
    }

    /// Tries the places in turn, first the one that answered last, unless it hangs since.
    pub(super) fn connect(&self, pace: Pace) -> Result<Connection, Refusal> {
        let first = self.first();
        let (before, after) = self.places.split_at(first.min(self.places.len()));
        let mut failures = Vec::new();
        let indices = (first..).take(after.len()).chain(0..before.len());
        for (index, (place, trust)) in indices.zip(after.iter().chain(before)) {
            let trusted = trust.now();
            match self.connect_to(place, pace) {
                Ok(conn) => {
                    *locked(&self.last) = (index, trusted.clone());
                    return Ok(Connection::new(conn, trusted, self.pool.recycle));
                }
                Err(reason) => failures.push((place.clone(), reason)),
            }
        }
        Err(Refusal::new(&self.uri, &failures))
    }

    /// The place to try first.
    fn first(&self) -> usize {
        let (index, trusted) = &*locked(&self.last);
        if trusted.holds() {
            *index
        } else {
            (index + 1) % self.places.len().max(1)
        }
    }

    fn connect_to(&self, place: &Place, pace: Pace) -> Result<Conn, Reason> {
        let origins = match place {
            Place::Socket(_) => vec![None],
            Place::Tcp(name, port) => {
                let origins = origins(name, *port).map_err(Reason::Name)?;
                origins.into_iter().map(Some).collect()
            }
        };
        let mut failure = None;
        for origin in origins {
            let options = options::options(&self.uri, place, origin, &self.pool, pace);
            match Conn::new(options) {
                Ok(mut conn) => {
                    self.set_up(&mut conn)?;
                    return Ok(conn);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or(Reason::NoAddress, Reason::Driver))
    }

    /// Begins a session, in one round trip.
    fn set_up(&self, conn: &mut Conn) -> Result<(), Reason> {
        if let Some(command) = &self.uri.init_command {
            conn.query_drop(command.expose())
                .map_err(Reason::init_command)?;
        }
        let (mut is_node, mut is_read_only) = (false, false);
        let mut answers = conn.query_iter(options::set_up(&self.uri, &self.pool))?;
        while let Some(answer) = answers.iter() {
            for row in answer {
                let row = row?;
                let first = text(&row, 0);
                if first.eq_ignore_ascii_case("wsrep_on") {
                    is_node = is_on(&text(&row, 1));
                } else {
                    is_read_only = is_on(&first) || is_on(&text(&row, 1));
                }
            }
        }
        drop(answers);
        if is_node {
            conn.query_drop(options::SET_UP_NODE)?;
        }
        // A single server that takes no writes can be read from at least.
        if is_read_only && self.places.len() > 1 {
            return Err(Reason::ReadOnly);
        }
        Ok(())
    }

    /// Keeps why there is no connection, and tells the log when that changes.
    fn note(&self, failure: Option<String>) {
        let mut noted = locked(&self.failure);
        match (&*noted, &failure) {
            (None, Some(failure)) => log::warn!("no connection to {}: {failure}", self.name),
            (Some(_), None) => log::info!("connected to {} again", self.name),
            _ => {}
        }
        *noted = failure;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(row: &mysql::Row, column: usize) -> String {
    match row.as_ref(column) {
        Some(mysql::Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// Whether a variable of the server is on: some are numbers, some words.
fn is_on(value: &str) -> bool {
    !matches!(value, "" | "0" | "OFF")
}

/// The manager, for a pool that keeps it to itself.
pub(super) struct Shared(pub(super) Arc<Manager>);

impl r2d2::ManageConnection for Shared {
    type Connection = Connection;
    type Error = Refusal;

    fn connect(&self) -> Result<Connection, Refusal> {
        let made = self.0.connect(Pace::Usual);
        self.0.note(made.as_ref().err().map(ToString::to_string));
        made
    }

    fn is_valid(&self, _: &mut Connection) -> Result<(), Refusal> {
        // Never asked: see `test_on_check_out`.
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_broken() || connection.is_old()
    }
}
