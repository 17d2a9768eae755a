//! Moving in: what a server of another kind is to us, and how its people come here.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::Arrival;
use super::ElsewhereError;
use super::Moved;
use super::Outcome;
use super::Passenger;
use super::arrive;
use super::let_in;
use super::unfit;
use crate::accounts::Account;
use crate::accounts::Accounts;
use crate::causes::chain;
use crate::storage::Restored;
use crate::storage::Source;
use crate::storage::Storage;
use crate::storage::StorageError;
use crate::storage::Stored;
use crate::storage::Visit;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// A server of another kind, as it lies there. It is only read.
pub trait Elsewhere {
    /// Everybody who has anything there.
    ///
    /// # Errors
    /// Any [`ElsewhereError`] of its data.
    fn people(&mut self) -> Result<Vec<Person>, ElsewhereError>;

    /// Lends all records of somebody, each time from the first on; the first error of `take` ends
    /// it.
    ///
    /// # Errors
    /// Those of `take`, and [`StorageError::Source`] when a record cannot be read.
    fn records(&mut self, person: &Person, take: &mut Take<'_>) -> Result<(), StorageError>;
}

/// What an [`Elsewhere`] lends its records to: each a record, or why there is none that could
/// be kept.
pub type Take<'a> = dyn FnMut(Result<&Stored<'_>, &'static str>) -> Result<(), StorageError> + 'a;

/// Somebody who has something on another server.
#[derive(Clone, Debug)]
pub struct Person {
    /// His number in that server's list, by which his records are found.
    pub(super) place: usize,
    /// What he is called in the report.
    pub name: String,
    /// His account; or why he cannot come.
    pub passenger: Result<Passenger, String>,
    /// What else a person should know of him.
    pub notes: Vec<String>,
}

/// Where people move to.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// The accounts here.
    pub accounts: &'a dyn Accounts,
    /// The records here.
    pub storage: &'a dyn Storage,
    /// The highest id that any storage knows.
    pub floor: UserId,
}

/// Brings somebody here with his records; safe to repeat.
///
/// # Errors
/// Those of the accounts and the storage here. What is wrong with him or with his records is in
/// the report.
pub fn move_in(
    person: &Person,
    from: &mut dyn Elsewhere,
    to: Destination<'_>,
) -> Result<Arrival, ElsewhereError> {
    let passenger = match &person.passenger {
        Ok(passenger) => passenger,
        Err(why) => {
            return Ok(Arrival::none(left_out(person, why, from)));
        }
    };
    let mut arrival = arrive(passenger, to.accounts, to.floor)?;
    arrival.moved.notes.extend(person.notes.iter().cloned());
    let Some(user) = arrival.user else {
        count_left_out(&mut arrival.moved, person, from);
        return Ok(arrival);
    };
    if bring(person, from, to.storage, user, &mut arrival.moved)? {
        let_in(&arrival, to.accounts)?;
    }
    Ok(arrival)
}

/// Brings his records; answers whether they came.
fn bring(
    person: &Person,
    from: &mut dyn Elsewhere,
    storage: &dyn Storage,
    user: UserId,
    moved: &mut Moved,
) -> Result<bool, ElsewhereError> {
    let mut fit = Fit::new(person, from);
    match storage.restore(user, &mut fit) {
        Ok(restored) => moved.count(restored),
        Err(StorageError::Source(cause)) => {
            let note = format!(
                "none of its records came, because they cannot be read, and a new account stays \
                 disabled until they do: {}",
                chain(cause.as_ref())
            );
            moved.notes.push(note);
            return Ok(false);
        }
        Err(error) => return Err(ElsewhereError::Storage(error)),
    }
    fit.tell(moved);
    Ok(true)
}

/// What [`move_in`] would do, without doing it: of an account that is here it is not known which
/// records are the same.
///
/// # Errors
/// Those of the accounts here.
pub fn rehearse(
    person: &Person,
    from: &mut dyn Elsewhere,
    accounts: &dyn Accounts,
    now: Timestamp,
) -> Result<Moved, ElsewhereError> {
    let passenger = match &person.passenger {
        Ok(passenger) => passenger,
        Err(why) => return Ok(left_out(person, why, from)),
    };
    let found = accounts.find(&passenger.name)?;
    let is_another = |account: &Account| account.name != passenger.name;
    let known = found.is_some();
    let outcome = match &found {
        Some(account) if is_another(account) => Outcome::Refused,
        Some(_) => Outcome::Known,
        None => Outcome::Made,
    };
    let mut moved = Moved::new(passenger.name.as_str(), outcome);
    moved.notes.extend(person.notes.iter().cloned());
    if known {
        let note = "its records would be held against those that are here";
        moved.notes.push(note.to_owned());
    } else if passenger.hash.is_none() {
        let note = "it has no password that can be used here";
        moved.notes.push(note.to_owned());
    }
    let mut restored = Restored::default();
    let mut fit = Fit::new(person, from);
    let read = fit.each(&mut |stored| {
        let expired = stored.expires.is_some_and(|until| until <= now.seconds());
        let count = if expired {
            &mut restored.expired
        } else {
            &mut restored.added
        };
        *count += 1;
        Ok(())
    });
    if let Err(error) = read {
        moved.notes.push(chain(&error));
    }
    fit.tell(&mut moved);
    moved.count(restored);
    Ok(moved)
}

/// Somebody who cannot come, with what he leaves behind.
fn left_out(person: &Person, why: &str, from: &mut dyn Elsewhere) -> Moved {
    let mut moved = Moved::new(&person.name, Outcome::Refused);
    moved.notes.push(why.to_owned());
    moved.notes.extend(person.notes.iter().cloned());
    count_left_out(&mut moved, person, from);
    moved
}

fn count_left_out(moved: &mut Moved, person: &Person, from: &mut dyn Elsewhere) {
    let mut records = 0;
    let counted = from.records(person, &mut |_| {
        records += 1;
        Ok(())
    });
    if counted.is_ok() && records > 0 {
        moved.skip("no account here", records);
    }
}

/// The records of somebody that can be kept here, and how many cannot.
struct Fit<'a> {
    person: &'a Person,
    from: &'a mut dyn Elsewhere,
    /// By reason.
    left_out: BTreeMap<&'static str, u64>,
}

impl<'a> Fit<'a> {
    fn new(person: &'a Person, from: &'a mut dyn Elsewhere) -> Self {
        Self {
            person,
            from,
            left_out: BTreeMap::new(),
        }
    }

    fn tell(self, moved: &mut Moved) {
        for (why, records) in self.left_out {
            moved.skip(why, records);
        }
    }
}

impl Source for Fit<'_> {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        let left_out = &mut self.left_out;
        left_out.clear();
        self.from.records(self.person, &mut |found| {
            let why = match found {
                Ok(stored) => match unfit(stored) {
                    None => return visit(stored),
                    Some(why) => why,
                },
                Err(why) => why,
            };
            *left_out.entry(why).or_default() += 1;
            Ok(())
        })
    }
}

/// Goes on with the next row, or ends with the first error.
pub(super) fn flow(result: Result<(), StorageError>) -> Result<ControlFlow<()>, StorageError> {
    result.map(|()| ControlFlow::Continue(()))
}
