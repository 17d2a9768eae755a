//! Whose records, and in which table they are.
//!
//! The original can spread the records over a hundred tables, by the number of the user
//! (`shard = true`; spec/storage-1.1.md, 7.3).

use std::borrow::Cow;

use crate::sync::UserId;

/// How many tables `shard = true` means; the original takes no other number everywhere.
const SHARDS: i64 = 100;

/// The tables that hold records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// `wbo`.
    One,
    /// `wbo0` to `wbo99`.
    Sharded,
}

impl Tables {
    /// A user with the table of his records.
    pub(super) const fn owner(self, user: UserId) -> Owner {
        let table = match self {
            Self::One => Table(None),
            Self::Sharded => Table(Some(user.0.rem_euclid(SHARDS))),
        };
        Owner { user, table }
    }

    /// All tables.
    pub(super) fn all(self) -> impl Iterator<Item = Table> {
        let (one, sharded) = match self {
            Self::One => (Some(Table(None)), 0),
            Self::Sharded => (None, SHARDS),
        };
        one.into_iter()
            .chain((0..sharded).map(|number| Table(Some(number))))
    }
}

/// A user, and the table of his records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: UserId,
    pub(super) table: Table,
}

/// A table of records, by the number of its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table(Option<i64>);

impl Table {
    /// Its name.
    pub(super) fn name(self) -> Cow<'static, str> {
        match self.0 {
            None => "wbo".into(),
            Some(shard) => format!("wbo{shard}").into(),
        }
    }

    /// A statement about `wbo`, made one about this table.
    pub(super) fn sql(self, statement: &str) -> Cow<'_, str> {
        match self.0 {
            None => statement.into(),
            Some(_) => statement.replace("wbo", &self.name()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_user_leads_to_the_table() {
        #[track_caller]
        fn check(tables: Tables, user: i64, expected: &str) {
            let table = tables.owner(UserId(user)).table;
            assert_eq!(table.name(), expected);
            assert_eq!(table.sql("FROM wbo"), format!("FROM {expected}"));
            assert!(tables.all().any(|other| other == table));
        }
        check(Tables::One, 1234, "wbo");
        check(Tables::Sharded, 1234, "wbo34");
        check(Tables::Sharded, 100, "wbo0");
        check(Tables::Sharded, -1, "wbo99");
        assert_eq!(Tables::One.all().count(), 1);
        assert_eq!(Tables::Sharded.all().count(), 100);
    }
}
