//! Who speaks on a channel: what a browser calls itself while it pairs.

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;

/// How long the text is that a browser makes for one pairing, 1024 random bits.
const LENGTH: usize = 256;

/// A device. Kept is a hash of what it calls itself: whoever reads the database cannot speak in
/// its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// From the header `X-KeyExchange-Id`: exactly 256 characters that can be seen.
    #[must_use]
    pub fn new(id: &[u8]) -> Option<Self> {
        let fine = id.len() == LENGTH && id.iter().all(u8::is_ascii_graphic);
        fine.then(|| Self(HEXLOWER.encode(&Sha256::digest(id))))
    }

    /// As it stands in the database: 64 characters.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_256_characters() {
        let id = |letter: &str, count| Device::new(letter.repeat(count).as_bytes());
        assert!(id("a", 256).is_some());
        assert_eq!(id("a", 256), id("a", 256));
        assert_ne!(id("a", 256), id("A", 256));
        for bad in [
            id("a", 255),
            id("a", 257),
            id("a", 0),
            id(" ", 256),
            id("é", 128),
        ] {
            assert!(bad.is_none());
        }
        assert_eq!(id("a", 256).unwrap().as_str().len(), 64);
    }
}
