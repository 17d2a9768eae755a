//! A Weave Basic Object as a client sends it (spec/storage-1.1.md, 3.2 to 3.4).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;

use super::ErrorCode;
use super::Failure;
use super::JsonText;
use super::Timestamp;
use super::json;
use super::record_id;

/// A payload's greatest size, in bytes of UTF-8.
pub const MAX_PAYLOAD: usize = 262_144;

/// `sortindex` lies between this number's negative and itself.
const MAX_SORTINDEX: i64 = 999_999_999;

/// The fields of a valid WBO; an absent one keeps the value that is stored.
///
/// Fields that are not listed are dropped, above all `modified`, `username`, `collection` and
/// `payload_size`, which the original wrote into the row (quirks 17 and 18).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wbo<'a> {
    /// Up to 64 ASCII characters, any of them; absent is for the caller to judge.
    pub id: Option<Cow<'a, str>>,
    /// Up to 64 ASCII characters.
    pub parentid: Option<Cow<'a, str>>,
    /// Up to 64 ASCII characters.
    pub predecessorid: Option<Cow<'a, str>>,
    /// -999999999 to 999999999.
    pub sortindex: Option<i64>,
    /// How long the record lives.
    pub ttl: Option<Ttl>,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: Option<Cow<'a, str>>,
}

/// How long a record lives, in seconds from its writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(i64);

impl Ttl {
    /// The stored expiry time that means "never": 18 July 2036 for the original server, the end
    /// of time for this one (decisions, 2).
    pub const NEVER: i64 = 2_100_000_000;

    /// When a record written at `now` expires, in seconds since 1970; at most [`Self::NEVER`].
    #[must_use]
    pub fn expiry(self, now: Timestamp) -> i64 {
        now.seconds().saturating_add(self.0).min(Self::NEVER)
    }
}

/// Why a body was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// The body is not JSON in UTF-8.
    #[error("the body is not JSON")]
    Json,
    /// An array of more elements than any client sends, which would only cost memory.
    #[error("the array has too many elements")]
    TooMany,
    /// The body is JSON, but no valid WBO.
    #[error("the body is no valid WBO")]
    Wbo,
}

impl BadBody {
    /// The number that tells a client so; none for [`Self::TooMany`], which is a 413.
    #[must_use]
    pub const fn code(self) -> Option<ErrorCode> {
        match self {
            Self::Json => Some(ErrorCode::Json),
            Self::TooMany => None,
            Self::Wbo => Some(ErrorCode::Wbo),
        }
    }
}

impl<'a> Wbo<'a> {
    /// Reads the body of a PUT of one record.
    ///
    /// # Errors
    /// [`BadBody::Json`] or [`BadBody::Wbo`], in this order (spec/storage-1.1.md, 2.8).
    pub fn parse(text: &'a JsonText<'_>) -> Result<Self, BadBody> {
        match text.parse()? {
            Element::Object(fields) => fields.check().map_err(|bad| bad.alone()),
            Element::Null | Element::Other => Err(BadBody::Wbo),
        }
    }
}

/// One JSON value of a body, read as far as the rules for WBOs need it.
pub(super) enum Element<'a> {
    Null,
    Object(Fields<'a>),
    /// Anything that cannot be a WBO.
    Other,
}

/// The members of an object that a WBO knows, not yet checked. A repeated one: the last wins.
#[derive(Default)]
pub(super) struct Fields<'a> {
    id: Option<&'a RawValue>,
    parentid: Option<&'a RawValue>,
    predecessorid: Option<&'a RawValue>,
    sortindex: Option<&'a RawValue>,
    ttl: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    /// Some member, known or not, is an array or an object.
    compound: bool,
}

/// Why an object is no valid WBO.
pub(super) enum BadWbo<'a> {
    /// A string in it cannot be decoded (a lone surrogate): that makes the whole body bad JSON.
    Json,
    /// A rule was broken; with the id as far as it could be read.
    Rule(Option<Cow<'a, str>>, Failure),
}

impl BadWbo<'_> {
    /// What it means when the object was a body of its own.
    pub(super) const fn alone(&self) -> BadBody {
        match self {
            Self::Json => BadBody::Json,
            Self::Rule(..) => BadBody::Wbo,
        }
    }
}

