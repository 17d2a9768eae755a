//! Messages, and the tags by which devices tell which one they have seen (RFC 9110, 8.8 and 13).

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;

/// The characters of a tag without its quotes.
const LENGTH: usize = 32;

/// Which message it is; `Display` is the value of an `ETag` field, in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// The tag of a message.
    pub(super) fn of(message: &[u8]) -> Self {
        let mut text = HEXLOWER.encode(&Sha256::digest(message));
        text.truncate(LENGTH);
        Self(text)
    }

    /// A tag that stands in the database.
    pub(super) fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it stands in the database.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an element of a field means this message. A web server that compresses makes
    /// `W/"..."` (nginx) or `"...-gzip"` (Apache) of our tag, and the client sends that back.
    fn is_meant(&self, element: &str) -> bool {
        let element = element.trim();
        let element = element.strip_prefix("W/").unwrap_or(element);
        let element = element.trim_matches('"');
        let rest = element.strip_prefix(self.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ';']))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// What a device knows of the message that is there; the values of header fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`: the message must be one of these, or any for `*`.
    pub matching: Option<&'a str>,
    /// `If-None-Match`: the message must be none of these, or there must be none for `*`.
    pub none_matching: Option<&'a str>,
}

impl Conditions<'_> {
    /// Whether a message may take the place of the one with this tag, if there is one.
    pub(super) fn allow(&self, current: Option<&Tag>) -> bool {
        self.matching.is_none_or(|field| matches(field, current)) && self.is_news(current)
    }

    /// Whether the message with this tag is one that the device has not seen.
    pub(super) fn is_news(&self, current: Option<&Tag>) -> bool {
        !self
            .none_matching
            .is_some_and(|field| matches(field, current))
    }
}

fn matches(field: &str, current: Option<&Tag>) -> bool {
    let Some(tag) = current else {
        return false;
    };
    field.trim() == "*" || field.split(',').any(|element| tag.is_meant(element))
}

/// What a device finds in a channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Held {
    /// A message, to the byte as it was put there.
    Message(Vec<u8>, Tag),
    /// Nobody has put anything there yet.
    Nothing,
    /// The message that it knows.
    Same(Tag),
}

/// What a device is to a channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// There is no such channel.
    Gone,
    /// One of the two, for which there is nothing new.
    Held(Held),
    /// One of the two, for which there is a message.
    Message,
    /// None of the two, or not yet.
    Outside,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// Another one is there than the device believes; the tag is that of the message that was
    /// not taken.
    Refused(Tag),
    /// It is there.
    Stored(Tag),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(matching: Option<&str>, none_matching: Option<&str>, current: Option<&Tag>) -> bool {
        let conditions = Conditions {
            matching,
            none_matching,
        };
        conditions.allow(current)
    }

    #[test]
    fn conditions_are_judged() {
        let tag = Tag::of(b"x");
        let own = tag.to_string();
        let plain = tag.as_str().to_owned();
        let there = Some(&tag);
        // (If-Match, allowed when it is there)
        for (field, fits) in [
            (own.as_str(), true),
            ("*", true),
            (" * ", true),
            (&format!("W/{own}"), true),
            (&format!("\"{plain}-gzip\""), true),
            (&format!("\"{plain};br\""), true),
            (&format!("\"a\", {own}"), true),
            (&plain, true),
            ("", false),
            ("\"\"", false),
            (&format!("\"{plain}0\""), false),
            (&plain[1..], false),
            ("\"0123\"", false),
        ] {
            assert_eq!(allowed(Some(field), None, there), fits, "If-Match: {field}");
            assert_eq!(
                allowed(None, Some(field), there),
                !fits,
                "If-None-Match: {field}"
            );
            assert!(
                !allowed(Some(field), None, None),
                "If-Match: {field}, empty"
            );
            assert!(
                allowed(None, Some(field), None),
                "If-None-Match: {field}, empty"
            );
        }
        assert!(allowed(None, None, there));
        assert!(allowed(None, None, None));
        assert!(!allowed(Some(&own), Some("*"), there), "both must hold");
    }

    #[test]
    fn a_tag_is_in_quotes() {
        let tag = Tag::of(b"").to_string();
        assert_eq!(tag, "\"e3b0c44298fc1c149afbf4c8996fb924\"");
    }
}
