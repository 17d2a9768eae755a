//! When accounts were used last: the table `weaved_last_use`, a day for each user.
//!
//! A change of records says little: whoever only reads never changes any (spec/users.md, 28). A
//! use is noted in memory, which is all that a request waits for, and written down within
//! seconds: one row a user and day and process at most. A process that is killed loses what it
//! has not written down; the next request notes it again.
//!
//! Beside it is `weaved_warnings`: the day on which somebody was told that his records would go.
//!
//! The row of [`NOBODY`] is the day on which the counting began: before it nothing is known.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use super::AccountsError;
use crate::db::Database;
use crate::db::DbError;
use crate::sync::Timestamp;
use crate::sync::UserId;

const TABLE: &str = "weaved_last_use";
const WARNINGS: &str = "weaved_warnings";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_last_use (
        userid BIGINT NOT NULL,
        day INTEGER NOT NULL,
        PRIMARY KEY (userid)
    ){OPTIONS}";

const WARNINGS_SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_warnings (
        userid BIGINT NOT NULL,
        day INTEGER NOT NULL,
        PRIMARY KEY (userid)
    ){OPTIONS}";

const ALL: &str = "SELECT userid, day FROM weaved_last_use";
const READ: &str = "SELECT day FROM weaved_last_use WHERE userid = :user";
const RAISE: &str = "UPDATE weaved_last_use SET day = :day WHERE userid = :user AND day < :day";
const INSERT: &str = "INSERT INTO weaved_last_use (userid, day) VALUES (:user, :day)";
const FORGET: &str = "DELETE FROM weaved_last_use WHERE userid = :user";
const WARNED: &str = "SELECT day FROM weaved_warnings WHERE userid = :user";
const FORGET_WARNING: &str = "DELETE FROM weaved_warnings WHERE userid = :user";
const INSERT_WARNING: &str = "INSERT INTO weaved_warnings (userid, day) VALUES (:user, :day)";

/// Whose row is none of a user's.
const NOBODY: UserId = UserId(-1);

