//! Which of the two table families holds the accounts, and which tables there are.
//!
//! The storage of the original makes an empty `users` beside any `user`, so that only rows
//! tell (spec/user-1.0.md, 8.2).

use super::statements::Statements;
use super::statements::USER;
use super::statements::USERS;
use crate::accounts::AccountsError;
use crate::db::Database;
use crate::db::DbError;

/// The table that keeps the accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// `user`: the original since August 2011.
    #[default]
    User,
    /// `users`: the original until then.
    Users,
}

impl Family {
    pub(super) const ALL: [Self; 2] = [Self::User, Self::Users];

    pub(super) fn statements(self) -> &'static Statements {
        match self {
            Self::User => &USER,
            Self::Users => &USERS,
        }
    }

    fn accounts(self, database: &Database) -> Result<i64, DbError> {
        let sql = self.statements();
        if !database.read(|session| session.has_table(sql.table))? {
            return Ok(0);
        }
        let count = database.read(|session| session.query_one(sql.count, &[], |row| row.int(0)))?;
        Ok(count.flatten().unwrap_or(0))
    }
}

/// The family that has accounts; absent when neither has.
pub(super) fn inhabited(database: &Database) -> Result<Option<Family>, AccountsError> {
    let user = Family::User.accounts(database)?;
    let users = Family::Users.accounts(database)?;
    match (user, users) {
        (0, 0) => Ok(None),
        (_, 0) => Ok(Some(Family::User)),
        (0, _) => Ok(Some(Family::Users)),
        _ => Err(AccountsError::TwoFamilies { user, users }),
    }
}
