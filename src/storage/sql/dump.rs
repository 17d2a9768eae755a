//! All records, out of one snapshot.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::Names;
use super::StorageError;
use super::Tables;
use super::expiry_bound;
use super::read;
use super::schema;
use super::select;
use super::summary;
use crate::db::Flow;
use crate::db::Snapshot;
use crate::storage::Dump;
use crate::storage::Stored;
use crate::storage::Total;
use crate::sync::CollectionName;
use crate::sync::Timestamp;
use crate::sync::Ttl;
use crate::sync::UserId;

/// A snapshot of the tables.
pub(super) struct SqlDump {
    pub(super) snapshot: Snapshot,
    pub(super) names: Names,
    pub(super) tables: Tables,
    /// What has expired by then is left out.
    pub(super) now: Timestamp,
}

impl Dump for SqlDump {
    fn totals(&mut self) -> Result<BTreeMap<UserId, Total>, StorageError> {
        const RECORDS: &str = "
            SELECT userid, SUM(records), SUM(bytes)
            FROM weaved_collections
            GROUP BY userid";
        const WRITES: &str = "SELECT userid, last_write FROM weaved_users";
        let number = |number: Option<i64>| u64::try_from(number.unwrap_or_default()).unwrap_or(0);
        let mut session = self.snapshot.session();
        let mut totals = BTreeMap::<UserId, Total>::new();
        session.query::<StorageError>(RECORDS, &[], |row| {
            if let Some(user) = row.int(0) {
                let total = totals.entry(UserId(user)).or_default();
                total.records = number(row.int(1));
                total.bytes = number(row.int(2));
            }
            Ok(Flow::Continue(()))
        })?;
        session.query::<StorageError>(WRITES, &[], |row| {
            if let (Some(user), Some(time)) = (row.int(0), row.int(1)) {
                let (user, time) = (UserId(user), Timestamp::from_centis(time));
                // Negative: his account is gone.
                if time < Timestamp::ZERO {
                    totals.remove(&user);
                } else {
                    totals.entry(user).or_default().last_write = time;
                }
            }
            Ok(Flow::Continue(()))
        })?;
        Ok(totals)
    }

    fn each(
        &mut self,
        user: UserId,
        visit: &mut dyn FnMut(&Stored<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let owner = self.tables.owner(user);
        let mut session = self.snapshot.session();
        let names = self.names.all(&mut session, user)?;
        let dialect = session.dialect();
        let select = format!(
            "SELECT {}, ttl
            FROM {}
            WHERE username = :user AND collection = :collection
                AND (ttl > :now OR ttl IS NULL){}
            ORDER BY {}",
            select::FULL,
            owner.table.name(),
            schema::of_whole_collections(dialect),
            select::oldest_first(dialect),
        );
        let mut collections = summary::all(&mut session, user)?;
        collections.sort_by_key(|row| row.collection);
        for row in collections {
            // What has no name nobody can ask for, nor what has one that no URL can hold.
            let name = names.get(&row.collection).map(|name| name.parse());
            let Some(Ok(collection)): Option<Result<CollectionName, _>> = name else {
                continue;
            };
            let params = [
                (":user", user.0.into()),
                (":collection", row.collection.into()),
                (":now", expiry_bound(self.now).into()),
            ];
            let mut flow = Flow::Continue(());
            session.query::<StorageError>(&select, &params, |row| {
                flow = visit(&Stored {
                    collection: &collection,
                    record: read::full(row),
                    expires: row.int(6).filter(|ttl| *ttl < Ttl::NEVER),
                });
                Ok(flow)
            })?;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }
}
