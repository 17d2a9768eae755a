//! From a [`Query`] to SQL: fixed fragments put together, values always as parameters.

use super::expiry_bound;
use crate::db::Value;
use crate::sync::Query;
use crate::sync::Sort;
use crate::sync::Timestamp;
use crate::sync::UserId;

/// What a query selects, ready to be run more than once.
#[derive(Debug)]
pub(super) struct Selection {
    user: UserId,
    /// Absent when the collection does not exist: nothing is selected.
    collection: Option<i64>,
    query: Query,
    /// The list of ids as a JSON array: one parameter for any number of them.
    ids: Option<String>,
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
const FULL: &str = "id, modified, payload, parentid, predecessorid, sortindex";
const IDS: &str = "id";

impl Selection {
    pub(super) fn new(user: UserId, collection: Option<i64>, query: Query, now: Timestamp) -> Self {
        let ids = query
            .ids
            .as_ref()
            .map(|ids| serde_json::json!(ids).to_string());
        Self {
            user,
            collection,
            query,
            ids,
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
    /// Where the rows must be sorted, their ids alone are: whole rows would take as much memory
    /// as the collection takes on disk.
    pub(super) fn select(&self) -> String {
        if !self.query.full {
            return self.text(IDS, Expired::Hidden);
        }
        if !self.is_sorted() {
            return self.text(FULL, Expired::Hidden);
        }
        format!(
            "SELECT {FULL} FROM ({}) AS selected
            CROSS JOIN wbo ON wbo.id = selected.place
            WHERE username = :user AND collection = :collection",
            self.text("id AS place", Expired::Hidden)
        )
    }

    /// Whether the order is one that no index gives.
    fn is_sorted(&self) -> bool {
        self.ids.is_some() || self.query.sort == Some(Sort::Index)
    }

    /// The number of selected records.
    pub(super) fn count(&self) -> String {
        format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT :limit OFFSET :offset) AS \
             selected",
            self.table(),
            self.condition(Expired::Hidden)
        )
    }

    /// The number and the bytes of the records that [`Self::delete`] deletes.
    pub(super) fn doomed(&self) -> String {
        format!(
            "SELECT COUNT(*), SUM(payload_size) FROM ({}) AS selected",
            self.text("payload_size", Expired::Included)
        )
    }

    pub(super) fn delete(&self) -> String {
        let condition = self.condition(Expired::Included);
        if self.query.limit.is_none() && self.query.offset == 0 {
            return format!("DELETE FROM {} WHERE {condition}", self.table());
        }
        format!(
            "DELETE FROM wbo
            WHERE username = :user AND collection = :collection AND id IN ({})",
            self.text("id", Expired::Included)
        )
    }

    fn text(&self, columns: &str, expired: Expired) -> String {
        let condition = self.condition(expired);
        // Ties are broken, so that the order is the same each time the text is run.
        let order = match self.query.sort {
            Some(Sort::Index) => "sortindex IS NULL, sortindex DESC, id",
            Some(Sort::Newest) => "modified DESC, id DESC",
            Some(Sort::Oldest) | None => "modified, id",
        };
        format!(
            "SELECT {columns} FROM {} WHERE {condition} ORDER BY {order} LIMIT :limit OFFSET \
             :offset",
            self.table()
        )
    }

    /// The table, with the index to take when records are asked for by id: SQLite would rather
    /// read the index of the whole collection.
    const fn table(&self) -> &'static str {
        if self.ids.is_some() {
            "wbo INDEXED BY sqlite_autoindex_wbo_1"
        } else {
            "wbo"
        }
    }

    fn condition(&self, expired: Expired) -> String {
        let query = &self.query;
        let mut text = String::from("username = :user AND collection = :collection");
        let mut and = |wanted: bool, condition: &str| {
            if wanted {
                text.push_str(" AND ");
                text.push_str(condition);
            }
        };
        and(expired == Expired::Hidden, "(ttl > :now OR ttl IS NULL)");
        and(
            self.ids.is_some(),
            "id IN (SELECT value FROM json_each(:ids))",
        );
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
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let time = |time: Option<Timestamp>| Value::from(time.map(Timestamp::centis));
        let limit = query
            .limit
            .map_or(i64::MAX.unsigned_abs(), |limit| limit.saturating_sub(skip));
        vec![
            (":user", self.user.0.into()),
            // No row has NULL there, so NULL selects nothing.
            (":collection", self.collection.into()),
            (":now", expiry_bound(self.now).into()),
            (":ids", self.ids.as_deref().into()),
            (":parentid", query.parentid.as_deref().into()),
            (":predecessorid", query.predecessorid.as_deref().into()),
            (":newer", time(query.newer)),
            (":older", time(query.older)),
            (":index_above", query.index_above.into()),
            (":index_below", query.index_below.into()),
            (":limit", number(limit)),
            (":offset", number(query.offset.saturating_add(skip))),
        ]
    }
}
