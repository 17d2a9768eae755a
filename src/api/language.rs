//! The languages that people are spoken to in.

/// A language that there are texts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// What everybody gets who wants none of the others.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The one that an `Accept-Language` header likes best (RFC 9110, 12.5.4).
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        let mut best = (Self::default(), 0.0);
        for range in header.unwrap_or_default().split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let primary = tag.split('-').next().unwrap_or_default();
            let language = match () {
                () if primary.eq_ignore_ascii_case("de") => Self::German,
                () if primary.eq_ignore_ascii_case("en") || primary == "*" => Self::English,
                () => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
            let weight = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// What HTML calls it.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_is_found() {
        for (header, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,en;q=0.9,de;q=0.8", Language::English),
            ("en;q=0.3, de;q=0.8", Language::German),
            ("fr, de;q=0.5, *;q=0.1", Language::German),
            ("fr, *;q=0.5, de;q=0.1", Language::English),
            ("de;q=0, en;q=0", Language::English),
            ("de;q=x", Language::English),
            ("deutsch", Language::English),
        ] {
            assert_eq!(Language::accepted(Some(header)), expected, "{header}");
        }
        assert_eq!(Language::accepted(None), Language::English);
    }
}
