//! weave-minimal: a folder with a SQLite file for each account, which has a table for each
//! collection.
//!
//! A file is named `<user name>.<16 digits of a SHA-1>`, and that is all that is known of a
//! password; no address is known. Whoever registered twice has two files, of which the older one
//! cannot be reached any more, or belongs to another password.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

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
use crate::causes::chain;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Flow;
use crate::db::PoolOptions;
use crate::storage::StorageError;
use crate::sync::CollectionName;

/// A folder of weave-minimal.
pub struct WeaveMinimal {
    options: PoolOptions,
    files: Vec<File>,
}

/// The file of an account.
#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    user: String,
    digits: String,
    /// The time of the last write, in centiseconds, as far as that can be told.
    written: i64,
    /// Why it cannot be read.
    broken: Option<String>,
}

impl WeaveMinimal {
    /// Looks what is there.
    ///
    /// # Errors
    /// [`ElsewhereError::Folder`], and [`ElsewhereError::Other`] when no file is named like one of
    /// weave-minimal's.
    pub fn open(folder: &Path, options: PoolOptions) -> Result<Self, ElsewhereError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(ElsewhereError::Folder)? {
            let path = entry.map_err(ElsewhereError::Folder)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some((user, digits)) = name.and_then(parts_of) else {
                continue;
            };
            if path.is_file() {
                files.push(File {
                    user: user.to_owned(),
                    digits: digits.to_owned(),
                    path,
                    written: 0,
                    broken: None,
                });
            }
        }
        if files.is_empty() {
            let text = format!(
                "{} is no folder of weave-minimal: no file there is named NAME.0123456789abcdef",
                folder.display()
            );
            return Err(ElsewhereError::Other(text));
        }
        for file in &mut files {
            match last_write(&file.path, &options) {
                Ok(written) => file.written = written,
                Err(error) => file.broken = Some(chain(&error)),
            }
        }
        // Of one account the newest first; what cannot be read last.
        files.sort_by(|one, other| {
            let order = one.user.cmp(&other.user);
            let order = order.then(one.broken.is_some().cmp(&other.broken.is_some()));
            let order = order.then(other.written.cmp(&one.written));
            order.then(one.path.cmp(&other.path))
        });
        Ok(Self { options, files })
    }
}

impl Elsewhere for WeaveMinimal {
    fn people(&mut self) -> Result<Vec<Person>, ElsewhereError> {
        let mut newest = BTreeMap::new();
        for (place, file) in self.files.iter().enumerate() {
            newest.entry(file.user.as_str()).or_insert(place);
        }
        let people = self.files.iter().enumerate().map(|(place, file)| {
            let shown = file.path.display();
            let name = UserName::new(&file.user);
            let passenger = match (&file.broken, name) {
                (Some(why), _) => Err(format!("{shown} cannot be read: {why}")),
                (None, Err(_)) => Err("its name is none that a URL can hold".to_owned()),
                (None, Ok(_)) if newest.get(file.user.as_str()) != Some(&place) => {
                    Err(format!("{shown} is older than another file of the account"))
                }
                (None, Ok(name)) => Ok(Passenger {
                    name,
                    email: None,
                    hash: StoredHash::of_weave_minimal(&file.digits),
                    state: State::Active,
                    node: None,
                }),
            };
            Person {
                place,
                name: file.user.clone(),
                passenger,
                notes: Vec::new(),
            }
        });
        Ok(people.collect())
    }

    fn records(&mut self, person: &Person, take: &mut Take<'_>) -> Result<(), StorageError> {
        let Some(file) = self.files.get(person.place) else {
            return Ok(());
        };
        let database = Database::open_file_to_read(&file.path, &self.options);
        let database = database.map_err(rows::cannot_read)?;
        let mut snapshot = database.snapshot().map_err(rows::cannot_read)?;
        let mut session = snapshot.session();
        let mut tables = Vec::new();
        let listed = session.query::<DbError>(TABLES, &[], |row| {
            tables.extend(row.text(0).map(str::to_owned));
            Ok(Flow::Continue(()))
        });
        listed.map_err(rows::cannot_read)?;
        for table in tables {
            let collection: Option<CollectionName> = table.parse().ok();
            let columns = rows::columns("NULL", Times::Seconds, database.dialect());
            let sql = format!("SELECT {columns} FROM {}", quoted(&table));
            rows::each(
                &mut session,
                &sql,
                &[],
                Times::Seconds,
                &mut |_| collection.clone(),
                take,
            )?;
        }
        Ok(())
    }
}

const TABLES: &str = "
    SELECT name
    FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
    ORDER BY name";

/// The time of the last write, or else that of the file.
fn last_write(path: &Path, options: &PoolOptions) -> Result<i64, DbError> {
    let database = Database::open_file_to_read(path, options)?;
    let mut newest = 0;
    database.read(|session| {
        let mut tables = Vec::new();
        session.query::<DbError>(TABLES, &[], |row| {
            tables.extend(row.text(0).map(quoted));
            Ok(Flow::Continue(()))
        })?;
        for table in tables {
            let sql = format!("SELECT CAST(ROUND(MAX(modified) * 100) AS INTEGER) FROM {table}");
            let last = session.query_one(&sql, &[], |row| row.int(0))?.flatten();
            newest = newest.max(last.unwrap_or_default());
        }
        Ok::<_, DbError>(())
    })?;
    if newest > 0 {
        return Ok(newest);
    }
    let changed = fs::metadata(path).and_then(|file| file.modified()).ok();
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|time| i64::try_from(time.as_millis() / 10).ok());
    Ok(changed.unwrap_or_default())
}

/// The user name and the digits in a file's name.
fn parts_of(name: &str) -> Option<(&str, &str)> {
    let (user, digits) = name.rsplit_once('.')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fine = !user.is_empty() && digits.len() == 16 && digits.bytes().all(is_digit);
    fine.then_some((user, digits))
}

fn quoted(table: &str) -> String {
    format!("\"{}\"", table.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name() {
        for (name, parts) in [
            ("bob.c203011d1453ba7c", Some(("bob", "c203011d1453ba7c"))),
            ("a.b.c203011d1453ba7c", Some(("a.b", "c203011d1453ba7c"))),
            (".c203011d1453ba7c", None),
            ("bob.c203011d1453ba7", None),
            ("bob.C203011D1453BA7C", None),
            ("bob.c203011d1453ba7c-journal", None),
            ("bob", None),
        ] {
            assert_eq!(parts_of(name), parts, "{name}");
        }
    }
}
