//! The body of a POST: an array of WBOs, or one of them alone (spec/storage-1.1.md, 2.9).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::BadBody;
use super::JsonText;
use super::Wbo;
use super::wbo::BadWbo;
use super::wbo::Element;

/// How many records of one POST are stored; the rest is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Elements of the array, bad ones included.
    pub count: usize,
    /// The sum of the payloads must stay below this, in bytes.
    pub bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            count: 100,
            bytes: 1_048_576,
        }
    }
}

/// What a POST asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Post<'a> {
    /// An array, whose answer is a batch result.
    Batch(Batch<'a>),
    /// One object, whose answer is a bare timestamp; its id is present.
    Single(Wbo<'a>),
}

/// The elements of an array: what can be stored, and what not and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// In the order of the array; each has an id, which may come twice.
    pub accepted: Vec<Wbo<'a>>,
    /// By id, `""` for elements without one (or with one of absurd length).
    pub failed: BTreeMap<Cow<'a, str>, Failure>,
}

/// Why an element of a batch is not stored; `Display` gives the protocol's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The payloads before it and its own are more than a request may bring.
    #[error("retry bytes")]
    Bytes,
    /// It comes too late in the array.
    #[error("retry wbo")]
    Count,
    /// It has no id, or one that is too long or not ASCII.
    #[error("invalid id")]
    Id,
    /// `parentid` is too long or not ASCII.
    #[error("invalid parentid")]
    Parentid,
    /// The payload is not a string.
    #[error("payload not a string")]
    PayloadNoString,
    /// The payload is larger than [`super::MAX_PAYLOAD`].
    #[error("payload too large")]
    PayloadTooLarge,
    /// `predecessorid` is too long or not ASCII.
    #[error("invalid predecessorid")]
    Predecessorid,
    /// `sortindex` is no number or out of range.
    #[error("invalid sortindex")]
    Sortindex,
    /// `ttl` is no number or negative.
    #[error("invalid ttl")]
    Ttl,
    /// It is no object, or a member of it is an array or an object.
    #[error("invalid wbo")]
    Wbo,
}

/// Clients send 100 at most; what lies far beyond would only cost memory.
const MAX_ELEMENTS: usize = 10_000;

/// A refused id is sent back, which takes up to six times its size, so that what lies far beyond
/// an id's length stands for itself no more. In bytes.
const MAX_SHOWN_ID: usize = 256;

impl<'a> Post<'a> {
    /// Reads the body of a POST (or PUT) to a collection.
    ///
    /// # Errors
    /// [`BadBody`] when nothing of it can be stored.
    pub fn parse(text: &'a JsonText<'_>, limits: BatchLimits) -> Result<Self, BadBody> {
        if text.is_array() {
            let Elements(elements) = text.parse()?;
            return Batch::check(elements, limits).map(Post::Batch);
        }
        let wbo = Wbo::parse(text)?;
        // As in a PUT, where the id stands in the URL (quirk 41).
        match &wbo.id {
            Some(id) if !id.is_empty() && !id.contains('/') => Ok(Post::Single(wbo)),
            _ => Err(BadBody::Wbo),
        }
    }
}

impl<'a> Batch<'a> {
    fn check(elements: Vec<Element<'a>>, limits: BatchLimits) -> Result<Self, BadBody> {
        if elements.len() > MAX_ELEMENTS {
            return Err(BadBody::TooMany);
        }
        let mut batch = Self::default();
        let mut bytes = 0;
        for (place, element) in elements.into_iter().enumerate() {
            let checked = match element {
                Element::Null => Ok(Wbo::default()),
                Element::Object(fields) => fields.check(),
                Element::Other => Err(BadWbo::Rule(None, Failure::Wbo)),
            };
            let wbo = match checked {
                Ok(wbo) => wbo,
                Err(BadWbo::Json) => return Err(BadBody::Json),
                // An object without id fails for that, whatever else is wrong with it.
                Err(BadWbo::Rule(None, failure)) if failure != Failure::Wbo => {
                    batch.fail(None, Failure::Id);
                    continue;
                }
                Err(BadWbo::Rule(id, failure)) => {
                    batch.fail(id, failure);
                    continue;
                }
            };
            if wbo.id.as_deref().is_none_or(str::is_empty) {
                batch.fail(None, Failure::Id);
                continue;
            }
            if place >= limits.count {
                batch.fail(wbo.id, Failure::Count);
                continue;
            }
            // What is refused counts on, so that everything after it is refused as well.
            bytes += wbo.payload.as_ref().map_or(0, |payload| payload.len());
            if bytes >= limits.bytes {
                batch.fail(wbo.id, Failure::Bytes);
                continue;
            }
            batch.accepted.push(wbo);
        }
        Ok(batch)
    }

    fn fail(&mut self, id: Option<Cow<'a, str>>, failure: Failure) {
        let id = id.filter(|id| id.len() <= MAX_SHOWN_ID);
        self.failed.insert(id.unwrap_or_default(), failure);
    }
}

