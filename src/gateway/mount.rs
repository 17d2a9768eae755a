//! Where the application is mounted: told by the operator, or found out for each request.
//!
//! In: the setting's text. Out: the prefix as URL text and as decoded segments, which
//! [`super::path`] compares. Spec: spec/gateway.md, 4.

use std::fmt;
use std::str::FromStr;

use super::percent;

/// The path below which the application lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mount {
    /// The prefix is whatever precedes the first segment where an API begins.
    #[default]
    Automatic,
    /// The prefix is this one; a request from outside it has no path.
    Fixed(Prefix),
}

/// A fixed prefix; made by [`Mount`]'s `FromStr`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    text: String,
    segments: Vec<Vec<u8>>,
}

impl Prefix {
    /// The prefix as it stands in URLs: `""` for the root, or `/yourpath`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn segments(&self) -> &[Vec<u8>] {
        &self.segments
    }
}

/// A text that cannot be a mount prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mount prefix is a path like /yourpath, without `?`, `#`, `.` and `..` segments")]
pub struct BadMount;

impl FromStr for Mount {
    type Err = BadMount;

    /// Reads a fixed prefix; `""` and `"/"` are the root, slashes at the ends do not matter.
    fn from_str(text: &str) -> Result<Self, BadMount> {
        let mut prefix = Prefix::default();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            if part.contains(|c: char| c.is_control() || c == '?' || c == '#') {
                return Err(BadMount);
            }
            let segment = percent::decode(part.as_bytes()).into_owned();
            if segment == b"." || segment == b".." || segment.iter().any(u8::is_ascii_control) {
                return Err(BadMount);
            }
            prefix.text.push('/');
            percent::encode_segment(&segment, &mut prefix.text);
            prefix.segments.push(segment);
        }
        Ok(Self::Fixed(prefix))
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.write_str("automatic"),
            Self::Fixed(prefix) if prefix.text.is_empty() => f.write_str("/"),
            Self::Fixed(prefix) => f.write_str(&prefix.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let shown = text.parse::<Mount>().ok().map(|mount| mount.to_string());
        assert_eq!(shown.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn a_mount_is_normalised() {
        check("", Some("/"));
        check("/", Some("/"));
        check("yourpath", Some("/yourpath"));
        check("/yourpath/", Some("/yourpath"));
        check("//a//b/", Some("/a/b"));
        check("/a b", Some("/a%20b"));
        check("/a%20b", Some("/a%20b"));
        check("/café", Some("/caf%C3%A9"));
    }

    #[test]
    fn what_is_not_a_path_is_no_mount() {
        check("/a?b", None);
        check("/a#b", None);
        check("/../a", None);
        check("/%2e/a", None);
        check("/a\nb", None);
    }
}