/// A day of the calendar in UTC, counted from 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    const SECONDS: i64 = 24 * 60 * 60;

    /// The day of a moment.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.seconds().div_euclid(Self::SECONDS))
    }

    /// So many days later.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// So many days before.
    #[must_use]
    pub const fn minus(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

/// `2026-11-28`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = jiff::Timestamp::from_second(self.0.saturating_mul(Self::SECONDS));
        match second {
            Ok(second) => write!(f, "{}", second.strftime("%Y-%m-%d")),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

/// When accounts were used last.
pub struct LastUse {
    database: Arc<Database>,
    days: Mutex<Days>,
}

/// What this process knows of.
#[derive(Default)]
struct Days {
    /// The latest day that is noted or written down.
    known: BTreeMap<UserId, Day>,
    /// Those of it that are not written down yet.
    due: BTreeMap<UserId, Day>,
}

impl LastUse {
    /// Makes the table where it is missing; counting begins `now` then.
    ///
    /// # Errors
    /// Those of the database.
    pub fn open(database: Arc<Database>, now: Timestamp) -> Result<Self, AccountsError> {
        for (table, schema) in [(TABLE, SCHEMA), (WARNINGS, WARNINGS_SCHEMA)] {
            let schema = database.dialect().table(schema);
            database.ensure(|session| session.has_table(table), &schema)?;
        }
        let last_use = Self {
            database,
            days: Mutex::default(),
        };
        if last_use.day_of(NOBODY)?.is_none() {
            last_use.write(NOBODY, Day::of(now))?;
        }
        Ok(last_use)
    }

    /// The day on which the counting began: who is not noted was perhaps here before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn since(&self) -> Result<Option<Day>, AccountsError> {
        Ok(self.day_of(NOBODY)?)
    }

    /// Notes that a user was here now.
    pub fn note(&self, user: UserId, now: Timestamp) {
        let today = Day::of(now);
        let mut days = self.days();
        if days.known.get(&user).is_none_or(|day| *day < today) {
            days.known.insert(user, today);
            days.due.insert(user, today);
        }
    }

    /// Writes down what was noted; a failure leaves it for the next time.
    ///
    /// # Errors
    /// Those of the database.
    pub fn write_down(&self) -> Result<(), AccountsError> {
        let due = self.days().due.clone();
        for (user, day) in due {
            self.write(user, day)?;
            let mut days = self.days();
            if days.due.get(&user) == Some(&day) {
                days.due.remove(&user);
            }
        }
        Ok(())
    }

    /// The day of each user's last use that was written down; nobody's before this was counted.
    ///
    /// # Errors
    /// Those of the database.
    pub fn all(&self) -> Result<BTreeMap<UserId, Day>, AccountsError> {
        let mut all = BTreeMap::new();
        self.database.read(|session| {
            session.query(ALL, &[], |row| {
                if let (Some(user), Some(day)) = (row.int(0), row.int(1))
                    && UserId(user) != NOBODY
                {
                    all.insert(UserId(user), Day(day));
                }
                Ok::<_, DbError>(ControlFlow::Continue(()))
            })
        })?;
        Ok(all)
    }

    /// The day of one user's last use that was written down.
    ///
    /// # Errors
    /// Those of the database.
    pub fn day(&self, user: UserId) -> Result<Option<Day>, AccountsError> {
        Ok(self.day_of(user)?)
    }

    /// The day on which a user was warned last.
    ///
    /// # Errors
    /// Those of the database.
    pub fn warned(&self, user: UserId) -> Result<Option<Day>, AccountsError> {
        let params = [(":user", user.0.into())];
        let day = self
            .database
            .read(|session| session.query_one(WARNED, &params, |row| row.int(0)))?;
        Ok(day.flatten().map(Day))
    }

    /// Notes that a user is warned today.
    ///
    /// # Errors
    /// Those of the database.
    pub fn warn(&self, user: UserId, today: Day) -> Result<(), AccountsError> {
        let user = (":user", user.0.into());
        let day = (":day", today.0.into());
        Ok(self.database.write(|session| {
            session.execute(FORGET_WARNING, &[user])?;
            session.execute(INSERT_WARNING, &[user, day])?;
            Ok::<_, DbError>(())
        })?)
    }

    /// Forgets a user, whose account is gone.
    ///
    /// # Errors
    /// Those of the database.
    pub fn forget(&self, user: UserId) -> Result<(), AccountsError> {
        self.days().due.remove(&user);
        let params = [(":user", user.0.into())];
        Ok(self.database.write(|session| {
            session.execute(FORGET, &params)?;
            session.execute(FORGET_WARNING, &params)?;
            Ok::<_, DbError>(())
        })?)
    }

    fn write(&self, user: UserId, day: Day) -> Result<(), AccountsError> {
        let user = (":user", user.0.into());
        let day = (":day", day.0.into());
        let written = self.database.write(|session| {
            let known = session.query_one(READ, &[user], |_| ())?;
            match known {
                Some(()) => session.execute(RAISE, &[user, day]),
                None => session.execute(INSERT, &[user, day]),
            }
        });
        match written {
            // Another process was faster.
            Err(DbError::Constraint(_)) => {
                self.database
                    .write(|session| session.execute(RAISE, &[user, day]))?;
            }
            other => {
                other?;
            }
        }
        Ok(())
    }

    fn day_of(&self, user: UserId) -> Result<Option<Day>, DbError> {
        let params = [(":user", user.0.into())];
        let day = self
            .database
            .read(|session| session.query_one(READ, &params, |row| row.int(0)))?;
        Ok(day.flatten().map(Day))
    }

    fn days(&self) -> MutexGuard<'_, Days> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_as_a_date() {
        let day = |seconds: i64| Day::of(Timestamp::from_centis(seconds * 100));
        for (seconds, date) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (1_795_824_000, "2026-11-28"),
            (1_795_910_399, "2026-11-28"),
        ] {
            assert_eq!(day(seconds).to_string(), date);
        }
        assert_eq!(Day(i64::MAX).to_string(), format!("day {}", i64::MAX));
        assert!(day(1_795_824_000).minus(1) < day(1_795_824_000));
    }
}
