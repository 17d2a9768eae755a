//! The id of a record, as a URL names it.

use std::fmt;

/// An id that can stand in a URL: 1 to 64 of `[\a-zA-Z0-9._?#~-]` (spec/storage-1.1.md, 1).
///
/// Ids that come in the body of a POST may hold any ASCII; see [`super::Wbo`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(String);

/// Why a path segment is no record id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecordId {
    /// It holds a character that cannot stand there: no such resource exists.
    #[error("this id cannot stand in a URL")]
    Character,
    /// It is longer than the database's column.
    #[error("an id has at most 64 characters")]
    TooLong,
}

/// The width of the columns `id`, `parentid` and `predecessorid`, in characters.
pub(super) const MAX_LENGTH: usize = 64;

impl RecordId {
    /// Reads a decoded path segment.
    ///
    /// # Errors
    /// [`BadRecordId`] says whether the resource cannot exist or the id is too long.
    pub fn from_segment(text: &str) -> Result<Self, BadRecordId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"\\._?#~-".contains(&byte);
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(BadRecordId::Character);
        }
        if text.len() > MAX_LENGTH {
            return Err(BadRecordId::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_urls_follow_the_pattern() {
        for text in ["a#b", "a?b", "a~b", "a\\b", "AbC-_.9"] {
            assert!(RecordId::from_segment(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "a@b", "a+b", "{g}", "a/b", "é"] {
            assert_eq!(
                RecordId::from_segment(text),
                Err(BadRecordId::Character),
                "{text}"
            );
        }
        assert_eq!(
            RecordId::from_segment(&"x".repeat(65)),
            Err(BadRecordId::TooLong)
        );
    }
}
