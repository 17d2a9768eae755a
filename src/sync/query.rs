//! The parameters of GET and DELETE on a collection (spec/storage-1.1.md, 2.4).

use std::borrow::Cow;

use super::Timestamp;

/// Which records are meant, in which order, and how much of them is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Only these ids.
    pub ids: Option<Vec<String>>,
    /// Only records with this parent.
    pub parentid: Option<String>,
    /// Only records with this predecessor.
    pub predecessorid: Option<String>,
    /// Only records written after this.
    pub newer: Option<Timestamp>,
    /// Only records written before this.
    pub older: Option<Timestamp>,
    /// Only records with a greater sortindex.
    pub index_above: Option<i64>,
    /// Only records with a smaller sortindex.
    pub index_below: Option<i64>,
    /// At most this many; 1 or more.
    pub limit: Option<u64>,
    /// Without this many of the first; 0 unless `limit` was given too.
    pub offset: u64,
    /// The order.
    pub sort: Option<Sort>,
    /// Whole records rather than ids.
    pub full: bool,
}

/// The order of the records in an answer, and which of them a limit keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By sortindex, greatest first, records without one last.
    Index,
    /// By time, newest first.
    Newest,
    /// By time, oldest first.
    Oldest,
}

/// A parameter has a value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} has no valid value")]
pub struct BadQuery(pub &'static str);

impl Query {
    /// Reads a query string. A repeated parameter: the last one wins; unknown ones are ignored.
    ///
    /// # Errors
    /// [`BadQuery`] names the parameter.
    pub fn parse(query: &str) -> Result<Self, BadQuery> {
        let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            serde_urlencoded::from_str(query).map_err(|_| BadQuery("(all)"))?;
        // Decoding puts U+FFFD where the bytes are not UTF-8; a client that means that very
        // character spells it out.
        let spells_it_out = query.to_ascii_uppercase().contains("%EF%BF%BD");
        let last = |name: &'static str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            match found.map(|(_, value)| value.as_ref()) {
                Some(value) if value.contains('\u{fffd}') && !spells_it_out => Err(BadQuery(name)),
                value => Ok(value),
            }
        };
        let time = |name| {
            let value: Option<&str> = last(name)?;
            value
                .map(|value| value.parse().map_err(|_| BadQuery(name)))
                .transpose()
        };
        let limit = match last("limit")? {
            Some(value) => Some(whole(value).ok_or(BadQuery("limit"))?),
            None => None,
        };
        let offset = match last("offset")? {
            Some(value) => whole(value).ok_or(BadQuery("offset"))?,
            None => 0,
        };
        Ok(Self {
            ids: last("ids")?.map(|ids| ids.split(',').map(str::to_owned).collect()),
            parentid: last("parentid")?.map(str::to_owned),
            predecessorid: last("predecessorid")?.map(str::to_owned),
            newer: time("newer")?,
            older: time("older")?,
            index_above: match last("index_above")? {
                Some(value) => Some(index(value, Bound::Above).ok_or(BadQuery("index_above"))?),
                None => None,
            },
            index_below: match last("index_below")? {
                Some(value) => Some(index(value, Bound::Below).ok_or(BadQuery("index_below"))?),
                None => None,
            },
            limit: limit
                .and_then(|limit| u64::try_from(limit).ok())
                .filter(|limit| *limit > 0),
            // The original reads an offset only beside a limit, be it one that means "none".
            offset: limit.and_then(|_| u64::try_from(offset).ok()).unwrap_or(0),
            sort: match last("sort")? {
                Some("index") => Some(Sort::Index),
                Some("newest") => Some(Sort::Newest),
                Some("oldest") => Some(Sort::Oldest),
                _ => None,
            },
            full: last("full")?.is_some_and(|full| !full.is_empty()),
        })
    }
}

/// An integer with a sign and blanks allowed, clamped to the type.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let clamped = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(text.parse().unwrap_or(clamped))
}

enum Bound {
    Above,
    Below,
}

/// A float as the integer that selects the same sortindices; NaN selects none.
fn index(text: &str, bound: Bound) -> Option<i64> {
    let value: f64 = text.trim_ascii().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` clamps, as is wanted")]
    Some(match bound {
        Bound::Above if value.is_nan() => i64::MAX,
        Bound::Above => value.floor() as i64,
        Bound::Below if value.is_nan() => i64::MIN,
        Bound::Below => value.ceil() as i64,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Query) {
        assert_eq!(Query::parse(query), Ok(expected), "{query}");
    }

    #[test]
    fn parameters_are_read() {
        let none = Query::default;
        check("", none());
        check("foo=bar&v=1.0", none());
        let ids = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect());
        check(
            "ids=0,2",
            Query {
                ids: ids(&["0", "2"]),
                ..none()
            },
        );
        check(
            "ids=",
            Query {
                ids: ids(&[""]),
                ..none()
            },
        );
        check(
            "ids=0,,1",
            Query {
                ids: ids(&["0", "", "1"]),
                ..none()
            },
        );
        check(
            "ids=0&ids=1",
            Query {
                ids: ids(&["1"]),
                ..none()
            },
        );
        check(
            "ids=%7Bg%7D+*%2Cb",
            Query {
                ids: ids(&["{g} *", "b"]),
                ..none()
            },
        );
        check(
            "full=1",
            Query {
                full: true,
                ..none()
            },
        );
        check(
            "full=0",
            Query {
                full: true,
                ..none()
            },
        );
        check("full=", none());
        check("full", none());
        check(
            "limit=2&offset=1",
            Query {
                limit: Some(2),
                offset: 1,
                ..none()
            },
        );
        check("offset=1", none());
        check(
            "limit=0&offset=1",
            Query {
                offset: 1,
                ..none()
            },
        );
        check("limit=-1&offset=-1", none());
        check(
            "sort=newest",
            Query {
                sort: Some(Sort::Newest),
                ..none()
            },
        );
        check("sort=bogus", none());
        check(
            "parentid=",
            Query {
                parentid: Some(String::new()),
                ..none()
            },
        );
        check(
            "newer=1.005",
            Query {
                newer: Some(Timestamp::from_centis(100)),
                ..none()
            },
        );
        check(
            "index_above=1.5",
            Query {
                index_above: Some(1),
                ..none()
            },
        );
        check(
            "index_below=1.5",
            Query {
                index_below: Some(2),
                ..none()
            },
        );
        check(
            "index_above=nan",
            Query {
                index_above: Some(i64::MAX),
                ..none()
            },
        );
        check(
            "index_above=-inf",
            Query {
                index_above: Some(i64::MIN),
                ..none()
            },
        );
        check(
            "limit=99999999999999999999",
            Query {
                limit: Some(9_223_372_036_854_775_807),
                ..none()
            },
        );
    }

    #[test]
    fn bad_values_are_refused() {
        for (query, name) in [
            ("newer=abc", "newer"),
            ("newer=", "newer"),
            ("newer=nan", "newer"),
            ("older=inf", "older"),
            ("limit=x", "limit"),
            ("limit=2.0", "limit"),
            ("limit=", "limit"),
            ("offset=x", "offset"),
            ("index_above=x", "index_above"),
            ("index_below=", "index_below"),
            ("ids=%ff", "ids"),
        ] {
            assert_eq!(Query::parse(query), Err(BadQuery(name)), "{query}");
        }
        assert!(Query::parse("foo=%ff").is_ok());
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in "([a-z_]{0,12}=?[-+.%&=0-9a-fA-F]{0,12}&?){0,5}|.{0,60}") {
            let _ = Query::parse(&query);
        }
    }
}
