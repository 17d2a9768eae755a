//! Guessing is slow: failures are counted, for all processes, in `weaved_attempts`.
//!
//! A row counts what one subject did: a client, an account, or a client at an account. It ends a
//! fixed time after its first failure, and is swept away then. Subjects are seals: the table
//! neither tells names nor addresses, and none is longer than the column. Whoever is refused here
//! adds no rows, so that a client leaves at most as many as its limit allows.
//!
//! The rightful user is not locked out from elsewhere: an account's own limit does not count for
//! clients that were let in lately.

use std::net::IpAddr;
use std::net::Ipv6Addr;

use super::Guard;
use super::GuardError;
use super::table::Table;
use crate::db::DbError;
use crate::db::Session;
use crate::sync::Timestamp;

pub(super) const TABLE: Table = Table {
    name: "weaved_attempts",
    schema: "
    CREATE TABLE IF NOT EXISTS weaved_attempts (
        subject {EXACT}(64) NOT NULL,
        attempts INTEGER NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (subject)
    ){OPTIONS}",
};

const READ: &str = "
    SELECT attempts
    FROM weaved_attempts
    WHERE subject = :subject AND until > :now";
const COUNT: &str = "
    UPDATE weaved_attempts
    SET attempts = attempts + 1
    WHERE subject = :subject AND until > :now";
const FORGIVE: &str = "
    UPDATE weaved_attempts
    SET attempts = attempts - 1
    WHERE subject = :subject AND attempts > 0";
const FORGET: &str = "DELETE FROM weaved_attempts WHERE subject = :subject";
const INSERT: &str = "
    INSERT INTO weaved_attempts (subject, attempts, until)
    VALUES (:subject, 1, :until)";

/// How long a client that was let in counts as the account's own, in seconds.
const KNOWN: i64 = 30 * 24 * 60 * 60;

/// What may be tried only so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A password; failures count.
    Login,
    /// A mail with a reset code; each counts.
    Mail,
    /// An invitation, a captcha, a secret or a reset code; failures count.
    Proof,
    /// A new account; each counts.
    SignUp,
}

/// So many in so many seconds, from the first on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many are allowed.
    pub count: u32,
    /// In what time.
    pub seconds: u32,
}

/// How often something may be tried; absent: as often as anybody likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wrong passwords of a client for an account.
    pub login: Option<Rate>,
    /// Wrong passwords for an account, of clients that it never let in.
    pub account: Option<Rate>,
    /// Failures of a client, whatever it tried.
    pub client: Option<Rate>,
    /// Mails to an account.
    pub mail: Option<Rate>,
    /// New accounts, and mails, of a client.
    pub sign_up: Option<Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        const MINUTES: u32 = 60;
        let rate = |count, seconds| Some(Rate { count, seconds });
        Self {
            login: rate(10, 10 * MINUTES),
            account: rate(100, 60 * MINUTES),
            client: rate(50, 10 * MINUTES),
            mail: rate(1, 10 * MINUTES),
            sign_up: rate(20, 60 * MINUTES),
        }
    }
}

impl Guard {
    /// Whether `client` may try this at `account` now. Where it is unknown who the client is,
    /// only the account's own limit counts. Counts nothing.
    ///
    /// # Errors
    /// [`GuardError::Database`].
    pub fn may(
        &self,
        deed: Deed,
        account: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<bool, GuardError> {
        let counters = self.counters(deed, account, client);
        if counters.is_empty() {
            return Ok(true);
        }
        let known = self.known(deed, account, client);
        let now = self.now();
        Ok(self.database.read(|session| {
            for counter in &counters {
                let is_over =
                    attempts(session, &counter.subject, now)? >= i64::from(counter.rate.count);
                let is_own = |session: &mut Session<'_>| match &known {
                    Some(known) if counter.spares_known => Ok(attempts(session, known, now)? > 0),
                    _ => Ok::<_, DbError>(false),
                };
                if is_over && !is_own(session)? {
                    return Ok(false);
                }
            }
            Ok::<_, DbError>(true)
        })?)
    }

