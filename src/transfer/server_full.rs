//! server-full of any year, and weaved itself: accounts in `user` or `users`, records in `wbo` or
//! in `wbo0` to `wbo99`, names in `collections` (spec/user-1.0.md, 8; spec/storage-1.1.md, 7).
//!
//! The database is only read: unlike [`SqlStorage`](crate::storage::SqlStorage) this makes no
//! tables and mends none.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use super::Elsewhere;
use super::ElsewhereError;
use super::Passenger;
use super::Person;
use super::Take;
use super::rows;
use super::rows::Times;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Flow;
use crate::db::Row;
use crate::storage::Names;
use crate::storage::StorageError;
use crate::sync::CollectionName;

const USER: &str = r#"
    SELECT userid, username, password, mail, "accountStatus", "syncNode"
    FROM "user"
    ORDER BY userid"#;

const USERS: &str = "
    SELECT id, username, password_hash, email, status, NULL
    FROM users
    ORDER BY id";

/// How many tables `shard = true` means.
const SHARDS: i64 = 100;

/// The databases of a server.
pub struct ServerFull {
    /// Where the accounts are, when that is somewhere else.
    accounts: Option<Database>,
    /// The accounts' statement.
    people: &'static str,
    records: Database,
    is_sharded: bool,
    /// The ids of the people that were found.
    ids: Vec<i64>,
}

impl ServerFull {
    /// Makes sure that it is one; `accounts` is where these are, if not with the records.
    ///
    /// # Errors
    /// [`ElsewhereError::Other`] when it is none, and [`ElsewhereError::Database`].
    pub fn open(records: Database, accounts: Option<Database>) -> Result<Self, ElsewhereError> {
        let has = |database: &Database, table| database.read(|session| session.has_table(table));
        let holder = accounts.as_ref().unwrap_or(&records);
        let [user, users] =
            ["user", "users"].map(|table| Ok::<_, DbError>(!is_empty(holder, table)?));
        let (user, users) = (user?, users?);
        let none = |database: &Database, what: &str| {
            let text = format!("{} is no database of server-full: {what}", database.name());
            ElsewhereError::Other(text)
        };
        let people = match (user, users) {
            (true, true) => {
                let what = "it has accounts in `user` and in `users`, and only one of them counts";
                return Err(none(holder, what));
            }
            (true, false) => USER,
            (false, true) => USERS,
            (false, false) => {
                let what = "it has no accounts in `user` or `users` (see --accounts)";
                return Err(none(holder, what));
            }
        };
        let is_sharded = match (has(&records, "wbo")?, has(&records, "wbo0")?) {
            (_, true) if is_empty(&records, "wbo")? => true,
            (true, false) => false,
            (true, true) => {
                let what = "it has records in `wbo` and in `wbo0`, and only one of them counts";
                return Err(none(&records, what));
            }
            _ => return Err(none(&records, "it has no table `wbo` or `wbo0`")),
        };
        Ok(Self {
            accounts,
            people,
            records,
            is_sharded,
            ids: Vec::new(),
        })
    }

    /// The ids that records belong to.
    fn owners(&self) -> Result<BTreeSet<i64>, DbError> {
        let tables: Vec<String> = if self.is_sharded {
            (0..SHARDS).map(|shard| format!("wbo{shard}")).collect()
        } else {
            vec!["wbo".to_owned()]
        };
        let mut owners = BTreeSet::new();
        self.records.patient().read(|session| {
            for table in &tables {
                if !session.has_table(table)? {
                    continue;
                }
                let sql = format!("SELECT DISTINCT username FROM {table}");
                session.query::<DbError>(&sql, &[], |row| {
                    owners.extend(row.int(0));
                    Ok(Flow::Continue(()))
                })?;
            }
            Ok::<_, DbError>(())
        })?;
        Ok(owners)
    }
}

