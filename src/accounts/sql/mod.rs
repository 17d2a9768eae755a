//! Accounts in a database, in the tables of the original server as they are.
//!
//! Which of the two table families counts is found out when the accounts are opened. Apart from
//! `weaved_marks` nothing is added to the database, no column changes its meaning, and the
//! original can go on with it, if new passwords are stored in its format
//! (spec/user-1.0.md, 8; spec/storage-1.1.md, 7).
//!
//! Invariants: an id is never given twice. A hash is computed outside any transaction and
//! within a slot. No two names differ in case only, unless they did before.

mod ddl;
mod login;
pub(super) mod marks;
mod schema;
mod statements;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use zeroize::Zeroizing;

pub use schema::Family;

use super::Account;
use super::Accounts;
use super::AccountsError;
use super::Credential;
use super::Email;
use super::Login;
use super::NewAccount;
use super::NewPassword;
use super::Password;
use super::State;
use super::UserId;
use super::UserName;
use super::cache::Cache;
use super::codes;
use super::hash::HashScheme;
use super::hash::Slots;
use super::hash::StoredHash;
use super::names::MAX_NEW_NAME;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Dialect;
use crate::db::Params;
use crate::db::Row;
use crate::db::Session;
use statements::Statements;

/// The status of an account that may log in, in either table.
const ACTIVE: i64 = 1;

/// How long a verified password is remembered: a changed one counts at once nevertheless.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// How accounts in a database behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlSettings {
    /// Whether disabled accounts are refused.
    pub check_account_state: bool,
    /// Whether missing tables are made.
    pub create_tables: bool,
    /// The table to use as long as neither holds an account.
    pub family: Family,
    /// Passwords hashed at once in this process; each takes 16 MiB, or what an old hash
    /// asks for, and a core.
    pub parallel_hashes: usize,
    /// How long a login waits for its turn to hash.
    pub patience: Duration,
    /// Whether a hash that is not in `scheme` is replaced at a login.
    pub rehash: bool,
    /// How new passwords are stored.
    pub scheme: HashScheme,
}

impl Default for SqlSettings {
    fn default() -> Self {
        Self {
            check_account_state: true,
            create_tables: true,
            family: Family::default(),
            parallel_hashes: 4,
            patience: Duration::from_secs(10),
            rehash: true,
            scheme: HashScheme::default(),
        }
    }
}

/// Accounts in a database.
pub struct SqlAccounts {
    cache: Cache,
    database: Arc<Database>,
    decoy_key: i64,
    family: Family,
    settings: SqlSettings,
    slots: Slots,
    sql: &'static Statements,
    verifications: AtomicU64,
}

/// An account that a login may mean, and its stored hash.
struct Candidate {
    account: Account,
    hash: Option<String>,
}

impl SqlAccounts {
    /// Finds out which table holds the accounts, and makes what is missing.
    ///
    /// # Errors
    /// [`AccountsError::TwoFamilies`] when both tables hold accounts,
    /// [`AccountsError::TableMissing`] when there is none and none may be made, and those of
    /// the database.
    pub fn open(database: Arc<Database>, settings: SqlSettings) -> Result<Self, AccountsError> {
        let family = match schema::inhabited(&database)? {
            Some(family) => family,
            None => settings.family,
        };
        if family != settings.family {
            log::warn!(
                "database={} the accounts are in the table {}, not in {} as the settings say",
                database.name(),
                family.statements().table,
                settings.family.statements().table,
            );
        }
        let sql = family.statements();
        let is_there = |session: &mut Session<'_>| session.has_table(sql.table);
        if !settings.create_tables && !database.read(is_there)? {
            return Err(AccountsError::TableMissing { table: sql.table });
        }
        if database.ensure(is_there, &family.schema(database.dialect()))? {
            log::info!("database={} made the table {}", database.name(), sql.table);
        }
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(AccountsError::Random)?;
        Ok(Self {
            cache: Cache::new(secret, REMEMBERED),
            decoy_key: marks::prepare(&database)?,
            database,
            family,
            slots: Slots::new(settings.parallel_hashes, settings.patience),
            settings,
            sql,
            verifications: AtomicU64::new(0),
        })
    }

    /// The table that holds the accounts.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// How many times a password was compared with a hash since the start.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }

