//! FSyncMS: `users(username, md5)` and `wbo`, whose `username` and `collection` are texts. Of two
//! forks one puts a prefix before the tables' names.
//!
//! The column `md5` holds MD5 or bcrypt. Names are those of URLs; no address is known.

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
use crate::storage::StorageError;

/// A database of FSyncMS.
pub struct FSyncMs {
    database: Database,
    users: String,
    wbo: String,
    /// The names of the people that were found.
    names: Vec<String>,
}

impl FSyncMs {
    /// Makes sure that it is one. `prefix` is what stands before the names of its tables, usually
    /// nothing.
    ///
    /// # Errors
    /// [`ElsewhereError::Other`] when it is none, and [`ElsewhereError::Database`].
    pub fn open(database: Database, prefix: &str) -> Result<Self, ElsewhereError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !prefix.bytes().all(plain) {
            let text = "a prefix of tables has only letters, digits and `_`";
            return Err(ElsewhereError::Other(text.to_owned()));
        }
        // As FSyncMS does it.
        let joint = if prefix.is_empty() || prefix.ends_with('_') {
            ""
        } else {
            "_"
        };
        let [users, wbo] = ["users", "wbo"].map(|name| format!("{prefix}{joint}{name}"));
        for table in [&users, &wbo] {
            if !database.read(|session| session.has_table(table))? {
                let text = format!(
                    "{} is no database of FSyncMS: it has no table {table} (see --prefix)",
                    database.name()
                );
                return Err(ElsewhereError::Other(text));
            }
        }
        Ok(Self {
            database,
            users,
            wbo,
            names: Vec::new(),
        })
    }
}

impl Elsewhere for FSyncMs {
    fn people(&mut self) -> Result<Vec<Person>, ElsewhereError> {
        let (users, wbo) = (&self.users, &self.wbo);
        // The others have records, but no account.
        let sql = format!(
            "SELECT username, md5, 1 FROM {users}
            UNION ALL
            SELECT DISTINCT username, NULL, 0 FROM {wbo}
            WHERE username NOT IN (SELECT username FROM {users})
            ORDER BY 1"
        );
        let mut people = Vec::new();
        let mut names = Vec::new();
        self.database.read(|session| {
            people.clear();
            names.clear();
            session.query::<DbError>(&sql, &[], |row| {
                let name = row.text(0).unwrap_or_default();
                let passenger = match UserName::new(name) {
                    _ if row.int(2) != Some(1) => {
                        Err("there is no account of this name there".to_owned())
                    }
                    Ok(name) => Ok(Passenger {
                        name,
                        email: None,
                        hash: row.text(1).and_then(StoredHash::parse),
                        state: State::Active,
                        node: None,
                    }),
                    Err(_) => Err("its name is none that a URL can hold".to_owned()),
                };
                people.push(Person {
                    place: names.len(),
                    name: name.to_owned(),
                    passenger,
                    notes: Vec::new(),
                });
                names.push(name.to_owned());
                Ok(Flow::Continue(()))
            })
        })?;
        self.names = names;
        Ok(people)
    }

    fn records(&mut self, person: &Person, take: &mut Take<'_>) -> Result<(), StorageError> {
        let name = self.names.get(person.place).map_or("", String::as_str);
        let columns = rows::columns("collection", Times::Seconds, self.database.dialect());
        let sql = format!("SELECT {columns} FROM {} WHERE username = :name", self.wbo);
        let mut snapshot = self.database.snapshot().map_err(rows::cannot_read)?;
        rows::each(
            &mut snapshot.session(),
            &sql,
            &[(":name", name.into())],
            Times::Seconds,
            &mut |row| row.text(0)?.parse().ok(),
            take,
        )
    }
}
