//! The tables' texts for each database.
//!
//! New tables of the original's (spec/storage-1.1.md, 7.1) have its names and columns. Where it
//! made them so that they lost records they are made right: on MySQL ids and names are compared by
//! their bytes, and payloads may be longer than 64 KB.

use super::super::owner::Table;
use crate::db::Dialect;

/// `collections`.
pub(super) fn collections(dialect: Dialect) -> String {
    const COLLECTIONS: &str = "
        CREATE TABLE IF NOT EXISTS collections (
            userid INTEGER NOT NULL,
            collectionid INTEGER NOT NULL,
            name {EXACT}(32) NOT NULL,
            PRIMARY KEY (userid, collectionid)
        ){OPTIONS}";
    dialect.table(COLLECTIONS)
}

/// A table of records. The key begins with the user where the order of its columns is ours to
/// choose: the records of a user then lie side by side. SQLite is told to use the key's index by
/// the name that it has with the original's order.
pub(super) fn records(dialect: Dialect, table: Table) -> String {
    const RECORDS: &str = "
        CREATE TABLE IF NOT EXISTS wbo (
            id {EXACT}(64) NOT NULL,
            username INTEGER NOT NULL,
            collection INTEGER NOT NULL,
            parentid {EXACT}(64),
            predecessorid {EXACT}(64),
            sortindex INTEGER,
            modified BIGINT,
            payload {LONG},
            payload_size INTEGER NOT NULL,
            ttl INTEGER,
            PRIMARY KEY ({KEY})
        ){OPTIONS}";
    let key = match dialect {
        Dialect::MySql | Dialect::PostgreSql => "username, collection, id",
        Dialect::Sqlite => "id, username, collection",
    };
    dialect.table(&table.sql(RECORDS)).replace("{KEY}", key)
}

/// weaved's own tables, by name.
pub(super) fn own_tables(dialect: Dialect) -> [(&'static str, String); 2] {
    const USERS: &str = "
        CREATE TABLE IF NOT EXISTS weaved_users (
            userid INTEGER NOT NULL,
            last_write BIGINT NOT NULL,
            PRIMARY KEY (userid)
        ){OPTIONS}";
    const COLLECTIONS: &str = "
        CREATE TABLE IF NOT EXISTS weaved_collections (
            userid INTEGER NOT NULL,
            collectionid INTEGER NOT NULL,
            modified BIGINT NOT NULL,
            records INTEGER NOT NULL,
            bytes BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            PRIMARY KEY (userid, collectionid)
        ){OPTIONS}";
    let mut collections = dialect.table(COLLECTIONS);
    if dialect == Dialect::Sqlite {
        collections.push_str(" WITHOUT ROWID");
    }
    [
        ("weaved_users", dialect.table(USERS)),
        ("weaved_collections", collections),
    ]
}

/// Which collections have records that expire, and when.
pub(super) const EXPIRES_INDEX: &str =
    "CREATE INDEX weaved_collections_expires ON weaved_collections (expires)";

/// The ids of collections, found by their names without a look at all rows of a user. For SQLite,
/// where each row is searched for by itself.
pub(super) fn names_index() -> (String, String) {
    let name = "weaved_collections_name".to_owned();
    let sql = format!("CREATE INDEX {name} ON collections (userid, name, collectionid)");
    (name, sql)
}

/// The name of a table's own index, and the statement that makes it. It serves `newer`, the order
/// by time, lists of ids, and counting without a look at the rows.
pub(super) fn records_index(dialect: Dialect, table: Table) -> (String, String) {
    let columns = match dialect {
        // In the order of `Selection::order`, whatever the database's collation.
        Dialect::PostgreSql => {
            r#"username, collection, modified NULLS FIRST, id COLLATE "C", ttl, payload_size"#
        }
        Dialect::MySql | Dialect::Sqlite => "username, collection, modified, id, ttl, payload_size",
    };
    let table = table.name();
    let name = format!("weaved_{table}_modified");
    let condition = of_whole_collections(dialect).replacen(" AND", " WHERE", 1);
    let sql = format!("CREATE INDEX {name} ON {table} ({columns}){condition}");
    (name, sql)
}

/// What statements about whole collections have to say further, so that [`records_index`] serves
/// them.
///
/// It is true of every record, which PostgreSQL cannot know. Otherwise, and as long as a table has
/// no statistics, PostgreSQL would look up each single record by reading the index of its whole
/// collection: to the planner that costs as much as the primary key.
pub(in crate::storage::sql) const fn of_whole_collections(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::PostgreSql => " AND (payload_size IS NULL OR payload_size >= -2147483648)",
        Dialect::MySql | Dialect::Sqlite => "",
    }
}