    /// The accounts of a name: those that may log in first, then by id. More than one only in
    /// an old `users`, which allows it.
    fn candidates(&self, name: &UserName) -> Result<Vec<Candidate>, AccountsError> {
        let lowered = name.lowered();
        // Two queries for two names: a list of names would make SQLite build a table of them.
        let names = [
            Some(name),
            Some(&lowered).filter(|lowered| *lowered != name),
        ];
        let mut found = Vec::new();
        let mut look = |session: &mut Session<'_>| {
            names.into_iter().flatten().try_for_each(|name| {
                let params = [(":name", name.as_str().into())];
                session.query(self.sql.by_name, &params, |row| {
                    found.extend(candidate(row));
                    Ok::<_, DbError>(ControlFlow::Continue(()))
                })
            })
        };
        if names.iter().flatten().count() == 1 {
            self.database.glance(&mut look)?;
        } else {
            self.database.read(&mut look)?;
        }
        let wanted = match found.iter().any(|c| c.account.name == *name) {
            true => name,
            false => &lowered,
        };
        found.retain(|c| c.account.name == *wanted);
        found.sort_by_key(|c| c.account.state != State::Active);
        Ok(found)
    }

    fn hashed(&self, password: &Password) -> Result<StoredHash, AccountsError> {
        let _slot = self.slots.take()?;
        StoredHash::create(self.settings.scheme, password)
    }

    /// Runs a statement that must change the row of `id`.
    fn update(&self, id: UserId, sql: &str, params: &Params<'_>) -> Result<(), AccountsError> {
        let params = [&[(":id", id.0.into())], params].concat();
        self.database
            .write(|session| changed(session.execute(sql, &params)?))
    }

    /// The highest id in the marks and in both account tables, whichever holds the accounts.
    fn highest(session: &mut Session<'_>) -> Result<i64, DbError> {
        let mut highest = marks::highest_id(session)?;
        for family in Family::ALL {
            let sql = family.statements();
            if session.has_table(sql.table)? {
                let id = session.query_one(sql.highest, &[], |row| row.int(0))?;
                highest = highest.max(id.flatten().unwrap_or(0));
            }
        }
        Ok(highest)
    }

    /// Refuses a name that an account has other than `id`, also in other case.
    fn ensure_free(
        &self,
        session: &mut Session<'_>,
        name: &UserName,
        id: UserId,
    ) -> Result<(), AccountsError> {
        let lowered = name.lowered();
        let mut error = None;
        let params = [(":lowered", lowered.as_str().into()), (":id", id.0.into())];
        session.query(self.sql.similar, &params, |row| {
            if row.text(0) == Some(name.as_str()) {
                error = Some(AccountsError::NameTaken);
                return Ok::<_, DbError>(ControlFlow::Break(()));
            }
            error = Some(AccountsError::NameSimilar);
            Ok(ControlFlow::Continue(()))
        })?;
        error.map_or(Ok(()), Err)
    }
}

/// An id that no account has.
const NOBODY: UserId = UserId(-1);

impl Accounts for SqlAccounts {
    fn find(&self, name: &UserName) -> Result<Option<Account>, AccountsError> {
        let mut found = self.candidates(name)?.into_iter();
        Ok(found.next().map(|candidate| candidate.account))
    }

    fn authenticate(
        &self,
        name: &UserName,
        password: &Password,
        now: Instant,
    ) -> Result<Login, AccountsError> {
        self.log_in(name, password, now)
    }

    fn create(&self, account: &NewAccount, floor: i64) -> Result<UserId, AccountsError> {
        // Who moves in may have a longer name, where the column has no width.
        let moves_in = matches!(account.credential, Credential::Hash(_));
        let has_room = moves_in && self.database.dialect() == Dialect::Sqlite;
        if account.name.as_str().len() > MAX_NEW_NAME && !has_room {
            return Err(AccountsError::NameTooLong);
        }
        let created;
        let hash = match &account.credential {
            Credential::Hash(hash) => hash,
            Credential::Password(new) => {
                created = self.hashed(new.password())?;
                &created
            }
        };
        self.database.write(|session| {
            marks::lock(session)?;
            self.ensure_free(session, &account.name, NOBODY)?;
            let highest = Self::highest(session)?.max(floor).max(0);
            let id = highest.checked_add(1);
            let id = id.ok_or(AccountsError::IdsExhausted(highest))?;
            let params = [
                (":id", id.into()),
                (":name", account.name.as_str().into()),
                (":hash", hash.as_str().into()),
                (":email", account.email.as_ref().map(Email::as_str).into()),
                (":status", status(account.state).into()),
                (":node", account.node.as_deref().into()),
            ];
            session
                .execute(self.sql.insert, &params)
                .map_err(|error| match error {
                    DbError::Constraint(_) => AccountsError::NameTaken,
                    error => error.into(),
                })?;
            marks::raise_highest_id(session, id)?;
            Ok(UserId(id))
        })
    }

