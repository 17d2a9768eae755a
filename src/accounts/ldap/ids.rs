//! Numbers for entries that have none: the table `weaved_ids`, in the accounts' database.
//!
//! A number belongs to an entry by what stays the same when the entry is renamed (`entryUUID`),
//! or else by its name, and is never given again: the row of an account that was removed stays,
//! under a key that no entry has.
//!
//! The numbers are above all that people give to users (`uidNumber`), and fit in the 32 bits of
//! the original's columns: who gets a number in the directory later must not get another's
//! records. What the storage knows above that is left out as well, so that a table that was lost
//! does no harm.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::accounts::AccountsError;
use crate::accounts::sql::marks;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Session;
use crate::sync::UserId;

/// The first number that is given.
pub(super) const FIRST: i64 = 0x7000_0000;

const TABLE: &str = "weaved_ids";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_ids (
        entry VARCHAR(255) NOT NULL,
        id BIGINT NOT NULL,
        PRIMARY KEY (entry),
        UNIQUE (id)
    ){OPTIONS}
";

const READ: &str = "SELECT id FROM weaved_ids WHERE entry = :entry";
const ENTRY: &str = "SELECT entry FROM weaved_ids WHERE id = :id";
const HIGHEST: &str = "SELECT MAX(id) FROM weaved_ids";
const INSERT: &str = "INSERT INTO weaved_ids (entry, id) VALUES (:entry, :id)";
const RENAME: &str = "UPDATE weaved_ids SET entry = :new WHERE entry = :old";

/// The longest key, in bytes: the width of the column.
const MAX_KEY: usize = 255;

/// How often a number that another process was faster to take is tried anew.
const ATTEMPTS: usize = 10;

/// By what an entry is known; the first that the table has counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// What stays when the entry is renamed, if the directory shows it.
    pub(super) lasting: Option<String>,
    /// The name in lower case.
    pub(super) name: String,
}

/// What a row says of whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Lasting(String),
    Name(String),
}

/// The table.
pub(super) struct Ids {
    database: Arc<Database>,
}

impl Ids {
    /// Makes what is missing. `known` is the highest id that the storage knows.
    pub(super) fn open(
        database: Arc<Database>,
        create_tables: bool,
        known: UserId,
    ) -> Result<Self, AccountsError> {
        let exists = |session: &mut Session<'_>| session.has_table(TABLE);
        if !create_tables && !database.read(exists)? {
            return Err(AccountsError::TableMissing { table: TABLE });
        }
        marks::prepare(&database)?;
        if database.ensure(exists, &database.dialect().table(SCHEMA))? {
            log::info!("database={} made the table {TABLE}", database.name());
        }
        database.write(|session| {
            marks::lock(session)?;
            if known.0 < FIRST {
                marks::raise_highest_id(session, known.0)
            } else if highest(session)? < known.0 {
                insert(session, &gone(known.0), known.0)
            } else {
                Ok(())
            }
        })?;
        Ok(Self { database })
    }

    /// The number of an entry, if it has one here.
    pub(super) fn known(&self, keys: &Keys) -> Result<Option<UserId>, AccountsError> {
        Ok(self
            .database
            .read(|session| find(session, keys))?
            .map(|found| found.1))
    }

    /// The number of an entry, which is given now if it has none.
    pub(super) fn of(&self, keys: &Keys) -> Result<UserId, AccountsError> {
        let wanted = keys.best().ok_or(AccountsError::NameTooLong)?;
        let found = self.database.read(|session| find(session, keys))?;
        if let Some((key, id)) = &found
            && *key == wanted
        {
            return Ok(*id);
        }
        let mut attempts = 0;
        loop {
            let given = self.database.write(|session| {
                marks::lock(session)?;
                if let Some((key, id)) = find(session, keys)? {
                    if key != wanted {
                        let params = [(":old", (&*key).into()), (":new", (&*wanted).into())];
                        session.execute(RENAME, &params)?;
                    }
                    return Ok(id);
                }
                let id = highest(session)?.max(FIRST - 1) + 1;
                insert(session, &wanted, id)?;
                Ok::<_, DbError>(UserId(id))
            });
            match given {
                // Another process was faster, with the same number or the same entry.
                Err(DbError::Constraint(_)) if attempts < ATTEMPTS => attempts += 1,
                given => return Ok(given?),
            }
        }
    }

    /// Whose number this is.
    pub(super) fn owner(&self, id: UserId) -> Result<Option<Owner>, AccountsError> {
        let params = [(":id", id.0.into())];
        let key = self.database.read(|session| {
            session.query_one(ENTRY, &params, |row| row.text(0).map(str::to_owned))
        })?;
        let Some(key) = key.flatten() else {
            return Ok(None);
        };
        Ok(match key.split_once(':') {
            Some(("key", lasting)) => Some(Owner::Lasting(lasting.to_owned())),
            Some(("name", name)) => Some(Owner::Name(name.to_owned())),
            _ => None,
        })
    }

