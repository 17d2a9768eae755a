//! The lines of an archive, as JSON.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;

/// What the head line calls the format.
pub(super) const FORMAT: &str = "weaved archive";

/// The version that is written.
pub(super) const VERSION: u64 = 1;

/// One line: an object with one member, whose name tells what it is. Members inside that are not
/// known are ignored.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line<'a> {
    #[serde(borrow)]
    Head(Head<'a>),
    #[serde(borrow)]
    Account(Account<'a>),
    #[serde(borrow)]
    Record(Record<'a>),
    #[serde(borrow)]
    End(End<'a>),
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) format: Cow<'a, str>,
    pub(super) version: u64,
    /// Seconds since 1970, with two decimals.
    #[serde(borrow)]
    pub(super) made: &'a RawValue,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Account<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<String>,
    #[serde(borrow)]
    pub(super) state: Cow<'a, str>,
    /// Absent where there is none, and in archives of the first weaved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
}

/// Read only: what is written comes from [`Record::write_json`](crate::sync::Record::write_json).
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) collection: Cow<'a, str>,
    pub(super) host: Option<String>,
    pub(super) expires: Option<i64>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) modified: &'a RawValue,
    pub(super) sortindex: Option<i64>,
    pub(super) parentid: Option<String>,
    pub(super) predecessorid: Option<String>,
    pub(super) payload: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct End<'a> {
    pub(super) accounts: u64,
    pub(super) records: u64,
    /// Of all bytes before this line.
    #[serde(borrow)]
    pub(super) sha256: Cow<'a, str>,
}