    /// Notes one that counts, as [`Deed`] says.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be noted or not.
    pub fn note(
        &self,
        deed: Deed,
        account: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<(), GuardError> {
        let now = self.now();
        for counter in self.counters(deed, account, client) {
            let until = after(now, counter.rate.seconds.into());
            self.count(&counter.subject, now, until)?;
        }
        Ok(())
    }

    /// Takes back one that was noted: it did not happen.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be taken back or not.
    pub fn forgive(
        &self,
        deed: Deed,
        account: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<(), GuardError> {
        for counter in self.counters(deed, account, client) {
            let params = [(":subject", counter.subject.as_str().into())];
            self.database
                .write(|session| session.execute(FORGIVE, &params))?;
        }
        Ok(())
    }

    /// Notes that a password was right: failures of this client at this account are forgotten,
    /// and it counts as one of the account's own.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be noted or not.
    pub fn welcome(&self, account: &str, client: Option<IpAddr>) -> Result<(), GuardError> {
        let Some(known) = self.known(Deed::Login, Some(account), client) else {
            return Ok(());
        };
        let now = self.now();
        let pair = self.subject("login", account, client);
        // A look first: most of the time there is nothing to write.
        let half = after(now, KNOWN / 2);
        let (is_known, has_failed) = self.database.read(|session| {
            let is_known = attempts(session, &known, half)? > 0;
            Ok::<_, DbError>((is_known, attempts(session, &pair, now)? > 0))
        })?;
        if has_failed {
            let params = [(":subject", pair.as_str().into())];
            self.database
                .write(|session| session.execute(FORGET, &params))?;
        }
        if !is_known {
            self.count(&known, half, after(now, KNOWN))?;
        }
        Ok(())
    }

    /// Counts one more until the row ends; begins it anew where it has ended by `now`.
    fn count(&self, subject: &str, now: Timestamp, until: Timestamp) -> Result<(), GuardError> {
        let subject = (":subject", subject.into());
        let now = (":now", now.centis().into());
        let until = (":until", until.centis().into());
        let counted = self.database.write(|session| {
            if session.execute(COUNT, &[subject, now])? == 0 {
                session.execute(FORGET, &[subject])?;
                session.execute(INSERT, &[subject, until])?;
            }
            Ok::<_, DbError>(())
        });
        match counted {
            // Another process has begun it at the same moment.
            Err(DbError::Constraint(_)) => {
                self.database
                    .write(|session| session.execute(COUNT, &[subject, now]))?;
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// What counts for a deed.
    fn counters(&self, deed: Deed, account: Option<&str>, client: Option<IpAddr>) -> Vec<Counter> {
        let limits = &self.limits;
        let account_name = account.unwrap_or_default();
        let of_account = |kind, rate: Option<Rate>| {
            let rate = rate.filter(|_| account.is_some())?;
            Some(Counter {
                subject: self.subject(kind, account_name, None),
                rate,
                spares_known: deed == Deed::Login,
            })
        };
        let of_client = |kind, name, rate: Option<Rate>| {
            let rate = rate.filter(|_| client.is_some())?;
            Some(Counter {
                subject: self.subject(kind, name, client),
                rate,
                spares_known: false,
            })
        };
        let counters = match deed {
            Deed::Login => vec![
                of_client("login", account_name, limits.login),
                of_client("client", "", limits.client),
                of_account("account", limits.account),
            ],
            Deed::Mail => vec![
                of_account("mail", limits.mail),
                of_client("mails", "", limits.sign_up),
            ],
            Deed::Proof => vec![of_client("client", "", limits.client)],
            Deed::SignUp => vec![of_client("sign-up", "", limits.sign_up)],
        };
        counters.into_iter().flatten().collect()
    }

    /// The row that says that a client is one of the account's own.
    fn known(&self, deed: Deed, account: Option<&str>, client: Option<IpAddr>) -> Option<String> {
        (deed == Deed::Login && client.is_some())
            .then(|| Some(self.subject("known", account?, client)))?
    }

    fn subject(&self, kind: &str, account: &str, client: Option<IpAddr>) -> String {
        let client = client
            .map(network)
            .map_or_else(String::new, |c| c.to_string());
        let account = account.to_ascii_lowercase();
        self.seal("attempts", &format!("{kind} {client} {account}"))
    }
}

/// A count and its limit.
struct Counter {
    subject: String,
    rate: Rate,
    /// Whether it does not count for the account's own clients.
    spares_known: bool,
}

fn attempts(session: &mut Session<'_>, subject: &str, now: Timestamp) -> Result<i64, DbError> {
    let params = [(":subject", subject.into()), (":now", now.centis().into())];
    let attempts = session.query_one(READ, &params, |row| row.int(0))?;
    Ok(attempts.flatten().unwrap_or(0))
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_centis(now.centis().saturating_add(seconds.saturating_mul(100)))
}

/// What one customer of a provider has: an address, or 64 bits of them (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_subject() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }
}
