//! The name of a collection.

use std::fmt;
use std::str::FromStr;

/// A collection's name: 1 to 32 of `[a-zA-Z0-9._-]` (spec/storage-1.1.md, 1; decisions, 10).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName(String);

/// Why a text is no collection name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCollectionName {
    /// It holds a character that no collection name has: no such resource exists.
    #[error("a collection name is made of letters, digits and `.`, `_`, `-`")]
    Character,
    /// It is longer than the database's column.
    #[error("a collection name has at most 32 characters")]
    TooLong,
}

/// The width of the column `collections.name`.
const MAX_LENGTH: usize = 32;

impl CollectionName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CollectionName {
    type Err = BadCollectionName;

    fn from_str(text: &str) -> Result<Self, BadCollectionName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(BadCollectionName::Character);
        }
        if text.len() > MAX_LENGTH {
            return Err(BadCollectionName::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern_and_the_column() {
        assert!("My.Own_coll-1".parse::<CollectionName>().is_ok());
        assert!("x".repeat(32).parse::<CollectionName>().is_ok());
        assert_eq!(
            "x".repeat(33).parse::<CollectionName>(),
            Err(BadCollectionName::TooLong)
        );
        for text in ["", "a b", "a/b", "ä", "a\n"] {
            assert_eq!(
                text.parse::<CollectionName>(),
                Err(BadCollectionName::Character)
            );
        }
    }
}