/// An array of elements, of which no more are kept than it takes to see that there are too many.
struct Elements<'a>(Vec<Element<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() <= MAX_ELEMENTS {
                elements.push(element);
            }
        }
        Ok(Elements(elements))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Outcome = Result<(Vec<String>, Vec<(String, String)>), BadBody>;

    fn outcome(body: &str, limits: BatchLimits) -> Outcome {
        let text = JsonText::from_body(body.as_bytes())?;
        match Post::parse(&text, limits)? {
            Post::Batch(batch) => Ok((
                batch
                    .accepted
                    .iter()
                    .map(|wbo| wbo.id.clone().unwrap().into_owned())
                    .collect(),
                batch
                    .failed
                    .iter()
                    .map(|(id, why)| (id.to_string(), why.to_string()))
                    .collect(),
            )),
            Post::Single(wbo) => Ok((vec![format!("alone {}", wbo.id.unwrap())], vec![])),
        }
    }

    #[track_caller]
    fn check(body: &str, accepted: &[&str], failed: &[(&str, &str)]) {
        let own = |(id, why): &(&str, &str)| ((*id).to_owned(), (*why).to_owned());
        let expected: Outcome = Ok((
            accepted.iter().map(|id| (*id).to_owned()).collect(),
            failed.iter().map(own).collect(),
        ));
        assert_eq!(
            outcome(
                body,
                BatchLimits {
                    count: 5,
                    bytes: 20
                }
            ),
            expected,
            "{body}"
        );
    }

    #[test]
    fn arrays_are_split_into_accepted_and_failed() {
        check("[]", &[], &[]);
        check(r#"[{"id":"a","payload":"1"},{"id":"b"}]"#, &["a", "b"], &[]);
        check(r#"[{"id":"b"},{"id":"b"}]"#, &["b", "b"], &[]);
        check(
            r#"[1,{"payload":"q"},{"id":"ok"}]"#,
            &["ok"],
            &[("", "invalid id")],
        );
        check(r#"[null]"#, &[], &[("", "invalid id")]);
        check(r#"[{"id":null}]"#, &[], &[("", "invalid id")]);
        check(r#"[{"id":"","payload":"x"}]"#, &[], &[("", "invalid id")]);
        check(r#"[{"id":"a"},[]]"#, &["a"], &[("", "invalid wbo")]);
        check(r#"[{"id":"a","x":{}}]"#, &[], &[("", "invalid wbo")]);
        check(
            r#"[{"id":"a","sortindex":"x"}]"#,
            &[],
            &[("a", "invalid sortindex")],
        );
        check(r#"[{"id":"a","ttl":-1}]"#, &[], &[("a", "invalid ttl")]);
        check(
            r#"[{"id":"a","payload":1}]"#,
            &[],
            &[("a", "payload not a string")],
        );
        check(r#"[{"id":"é"}]"#, &[], &[("é", "invalid id")]);
        check(
            r#"[{"id":"NaN"},{"id":"b","sortindex":-Infinity},{"id":"c"}]"#,
            &["NaN", "c"],
            &[("b", "invalid sortindex")],
        );
        check(r#"[{"ttl":-1}]"#, &[], &[("", "invalid id")]);
        let long = "x".repeat(65);
        check(
            &format!(r#"[{{"id":"{long}"}}]"#),
            &[],
            &[(&long, "invalid id")],
        );
        let endless = "x".repeat(MAX_SHOWN_ID + 1);
        check(
            &format!(r#"[{{"id":"{endless}"}}]"#),
            &[],
            &[("", "invalid id")],
        );
    }

    #[test]
    fn what_exceeds_the_limits_is_to_be_sent_again() {
        check(
            r#"[{"id":"1"},7,{"id":"3"},{"id":"4"},{"id":"5"},{"id":"6"}]"#,
            &["1", "3", "4", "5"],
            &[("", "invalid wbo"), ("6", "retry wbo")],
        );
        check(
            r#"[{"id":"1","payload":"1234567890"},{"id":"2","payload":"1234567890"},{"id":"3"}]"#,
            &["1"],
            &[("2", "retry bytes"), ("3", "retry bytes")],
        );
    }

    #[test]
    fn one_object_stands_alone() {
        check(r#"{"id":"s","payload":"1"}"#, &["alone s"], &[]);
        for body in [
            r#"{"payload":"1"}"#,
            r#"{"id":"a/b"}"#,
            "null",
            r#""x""#,
            r#"{"id":null}"#,
        ] {
            assert_eq!(
                outcome(body, BatchLimits::default()),
                Err(BadBody::Wbo),
                "{body}"
            );
        }
        for body in ["", "[", "[{}", r#"[{"id":"\ud800"}]"#, "\"a\"\n\"b\""] {
            assert_eq!(
                outcome(body, BatchLimits::default()),
                Err(BadBody::Json),
                "{body}"
            );
        }
    }

    #[test]
    fn an_endless_array_is_refused() {
        let body = format!("[{}1]", "1,".repeat(MAX_ELEMENTS));
        assert_eq!(
            outcome(&body, BatchLimits::default()),
            Err(BadBody::TooMany)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(body in r#"([\[\]{},:0-9]|"(id|payload|ttl|\\u12|x)"|null|true|1e9){0,30}"#) {
            let _ = outcome(&body, BatchLimits::default());
        }
    }
}