impl<'a> Fields<'a> {
    /// Applies the rules of spec/storage-1.1.md, 3.3, in their order.
    ///
    /// A missing id is no failure here; see [`super::Batch`].
    pub(super) fn check(&self) -> Result<Wbo<'a>, BadWbo<'a>> {
        if self.compound {
            return Err(BadWbo::Rule(None, Failure::Wbo));
        }
        let id = text_of(self.id)?;
        let fail = |failure| BadWbo::Rule(id.clone(), failure);
        let parentid = text_of(self.parentid)?;
        let predecessorid = text_of(self.predecessorid)?;
        let fits = |text: &Option<Cow<'_, str>>| {
            text.as_deref()
                .is_none_or(|text| text.is_ascii() && text.len() <= record_id::MAX_LENGTH)
        };
        if !fits(&parentid) {
            return Err(fail(Failure::Parentid));
        }
        if !fits(&id) {
            return Err(fail(Failure::Id));
        }
        if !fits(&predecessorid) {
            return Err(fail(Failure::Predecessorid));
        }
        let ttl = match self.ttl {
            Some(raw) => Some(Ttl(whole_number(raw, Fraction::InNumberOnly)
                .filter(|ttl| *ttl >= 0)
                .ok_or_else(|| fail(Failure::Ttl))?)),
            None => None,
        };
        let sortindex = match self.sortindex {
            Some(raw) => Some(
                whole_number(raw, Fraction::Anywhere)
                    .filter(|index| index.unsigned_abs() <= MAX_SORTINDEX.unsigned_abs())
                    .ok_or_else(|| fail(Failure::Sortindex))?,
            ),
            None => None,
        };
        let payload = match self.payload {
            Some(raw) if raw.get().starts_with('"') => text_of(Some(raw))?,
            Some(_) => return Err(fail(Failure::PayloadNoString)),
            None => None,
        };
        if payload
            .as_ref()
            .is_some_and(|payload| payload.len() > MAX_PAYLOAD)
        {
            return Err(fail(Failure::PayloadTooLarge));
        }
        Ok(Wbo {
            id,
            parentid,
            predecessorid,
            sortindex,
            ttl,
            payload,
        })
    }
}