    /// Notes that the account of this id is gone for good, whoever gave the id.
    pub(super) fn bury(&self, id: UserId) -> Result<(), AccountsError> {
        Ok(self.database.write(|session| {
            marks::lock(session)?;
            if id.0 < FIRST {
                return marks::raise_highest_id(session, id.0);
            }
            let mut old = None;
            session.query(ENTRY, &[(":id", id.0.into())], |row| {
                old = row.text(0).map(str::to_owned);
                Ok::<_, DbError>(ControlFlow::Break(()))
            })?;
            match old {
                None => insert(session, &gone(id.0), id.0),
                Some(old) => {
                    let new = gone(id.0);
                    let params = [(":old", (&*old).into()), (":new", (&*new).into())];
                    session.execute(RENAME, &params).map(drop)
                }
            }
        })?)
    }

    /// The highest id below [`FIRST`] that was noted.
    pub(super) fn highest_noted(&self) -> Result<i64, AccountsError> {
        Ok(self.database.read(marks::highest_id)?)
    }

    /// Notes that ids up to this one were given in the directory.
    pub(super) fn note(&self, id: UserId) -> Result<(), AccountsError> {
        Ok(self
            .database
            .write(|session| marks::raise_highest_id(session, id.0))?)
    }

    /// The highest number given here; 0 when there is none.
    pub(super) fn highest(&self) -> Result<i64, AccountsError> {
        Ok(self.database.read(highest)?)
    }
}

impl Keys {
    /// The key under which a number is given; absent when none fits in the column.
    fn best(&self) -> Option<String> {
        self.all().into_iter().next()
    }

    fn all(&self) -> Vec<String> {
        let lasting = self.lasting.iter().map(|key| format!("key:{key}"));
        let all = lasting.chain([format!("name:{}", self.name)]);
        all.filter(|key| key.len() <= MAX_KEY).collect()
    }
}

fn find(session: &mut Session<'_>, keys: &Keys) -> Result<Option<(String, UserId)>, DbError> {
    for key in keys.all() {
        let id = session.query_one(READ, &[(":entry", (&*key).into())], |row| row.int(0))?;
        if let Some(id) = id.flatten() {
            return Ok(Some((key, UserId(id))));
        }
    }
    Ok(None)
}

fn highest(session: &mut Session<'_>) -> Result<i64, DbError> {
    let highest = session.query_one(HIGHEST, &[], |row| row.int(0))?;
    Ok(highest.flatten().unwrap_or(0))
}

fn insert(session: &mut Session<'_>, entry: &str, id: i64) -> Result<(), DbError> {
    let params = [(":entry", entry.into()), (":id", id.into())];
    session.execute(INSERT, &params).map(drop)
}

/// The key of a number that nobody has any more.
fn gone(id: i64) -> String {
    format!("gone:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::PoolOptions;

    fn database() -> Arc<Database> {
        let options = PoolOptions::default();
        Arc::new(Database::open(&"sqlite://".parse().unwrap(), &options).unwrap())
    }

    fn ids(database: &Arc<Database>, known: i64) -> Ids {
        Ids::open(Arc::clone(database), true, UserId(known)).unwrap()
    }

    fn keys(lasting: Option<&str>, name: &str) -> Keys {
        Keys {
            lasting: lasting.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    #[test]
    fn an_entry_keeps_its_number_and_no_number_is_given_twice() {
        let database = database();
        let ids = ids(&database, 7);
        let joe = keys(Some("1-2"), "joe");
        assert_eq!(ids.known(&joe).unwrap(), None);
        let id = ids.of(&joe).unwrap();
        assert_eq!(id, UserId(FIRST));
        assert_eq!(ids.of(&keys(Some("1-2"), "joseph")).unwrap(), id);
        assert_eq!(ids.known(&joe).unwrap(), Some(id));
        assert_eq!(ids.of(&keys(None, "ann")).unwrap(), UserId(FIRST + 1));
        let owner = Owner::Lasting("1-2".to_owned());
        assert_eq!(ids.owner(id).unwrap(), Some(owner));
        ids.bury(id).unwrap();
        assert_eq!(ids.owner(id).unwrap(), None);
        assert_eq!(ids.of(&joe).unwrap(), UserId(FIRST + 2));
        assert_eq!(ids.highest_noted().unwrap(), 7);
    }

    #[test]
    fn a_number_by_name_goes_over_to_what_lasts() {
        let database = database();
        let ids = ids(&database, 0);
        let id = ids.of(&keys(None, "joe")).unwrap();
        assert_eq!(ids.of(&keys(Some("1-2"), "joe")).unwrap(), id);
        // Somebody else gets the name.
        assert_ne!(ids.of(&keys(Some("3-4"), "joe")).unwrap(), id);
    }

    #[test]
    fn what_the_storage_knows_is_left_out() {
        let database = database();
        let first = ids(&database, FIRST + 9);
        assert_eq!(first.of(&keys(None, "joe")).unwrap(), UserId(FIRST + 10));
        let again = ids(&database, FIRST + 9);
        assert_eq!(again.of(&keys(None, "ann")).unwrap(), UserId(FIRST + 11));
    }

    #[test]
    fn a_key_that_does_not_fit_is_none() {
        let long = "x".repeat(300);
        assert_eq!(keys(None, &long).best(), None);
        assert_eq!(keys(Some(&long), "joe").best().unwrap(), "name:joe");
    }
}
