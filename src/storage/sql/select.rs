//! From a [`Query`] to SQL: fixed fragments put together, values always as parameters.

use std::borrow::Cow;

use super::Owner;
use super::StorageError;
use super::expiry_bound;
use super::schema;
use super::summary;
use crate::db::Dialect;
use crate::db::Session;
use crate::db::Value;
use crate::storage::Usage;
use crate::sync::Query;
use crate::sync::Sort;
use crate::sync::Timestamp;

/// What a query selects, ready to be run more than once.
#[derive(Debug)]
pub(super) struct Selection {
    owner: Owner,
    /// Absent when the collection does not exist: nothing is selected.
    collection: Option<i64>,
    query: Query,
    now: Timestamp,
}

/// Which records of a selection count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// Records that have expired are hidden.
    Hidden,
    /// Records that have expired are there like others: for deletes.
    Included,
}

/// The columns that `read` expects, in its order.
pub(super) const FULL: &str = "id, modified, payload, parentid, predecessorid, sortindex";
const IDS: &str = "id";

/// The numbers that `sortindex` can be compared with: those of its column, and its neighbours.
const INDEXES: (i64, i64) = (-1 << 31, (1 << 31) - 1);

/// More rows than there are; a larger number could overflow inside a database.
const ALL: u64 = 1 << 60;

/// The order of the index `weaved_wbo_modified`.
pub(super) const fn oldest_first(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::PostgreSql => r#"modified NULLS FIRST, id COLLATE "C""#,
        Dialect::MySql | Dialect::Sqlite => "modified, id",
    }
}

