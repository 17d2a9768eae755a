//! Seals: what an installation said is known again when it comes back (RFC 2104, HMAC).

use data_encoding::BASE64URL_NOPAD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

use super::Guard;

impl Guard {
    /// The seal of a text: 43 characters that can stand in a URL, a form or a cookie. A seal for
    /// one `purpose` is none for another.
    #[must_use]
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        BASE64URL_NOPAD.encode(&self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether this is the seal of that text; takes as long for every wrong one.
    #[must_use]
    pub fn is_sealed(&self, purpose: &str, text: &str, seal: &str) -> bool {
        let Ok(seal) = BASE64URL_NOPAD.decode(seal.as_bytes()) else {
            return false;
        };
        self.mac(purpose, text).verify_slice(&seal).is_ok()
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = new_mac(&self.key);
        // The length keeps the border between purpose and text.
        mac.update(&purpose.len().to_le_bytes());
        mac.update(purpose.as_bytes());
        mac.update(text.as_bytes());
        mac
    }
}

/// A key as long as a block needs no hashing and cannot be refused.
fn new_mac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}