/// A scalar as the text that Python makes of it.
fn text_of<'a>(raw: Option<&'a RawValue>) -> Result<Option<Cow<'a, str>>, BadWbo<'a>> {
    let Some(raw) = raw.map(RawValue::get) else {
        return Ok(None);
    };
    Ok(Some(match raw {
        "true" => Cow::Borrowed("True"),
        "false" => Cow::Borrowed("False"),
        _ if raw.starts_with('"') => match json::unescaped(raw) {
            Some(text) => text,
            None => {
                serde_json::from_str::<Text<'a>>(raw)
                    .map_err(|_| BadWbo::Json)?
                    .0
            }
        },
        _ if is_integer(raw) => Cow::Borrowed(raw),
        // `5.5` stays, `1e3` becomes `1000.0`.
        _ => Cow::Owned(format!("{:?}", raw.parse::<f64>().unwrap_or(f64::NAN))),
    }))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a number may have decimals, which are cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fraction {
    /// In a number and in a text: `sortindex`.
    Anywhere,
    /// In a number, not in a text: `ttl`.
    InNumberOnly,
}

/// A scalar as Python's `int` reads it; absent when it is no number, clamped when it is large.
fn whole_number(raw: &RawValue, fraction: Fraction) -> Option<i64> {
    let raw = raw.get();
    let (text, quoted) = match raw.as_bytes().first()? {
        b't' => return Some(1),
        b'f' => return Some(0),
        b'"' => (serde_json::from_str::<Text<'_>>(raw).ok()?.0, true),
        _ => (Cow::Borrowed(raw), false),
    };
    let text = text.trim_ascii();
    if is_integer(text) {
        let clamped = if text.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        return Some(text.parse().unwrap_or(clamped));
    }
    if quoted && fraction == Fraction::InNumberOnly {
        return None;
    }
    let number: f64 = text
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` cuts and clamps, as is wanted"
    )]
    let whole = number.trunc() as i64;
    Some(whole)
}

/// A JSON string, borrowed from the body unless it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Element::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Element::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Element::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Element::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Element::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Element::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let raw = map.next_value::<&'de RawValue>()?;
            fields.compound |= raw.get().starts_with(['[', '{']);
            let value = (raw.get() != "null").then_some(raw);
            match name.as_ref() {
                "id" => fields.id = value,
                "parentid" => fields.parentid = value,
                "payload" => fields.payload = value,
                "predecessorid" => fields.predecessorid = value,
                "sortindex" => fields.sortindex = value,
                "ttl" => fields.ttl = value,
                _ => {}
            }
        }
        Ok(Element::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Result<Wbo<'_>, BadBody>) {
        let text = JsonText::from_body(body.as_bytes()).unwrap();
        assert_eq!(Wbo::parse(&text), expected, "{body}");
    }

    fn sortindex(index: i64) -> Result<Wbo<'static>, BadBody> {
        Ok(Wbo {
            sortindex: Some(index),
            ..Wbo::default()
        })
    }

    fn ttl(seconds: i64) -> Result<Wbo<'static>, BadBody> {
        Ok(Wbo {
            ttl: Some(Ttl(seconds)),
            ..Wbo::default()
        })
    }

    fn id(id: &str) -> Result<Wbo<'_>, BadBody> {
        Ok(Wbo {
            id: Some(id.into()),
            ..Wbo::default()
        })
    }

    fn payload(payload: &str) -> Result<Wbo<'_>, BadBody> {
        Ok(Wbo {
            payload: Some(payload.into()),
            ..Wbo::default()
        })
    }

    #[test]
    fn objects_are_read() {
        check("{}", Ok(Wbo::default()));
        check(
            r#" {"payload":"y","zzz":1,"modified":5,"username":999} "#,
            payload("y"),
        );
        check(r#"{"payload":"a","payload":"b"}"#, payload("b"));
        check(r#"{"payload":null,"sortindex":1}"#, sortindex(1));
        check(r#"{"pay\u006coad":"\u00e9\ud83d\ude00"}"#, payload("é😀"));
        check(r#"{"id":5}"#, id("5"));
        check(r#"{"id":5.5}"#, id("5.5"));
        check(r#"{"id":1e3}"#, id("1000.0"));
        check(r#"{"id":true}"#, id("True"));
        check(r#"{"id":""}"#, id(""));
        check(r#"{"id":"{g} *"}"#, id("{g} *"));
        check(
            &format!(r#"{{"id":"{}"}}"#, "x".repeat(64)),
            id(&"x".repeat(64)),
        );
    }

    #[test]
    fn what_is_no_valid_wbo_is_refused() {
        for body in [
            "[]",
            r#""s""#,
            "42",
            "true",
            "null",
            r#"{"payload":1}"#,
            r#"{"payload":{}}"#,
            r#"{"x":[],"payload":"y"}"#,
            r#"{"id":"é"}"#,
            r#"{"sortindex":NaN}"#,
            r#"{"sortindex":1e400}"#,
            r#"{"ttl":Infinity}"#,
        ] {
            check(body, Err(BadBody::Wbo));
        }
        for name in ["id", "parentid", "predecessorid"] {
            check(
                &format!(r#"{{"{name}":"{}"}}"#, "x".repeat(65)),
                Err(BadBody::Wbo),
            );
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for body in [
            "",
            "{",
            r#"{"payload":"x"}x"#,
            "\u{feff}{}",
            r#"{"payload":"\ud800"}"#,
            "{'a':1}",
        ] {
            check(body, Err(BadBody::Json));
        }
        assert_eq!(
            JsonText::from_body(b"{\"a\":\"\xff\"}").err(),
            Some(BadBody::Json)
        );
    }

    #[test]
    fn sortindex_is_cut_and_then_bounded() {
        for (value, index) in [
            ("999999999", 999_999_999),
            ("-999999999", -999_999_999),
            ("999999999.9", 999_999_999),
            (r#""5.7""#, 5),
            (r#"" 5 ""#, 5),
            (r#""1e3""#, 1000),
            ("-5.7", -5),
            ("-0.5", 0),
            ("true", 1),
        ] {
            check(&format!(r#"{{"sortindex":{value}}}"#), sortindex(index));
        }
        for value in [
            "1000000000",
            "-1000000000",
            r#""abc""#,
            r#""""#,
            r#""0x10""#,
            r#""inf""#,
            "1e99",
        ] {
            check(&format!(r#"{{"sortindex":{value}}}"#), Err(BadBody::Wbo));
        }
    }

    #[test]
    fn ttl_is_a_whole_number_of_seconds() {
        for (value, seconds) in [
            ("0", 0),
            ("31536000", 31_536_000),
            ("94608000", 94_608_000),
            (r#""10""#, 10),
            ("1.9", 1),
            ("true", 1),
        ] {
            check(&format!(r#"{{"ttl":{value}}}"#), ttl(seconds));
        }
        for value in ["-1", r#""abc""#, r#""1.5""#, r#""""#, "1e400", "NaN"] {
            check(&format!(r#"{{"ttl":{value}}}"#), Err(BadBody::Wbo));
        }
    }

    #[test]
    fn payloads_are_bounded_in_bytes() {
        let most = "x".repeat(MAX_PAYLOAD);
        check(&format!(r#"{{"payload":"{most}"}}"#), payload(&most));
        check(&format!(r#"{{"payload":"{most}x"}}"#), Err(BadBody::Wbo));
        check(
            &format!(r#"{{"payload":"{}"}}"#, "é".repeat(131_073)),
            Err(BadBody::Wbo),
        );
    }

    #[test]
    fn a_far_expiry_is_never() {
        let now = Timestamp::from_centis(179_553_376_557);
        assert_eq!(Ttl(10).expiry(now), 1_795_533_775);
        assert_eq!(Ttl(i64::MAX).expiry(now), Ttl::NEVER);
    }
}
