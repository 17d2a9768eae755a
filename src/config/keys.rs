//! The table of keys: names, defaults and meanings of everything that may stand in the two files.
//!
//! One table serves the reading, the search for the nearest key of a misspelt one, `check`, and
//! the samples in `conf/`, which are rendered from it. The rows stand in the files of their
//! sections.

/// A key of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// As it is written in the file.
    pub(super) name: &'static str,
    /// What becomes of it.
    pub(super) kind: Kind,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Another name of a key; read, but not shown in the sample.
    Alias,
    /// Old; nothing is done, and whoever wrote it must be told why.
    Dropped(&'static str),
    /// Cannot be served: the start is refused.
    Refused(&'static str),
    /// Old; not needed any more, no harm.
    Unneeded(&'static str),
    /// A setting of ours: its default as it would be written, and its meaning.
    Used {
        default: &'static str,
        text: &'static str,
    },
}

/// A section and its keys.
#[derive(Debug)]
pub(super) struct Table {
    /// Without `:main`.
    pub(super) name: &'static str,
    /// What the section is about, for the sample.
    pub(super) text: &'static str,
    /// In the order of the sample.
    pub(super) keys: &'static [Key],
}

pub(super) const fn used(name: &'static str, default: &'static str, text: &'static str) -> Key {
    let kind = Kind::Used { default, text };
    Key { name, kind }
}

pub(super) const fn alias(name: &'static str) -> Key {
    let kind = Kind::Alias;
    Key { name, kind }
}

pub(super) const fn dropped(name: &'static str, reason: &'static str) -> Key {
    let kind = Kind::Dropped(reason);
    Key { name, kind }
}

pub(super) const fn refused(name: &'static str, reason: &'static str) -> Key {
    let kind = Kind::Refused(reason);
    Key { name, kind }
}

pub(super) const fn unneeded(name: &'static str, reason: &'static str) -> Key {
    let kind = Kind::Unneeded(reason);
    Key { name, kind }
}

/// The keys of a section that stand in two files, which are `N` together.
#[expect(clippy::indexing_slicing, reason = "a wrong index does not compile")]
pub(super) const fn joined<const N: usize>(first: &[Key], second: &[Key]) -> [Key; N] {
    let mut keys = [alias(""); N];
    let mut at = 0;
    while at < N {
        keys[at] = match at < first.len() {
            true => first[at],
            false => second[at - first.len()],
        };
        at += 1;
    }
    keys
}

impl Table {
    /// The row of a key, whatever its upper and lower case.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys
            .iter()
            .find(|key| key.name.eq_ignore_ascii_case(name))
    }

    /// The known key that a misspelt one is most like, if any is like it at all.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.keys.iter().map(|key| key.name))
    }
}

/// The word with the smallest edit distance, unless even that is a different word.
pub(super) fn nearest(
    name: &str,
    words: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    // Keys are short; a monstrous one is like nothing and not worth the time.
    if name.len() > 64 {
        return None;
    }
    let limit = (name.chars().count() / 3).max(1);
    words
        .map(|word| (distance(&name, &word.to_ascii_lowercase()), word))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// How many characters must be inserted, removed, replaced or swapped with their neighbour to make
/// one word the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for a in left.chars() {
        let mut row = Vec::with_capacity(old.len());
        let mut last = old.first().map_or(0, |first| first + 1);
        row.push(last);
        let mut before = None;
        for (at, &b) in right.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = cell(&old, at) + usize::from(a != b);
            best = best.min(cell(&old, at + 1) + 1).min(last + 1);
            if at > 0 && previous == Some(b) && before == Some(a) {
                best = best.min(cell(&older, at - 1) + 1);
            }
            row.push(best);
            last = best;
            before = Some(b);
        }
        older = old;
        old = row;
        previous = Some(a);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("quota_sise", "quota_size", 1),
            ("flaw", "lawn", 2),
            ("prot", "port", 1),
            ("ab", "ba", 1),
            ("über", "uber", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour_and_rubbish_finds_none() {
        let words = ["quota_size", "use_quota", "sqluri"];
        let find = |name| nearest(name, words.into_iter());
        assert_eq!(find("quotasize"), Some("quota_size"));
        assert_eq!(find("SqlUrl"), Some("sqluri"));
        assert_eq!(find("elephant"), None);
    }
}
