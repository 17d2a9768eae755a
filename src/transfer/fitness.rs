//! Which records of other places can be kept here.

use crate::storage::Stored;

/// The width of the columns of ids.
const MAX_ID: usize = 64;

/// What the longest payload may have, in bytes: the column of MySQL holds no more.
const MAX_PAYLOAD: usize = (1 << 24) - 1;

/// The numbers of the column `sortindex`.
const SORTINDEX: std::ops::RangeInclusive<i64> = -2_147_483_648..=2_147_483_647;

/// Why a record cannot be kept in every database; absent when it can.
#[must_use]
pub fn unfit(stored: &Stored<'_>) -> Option<&'static str> {
    let record = &stored.record;
    let is_id = |text: &str| text.is_ascii() && text.len() <= MAX_ID && !text.contains('\0');
    if record.id.is_empty() || !is_id(record.id) {
        Some("an id that no client makes")
    } else if ![record.parentid, record.predecessorid]
        .into_iter()
        .flatten()
        .all(is_id)
    {
        Some("a parentid or predecessorid that no client makes")
    } else if record
        .sortindex
        .is_some_and(|index| !SORTINDEX.contains(&index))
    {
        Some("a sortindex out of bounds")
    } else if record
        .payload
        .is_some_and(|payload| payload.len() > MAX_PAYLOAD)
    {
        Some("a payload of more than 16 MiB")
    } else if record.payload.is_some_and(|payload| payload.contains('\0')) {
        Some("a payload with a NUL character")
    } else {
        None
    }
}
