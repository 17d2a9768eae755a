//! Pools and drivers behind one narrow face: read, write, snapshot; execute and query.
//!
//! What goes in is SQL text with named parameters, what comes out are rows that lend their
//! values. A transaction ends with the closure that it was given: committed when that answers
//! `Ok`, rolled back otherwise. A busy database is waited for here and nowhere else, and a
//! transaction that the database gave up for another's sake is done again here and nowhere else.
//! This is no ORM: SQL is written by `storage` and `accounts`; what cannot be written once for
//! all databases they ask the [`Dialect`] for.
//!
//! One folder or file a driver, each behind the traits of `driver`.

mod catalog;
mod database;
mod dialect;
mod driver;
mod error;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
#[cfg(any(feature = "mysql", feature = "postgres"))]
#[cfg_attr(
    not(feature = "mysql"),
    expect(dead_code, reason = "PostgreSQL needs no lists that are written out")
)]
mod statement;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod tls;

use std::ops::ControlFlow;
use std::time::Duration;

pub use database::Database;
pub use database::Session;
pub use database::Snapshot;
pub use dialect::Dialect;
pub use driver::Row;
pub use error::DbError;

/// Whether a query should go on to its next row.
pub type Flow = ControlFlow<()>;

/// A value given to a statement, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A 64-bit integer.
    Int(i64),
    /// SQL's NULL.
    Null,
    /// A text.
    Text(&'a str),
    /// Any number of texts, for [`Dialect::among`].
    Texts(&'a [String]),
}

impl Value<'_> {
    /// Whether both are the same number or nothing; texts are not looked at.
    fn surely_equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Null, Self::Null) => true,
            _ => false,
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [String]> for Value<'a> {
    fn from(texts: &'a [String]) -> Self {
        Self::Texts(texts)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Names and values of a statement's parameters: `&[(":user", user.into())]`.
pub type Params<'a> = [(&'a str, Value<'a>)];

/// How a pool behaves; the defaults suit one process with a handful of threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Connections at most; no more than there are threads is ever needed. A file of SQLite has
    /// another one, which writes.
    pub size: u32,
    /// How long to wait for a free connection, or for another writer, before giving up as busy.
    pub timeout: Duration,
    /// The age at which a connection to a server is made anew; absent: never.
    pub recycle: Option<Duration>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            size: 16,
            timeout: Duration::from_secs(10),
            recycle: Some(Duration::from_secs(60)),
        }
    }
}
