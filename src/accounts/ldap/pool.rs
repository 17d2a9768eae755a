//! Connections that are kept, of one kind.
//!
//! A pool of our own and not of the crate that databases use: that one connects in threads of its
//! own and waits out its whole time-out while a server refuses connections, and it would hand out
//! one dead connection after the other when a server was started anew. Here a caller connects
//! himself, within his deadline, and is told at once; and when a kept connection turns out to be
//! dead, all of them are dropped and the question is asked once more on a new one.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use super::connection::Connection;
use super::connector::Connector;
use super::deadline::Deadline;
use super::error::DirectoryError;
use super::settings::LdapLogin;

/// Some connections, all as the same DN.
pub(super) struct Pool {
    /// Who they are; absent: nobody.
    login: Option<LdapLogin>,
    size: usize,
    max_lifetime: Option<Duration>,
    state: Mutex<State>,
    freed: Condvar,
}

/// Those that are free, and how many are not.
#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    leased: usize,
}

impl Pool {
    pub(super) fn new(
        login: Option<LdapLogin>,
        size: usize,
        max_lifetime: Option<Duration>,
    ) -> Self {
        Self {
            login,
            size: size.max(1),
            max_lifetime,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Who the connections are, for messages.
    pub(super) fn who(&self) -> &str {
        self.login.as_ref().map_or("nobody", |login| &login.dn)
    }

    pub(super) fn login(&self) -> Option<&LdapLogin> {
        self.login.as_ref()
    }

    /// A connection beside the pool, for what takes long.
    pub(super) fn fresh(
        &self,
        connector: &Connector,
        deadline: Deadline,
    ) -> Result<Connection, DirectoryError> {
        connector.connect(self.login.as_ref(), deadline)
    }

    /// Asks something that may be asked twice.
    pub(super) fn ask<T>(
        &self,
        connector: &Connector,
        deadline: Deadline,
        question: impl Fn(&mut Connection) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let mut lease = self.lease(deadline)?;
        if let Some(mut connection) = lease.kept.take() {
            match question(&mut connection) {
                Err(DirectoryError::Broken { .. }) => self.lock().idle.clear(),
                answer => {
                    if is_unclear(&answer) {
                        connector.suspect(&connection);
                        self.lock().idle.clear();
                    }
                    lease.give_back(connection, &answer);
                    return answer;
                }
            }
        }
        let mut connection = connector.connect(self.login.as_ref(), deadline)?;
        let answer = question(&mut connection);
        if is_unclear(&answer) {
            connector.suspect(&connection);
        }
        lease.give_back(connection, &answer);
        answer
    }

    /// Waits for a place, and takes the youngest connection that is free.
    fn lease(&self, deadline: Deadline) -> Result<Lease<'_>, DirectoryError> {
        let left = deadline.left().ok_or(DirectoryError::Crowded)?;
        let full = |state: &mut State| state.leased >= self.size;
        let (mut state, waited) = self
            .freed
            .wait_timeout_while(self.lock(), left, full)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(DirectoryError::Crowded);
        }
        if let Some(age) = self.max_lifetime {
            state.idle.retain(|kept| kept.born.elapsed() < age);
        }
        state.leased += 1;
        let kept = state.idle.pop();
        Ok(Lease { pool: self, kept })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is not known what became of a question, so that the connection is of no use.
const fn is_unclear<T>(answer: &Result<T, DirectoryError>) -> bool {
    matches!(
        answer,
        Err(DirectoryError::Broken { .. } | DirectoryError::TimedOut { .. })
    )
}

/// A place in the pool, free again when dropped.
struct Lease<'a> {
    pool: &'a Pool,
    kept: Option<Connection>,
}

impl Lease<'_> {
    /// Keeps the connection, unless its state is not known any more.
    fn give_back<T>(&self, connection: Connection, answer: &Result<T, DirectoryError>) {
        if !is_unclear(answer) {
            self.pool.lock().idle.push(connection);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.pool.lock().leased -= 1;
        self.pool.freed.notify_one();
    }
}