impl Selection {
    pub(super) fn new(owner: Owner, collection: Option<i64>, query: Query, now: Timestamp) -> Self {
        Self {
            owner,
            collection,
            query,
            now,
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.query.full
    }

    /// Whether it selects a whole collection.
    pub(super) fn is_everything(&self) -> bool {
        let Query { full, sort, .. } = self.query;
        self.query
            == Query {
                full,
                sort,
                ..Query::default()
            }
    }

    /// The selected records in order.
    ///
    /// Where SQLite must sort the rows, their ids alone are: whole rows would take as much memory
    /// as the collection takes on disk. The others sort in memory that is set aside for it.
    pub(super) fn select(&self, dialect: Dialect) -> String {
        if !self.query.full {
            return self.text(IDS, Expired::Hidden, dialect);
        }
        if dialect != Dialect::Sqlite || !self.is_sorted() {
            return self.text(FULL, Expired::Hidden, dialect);
        }
        format!(
            "SELECT {FULL} FROM ({}) AS selected
            CROSS JOIN {table} AS wbo ON wbo.id = selected.place
            WHERE username = :user AND collection = :collection",
            self.text("id AS place", Expired::Hidden, dialect),
            table = self.owner.table.name(),
        )
    }

    /// Whether the order is one that no index gives.
    fn is_sorted(&self) -> bool {
        self.query.ids.is_some() || self.query.sort == Some(Sort::Index)
    }

    /// The number of selected records, where the summary knows it: of a whole collection, or of
    /// its first ones.
    pub(super) fn known_count(
        &self,
        session: &mut Session<'_>,
    ) -> Result<Option<u64>, StorageError> {
        let whole = self.known_whole(session)?;
        let limit = self.query.limit.unwrap_or(u64::MAX);
        Ok(whole.map(|whole| whole.records.min(limit)))
    }

    /// What is selected, where the summary knows it: a whole collection.
    pub(super) fn known_usage(
        &self,
        session: &mut Session<'_>,
    ) -> Result<Option<Usage>, StorageError> {
        let whole = self.known_whole(session)?;
        let is_all = |whole: &Usage| self.query.limit.is_none_or(|limit| limit >= whole.records);
        Ok(whole.filter(is_all))
    }

    /// The collection of which everything is selected, or the first ones in some order.
    fn known_whole(&self, session: &mut Session<'_>) -> Result<Option<Usage>, StorageError> {
        let Query {
            full, sort, limit, ..
        } = self.query;
        let of_all = Query {
            full,
            sort,
            limit,
            ..Query::default()
        };
        if self.query != of_all {
            return Ok(None);
        }
        let row = summary::find(session, self.owner.user, self.collection)?;
        Ok((!row.is_stale(self.now)).then(|| Usage {
            records: u64::try_from(row.records).unwrap_or(0),
            bytes: u64::try_from(row.bytes).unwrap_or(0),
        }))
    }

    /// The number of selected records.
    pub(super) fn count(&self, dialect: Dialect) -> String {
        format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT :limit OFFSET :offset) AS \
             selected",
            self.table(dialect),
            self.condition(Expired::Hidden, dialect)
        )
    }

    /// The number and the bytes of the records that [`Self::delete`] deletes.
    pub(super) fn doomed(&self, dialect: Dialect) -> String {
        format!(
            "SELECT COUNT(*), SUM(payload_size) FROM ({}) AS selected",
            self.text("payload_size", Expired::Included, dialect)
        )
    }

    pub(super) fn delete(&self, dialect: Dialect) -> String {
        let condition = self.condition(Expired::Included, dialect);
        if self.query.limit.is_none() && self.query.offset == 0 {
            return format!("DELETE FROM {} WHERE {condition}", self.table(dialect));
        }
        // Twice in brackets: MySQL takes neither a limit nor the very table in one.
        format!(
            "DELETE FROM {}
            WHERE username = :user AND collection = :collection AND id IN (
                SELECT id FROM ({}) AS doomed
            )",
            self.owner.table.name(),
            self.text("id", Expired::Included, dialect)
        )
    }

    fn text(&self, columns: &str, expired: Expired, dialect: Dialect) -> String {
        let condition = self.condition(expired, dialect);
        format!(
            "SELECT {columns} FROM {} WHERE {condition} ORDER BY {} LIMIT :limit OFFSET :offset",
            self.table(dialect),
            self.order(dialect)
        )
    }

    /// The same order in all databases: no time is older than any, no index lower than any, ids
    /// go by their bytes. Ties are broken, so that it is the same each time the text is run.
    fn order(&self, dialect: Dialect) -> &'static str {
        let sort = self.query.sort.unwrap_or(Sort::Oldest);
        match (sort, dialect) {
            (Sort::Oldest, dialect) => oldest_first(dialect),
            (Sort::Newest, Dialect::PostgreSql) => {
                r#"modified DESC NULLS LAST, id COLLATE "C" DESC"#
            }
            (Sort::Index, Dialect::PostgreSql) => r#"sortindex DESC NULLS LAST, id COLLATE "C""#,
            (Sort::Newest, _) => "modified DESC, id DESC",
            (Sort::Index, _) => "sortindex IS NULL, sortindex DESC, id",
        }
    }

    /// The table, for SQLite with the index to take when records are asked for by id: it would
    /// rather read the index of the whole collection.
    fn table(&self, dialect: Dialect) -> Cow<'static, str> {
        let name = self.owner.table.name();
        if dialect == Dialect::Sqlite && self.query.ids.is_some() {
            format!("{name} INDEXED BY sqlite_autoindex_{name}_1").into()
        } else {
            name
        }
    }

    fn condition(&self, expired: Expired, dialect: Dialect) -> String {
        let query = &self.query;
        let mut text = String::from("username = :user AND collection = :collection");
        if query.ids.is_none() {
            text.push_str(schema::of_whole_collections(dialect));
        }
        let mut and = |wanted: bool, condition: &str| {
            if wanted {
                text.push_str(" AND ");
                text.push_str(condition);
            }
        };
        and(expired == Expired::Hidden, "(ttl > :now OR ttl IS NULL)");
        and(query.ids.is_some(), &dialect.among("id", ":ids"));
        and(query.parentid.is_some(), "parentid = :parentid");
        and(
            query.predecessorid.is_some(),
            "predecessorid = :predecessorid",
        );
        // Old rows without a time count as older than everything.
        and(
            query.newer.is_some_and(|newer| newer >= Timestamp::ZERO),
            "modified > :newer",
        );
        and(query.older.is_some(), "COALESCE(modified, 0) < :older");
        and(query.index_above.is_some(), "sortindex > :index_above");
        and(query.index_below.is_some(), "sortindex < :index_below");
        text
    }

    /// The parameters of all of the above; `skip` rows more are left out at the front.
    pub(super) fn params(&self, skip: u64) -> Vec<(&'static str, Value<'_>)> {
        let query = &self.query;
        let number = |number: u64| Value::from(i64::try_from(number.min(ALL)).ok());
        let time = |time: Option<Timestamp>| Value::from(time.map(Timestamp::centis));
        let limit = query.limit.map_or(ALL, |limit| limit.saturating_sub(skip));
        let (lowest, highest) = INDEXES;
        let index = |index: Option<i64>| Value::from(index.map(|i| i.clamp(lowest, highest)));
        vec![
            (":user", self.owner.user.0.into()),
            // No row has NULL there, so NULL selects nothing.
            (":collection", self.collection.into()),
            (":now", expiry_bound(self.now).into()),
            (":ids", self.query.ids.as_deref().into()),
            (":parentid", query.parentid.as_deref().into()),
            (":predecessorid", query.predecessorid.as_deref().into()),
            (":newer", time(query.newer)),
            (":older", time(query.older)),
            (":index_above", index(query.index_above)),
            (":index_below", index(query.index_below)),
            (":limit", number(limit)),
            (":offset", number(query.offset.saturating_add(skip))),
        ]
    }
}