impl Elsewhere for ServerFull {
    fn people(&mut self) -> Result<Vec<Person>, ElsewhereError> {
        let holder = self.accounts.as_ref().unwrap_or(&self.records);
        let mut found = Vec::new();
        holder.read(|session| {
            found.clear();
            session.query::<DbError>(self.people, &[], |row| {
                found.extend(row.int(0).map(|id| (id, read(row))));
                Ok(Flow::Continue(()))
            })
        })?;
        let mut strangers = self.owners()?;
        let mut seen = BTreeMap::new();
        let mut people = Vec::new();
        self.ids.clear();
        for (id, mut person) in found {
            strangers.remove(&id);
            if let Some(first) = seen.insert(person.name.to_lowercase(), id) {
                person.passenger = Err(format!(
                    "there are two accounts of this name there; the one with the number {first} \
                     was taken"
                ));
                seen.insert(person.name.to_lowercase(), first);
            }
            person.place = people.len();
            people.push(person);
            self.ids.push(id);
        }
        for id in strangers {
            people.push(Person {
                place: people.len(),
                name: format!("user {id}"),
                passenger: Err("there is no account with this number there".to_owned()),
                notes: Vec::new(),
            });
            self.ids.push(id);
        }
        Ok(people)
    }

    fn records(&mut self, person: &Person, take: &mut Take<'_>) -> Result<(), StorageError> {
        let Some(&user) = self.ids.get(person.place) else {
            return Ok(());
        };
        let table = match self.is_sharded {
            true => format!("wbo{}", user.rem_euclid(SHARDS)),
            false => "wbo".to_owned(),
        };
        let mut snapshot = self.records.snapshot().map_err(rows::cannot_read)?;
        let mut session = snapshot.session();
        let params = [(":user", user.into())];
        let mut names = HashMap::new();
        if session
            .has_table("collections")
            .map_err(rows::cannot_read)?
        {
            let sql = "SELECT collectionid, name FROM collections WHERE userid = :user";
            let read = session.query::<DbError>(sql, &params, |row| {
                if let (Some(id), Some(name)) = (row.int(0), row.text(1)) {
                    names.insert(id, name.parse::<CollectionName>().ok());
                }
                Ok(Flow::Continue(()))
            });
            read.map_err(rows::cannot_read)?;
        }
        // A name of its own goes before that of the list, which may not be in use there.
        let mut name_of = |row: &Row<'_>| {
            let id = row.int(0)?;
            let listed = || Names::Fixed.listed_name(id)?.parse().ok();
            names.entry(id).or_insert_with(listed).clone()
        };
        let columns = rows::columns("collection", Times::Centiseconds, session.dialect());
        let sql = format!("SELECT {columns} FROM {table} WHERE username = :user");
        rows::each(
            &mut session,
            &sql,
            &params,
            Times::Centiseconds,
            &mut name_of,
            take,
        )
    }
}

/// An account as a row has it.
fn read(row: &Row<'_>) -> Person {
    let name = row.text(1).unwrap_or_default();
    let passenger = UserName::new(name).map(|name| Passenger {
        name,
        email: row.text(3).map(str::to_owned),
        hash: row.text(2).and_then(StoredHash::parse),
        state: match row.int(4) {
            Some(1) => State::Active,
            _ => State::Disabled,
        },
        node: None,
    });
    let node = row.text(5).filter(|node| !node.is_empty());
    Person {
        place: 0,
        name: name.to_owned(),
        passenger: passenger.map_err(|_| "its name is none that a URL can hold".to_owned()),
        notes: node
            .map(|node| {
                format!(
                    "its node was {}; here it has the server's",
                    node.escape_debug()
                )
            })
            .into_iter()
            .collect(),
    }
}

/// Whether a table is missing, or has no rows.
fn is_empty(database: &Database, table: &str) -> Result<bool, DbError> {
    database.read(|session| {
        if !session.has_table(table)? {
            return Ok(true);
        }
        let sql = format!("SELECT 1 FROM \"{table}\" LIMIT 1");
        Ok(session.query_one(&sql, &[], |_| ())?.is_none())
    })
}
