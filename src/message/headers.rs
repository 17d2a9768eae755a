//! Request header fields: names in lower case, values as the bytes that came.

use std::fmt;
use std::ops::Range;

/// The header fields of a request, in the order in which they came.
///
/// Values are bytes: web servers pass on what the client sent, UTF-8 or not.
#[derive(Clone, Default)]
pub struct Headers {
    /// Names and values one behind the other: every request has a dozen, and two allocations
    /// for each were a fifth of what reading a request costs.
    text: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Headers {
    /// Adds a field; a second one of the same name is joined with `", "` (RFC 9110, 5.3).
    pub fn add(&mut self, name: &str, value: &[u8]) {
        if self.fields.is_empty() {
            // What a usual request needs; growing there step by step costs more.
            self.text.reserve(512);
            self.fields.reserve(16);
        }
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let name = start..self.text.len();
        if let Some(bytes) = self.text.get_mut(name.clone()) {
            bytes.make_ascii_lowercase();
        }
        let added = slice(&self.text, &name);
        let known = self
            .fields
            .iter()
            .position(|field| slice(&self.text, &field.name) == added);
        let Some(known) = known.and_then(|at| self.fields.get_mut(at)) else {
            self.text.extend_from_slice(value);
            let value = name.end..self.text.len();
            self.fields.push(Field { name, value });
            return;
        };
        // The joined value takes the place of the name, which is known already.
        self.text.truncate(start);
        if known.value.end != start {
            self.text.extend_from_within(known.value.clone());
            known.value = start..self.text.len();
        }
        self.text.extend_from_slice(b", ");
        self.text.extend_from_slice(value);
        known.value.end = self.text.len();
    }

    /// The value of a field; `name` must be given in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(known, _)| *known == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The value of a field as text; absent as well when it is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| {
            (
                slice(&self.text, &field.name),
                slice(&self.text, &field.value),
            )
        })
    }
}

/// The bytes of a range, which lies within the text.
fn slice<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    text.get(range.clone()).unwrap_or_default()
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    /// Shows the fields, but no credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            let is_secret = matches!(name, b"authorization" | b"cookie" | b"proxy-authorization");
            let value = if is_secret { b"***" } else { value };
            map.entry(
                &String::from_utf8_lossy(name),
                &String::from_utf8_lossy(value),
            );
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_are_joined_in_their_order() {
        let mut headers = Headers::default();
        for (name, value) in [
            ("A", "1"),
            ("B", "2"),
            ("a", "3"),
            ("C", "4"),
            ("c", "5"),
            ("a", ""),
        ] {
            headers.add(name, value.as_bytes());
        }
        assert_eq!(headers.text("a"), Some("1, 3, "));
        assert_eq!(headers.text("b"), Some("2"));
        assert_eq!(headers.text("c"), Some("4, 5"));
        assert_eq!(headers.get("A"), None);
        assert_eq!(headers.get(""), None);
    }

    #[test]
    fn headers_are_equal_when_their_fields_are() {
        let (mut joined, mut whole) = (Headers::default(), Headers::default());
        joined.add("a", b"1");
        joined.add("b", b"2");
        joined.add("a", b"3");
        whole.add("a", b"1, 3");
        whole.add("B", b"2");
        assert_eq!(joined, whole);
        whole.add("c", b"");
        assert_ne!(joined, whole);
    }

    #[test]
    fn a_value_need_not_be_text() {
        let mut headers = Headers::default();
        headers.add("a", b"\xff");
        assert_eq!(headers.get("a"), Some(&b"\xff"[..]));
        assert_eq!(headers.text("a"), None);
    }

    #[test]
    fn credentials_are_not_shown() {
        let mut headers = Headers::default();
        headers.add("Authorization", b"Basic c2VjcmV0");
        headers.add("A", b"b");
        assert_eq!(
            format!("{headers:?}"),
            r#"{"authorization": "***", "a": "b"}"#
        );
    }
}
