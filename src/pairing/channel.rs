//! Names of channels: the end of the PIN that people read from one screen and type at another.

use std::fmt;
use std::str::FromStr;

/// Digits and letters that nobody takes for each other; 32 of them.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";

/// A channel: 4 characters, for which the browsers' dialogs have a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelId([u8; 4]);

/// The text is no channel's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 4 characters of {}", String::from_utf8_lossy(ALPHABET))]
pub struct BadChannelId;

impl ChannelId {
    /// One of a million; which, nobody can tell beforehand.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.map(|byte| {
            let letter = ALPHABET.get(usize::from(byte % 32));
            letter.copied().unwrap_or(b'2')
        })))
    }

    /// As it stands in the database and in paths.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ChannelId {
    type Err = BadChannelId;

    fn from_str(text: &str) -> Result<Self, BadChannelId> {
        let bytes = <[u8; 4]>::try_from(text.as_bytes()).map_err(|_| BadChannelId)?;
        if bytes.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(bytes))
        } else {
            Err(BadChannelId)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_four_letters_of_the_alphabet() {
        for good in ["2222", "zzzz", "a7id"] {
            assert_eq!(good.parse::<ChannelId>().unwrap().to_string(), good);
        }
        for bad in ["", "a7i", "a7idx", "a1id", "A7ID", "a7o2", "é22", "l222"] {
            assert_eq!(bad.parse::<ChannelId>(), Err(BadChannelId), "{bad}");
        }
    }

    #[test]
    fn random_names_are_names_and_use_the_whole_alphabet() {
        let mut seen = HashSet::new();
        for _ in 0..2000 {
            let channel = ChannelId::random().unwrap();
            assert_eq!(channel.as_str().parse(), Ok(channel));
            seen.extend(channel.as_str().bytes());
        }
        assert_eq!(seen, ALPHABET.iter().copied().collect());
    }
}