    fn delete(&self, id: UserId) -> Result<(), AccountsError> {
        self.database.write(|session| {
            marks::lock(session)?;
            // The original may have made accounts of which the marks do not know.
            let highest = Self::highest(session)?;
            marks::raise_highest_id(session, highest)?;
            codes::clear(session, id)?;
            changed(session.execute(self.sql.delete, &[(":id", id.0.into())])?)
        })
    }

    fn set_email(
        &self,
        id: UserId,
        email: Option<&Email>,
        _proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        let email = email.map(Email::as_str).into();
        self.update(id, self.sql.set_email, &[(":email", email)])
    }

    fn rename(&self, id: UserId, name: &UserName) -> Result<(), AccountsError> {
        if name.as_str().len() > MAX_NEW_NAME {
            return Err(AccountsError::NameTooLong);
        }
        let params = [(":id", id.0.into()), (":name", name.as_str().into())];
        self.database.write(|session| {
            marks::lock(session)?;
            self.ensure_free(session, name, id)?;
            changed(session.execute(self.sql.rename, &params)?)
        })
    }

    fn stored_hash(&self, id: UserId) -> Result<Option<StoredHash>, AccountsError> {
        let params = [(":id", id.0.into())];
        let row = self.database.read(|session| {
            session.query_one(self.sql.hash, &params, |row| {
                row.text(0).and_then(StoredHash::parse)
            })
        })?;
        row.ok_or(AccountsError::NotFound)
    }

    fn set_password(
        &self,
        id: UserId,
        password: &NewPassword,
        _proof: Option<&Password>,
    ) -> Result<(), AccountsError> {
        let hash = self.hashed(password.password())?;
        let params = [(":id", id.0.into()), (":hash", hash.as_str().into())];
        self.database.write(|session| {
            // Whoever holds a code that was mailed before must not change it back.
            codes::clear(session, id)?;
            changed(session.execute(self.sql.set_password, &params)?)
        })
    }

    fn set_state(&self, id: UserId, state: State) -> Result<(), AccountsError> {
        self.update(
            id,
            self.sql.set_status,
            &[(":status", status(state).into())],
        )
    }

    fn list(&self, visit: &mut dyn FnMut(Account)) -> Result<(), AccountsError> {
        self.database.read(|session| {
            session.query(self.sql.list, &[], |row| {
                if let Some(candidate) = candidate(row) {
                    visit(candidate.account);
                }
                Ok(ControlFlow::Continue(()))
            })
        })
    }

    fn nameless(&self) -> Result<Vec<UserId>, AccountsError> {
        let mut nameless = Vec::new();
        self.database.read(|session| {
            session.query(self.sql.list, &[], |row| {
                if let (Some(id), None) = (row.int(0), candidate(row)) {
                    nameless.push(UserId(id));
                }
                Ok::<_, DbError>(ControlFlow::Continue(()))
            })
        })?;
        Ok(nameless)
    }

    fn highest_id(&self) -> Result<i64, AccountsError> {
        Ok(self.database.read(Self::highest)?)
    }
}

const fn status(state: State) -> i64 {
    match state {
        State::Active => ACTIVE,
        State::Disabled => 0,
    }
}

fn changed(rows: usize) -> Result<(), AccountsError> {
    match rows {
        0 => Err(AccountsError::NotFound),
        _ => Ok(()),
    }
}

/// Reads an account; a row without an id or with a name that no URL can hold is none.
fn candidate(row: &Row<'_>) -> Option<Candidate> {
    let account = Account {
        id: UserId(row.int(0)?),
        name: UserName::new(row.text(1)?).ok()?,
        email: row.text(3).map(str::to_owned),
        state: match row.int(4) {
            Some(ACTIVE) => State::Active,
            _ => State::Disabled,
        },
        node: row.text(5).map(str::to_owned),
    };
    Some(Candidate {
        account,
        hash: row.text(2).map(str::to_owned),
    })
}
