//! Keys and encrypted records of storage version 5 (spec/clients.md, 2).

use std::fmt;

use aes::Aes256;
use aes::cipher::BlockModeDecrypt;
use aes::cipher::BlockModeEncrypt;
use aes::cipher::KeyIvInit;
use aes::cipher::block_padding::Pkcs7;
use data_encoding::BASE32_NOPAD;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde_json::Value;
use serde_json::json;
use sha2::Sha256;

/// The key that a user carries from one device to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncKey(pub(crate) [u8; 16]);

impl SyncKey {
    pub(crate) fn fresh() -> Self {
        Self(random())
    }

    /// Reads what a user typed: `a-aqaea-...`, in any case, with or without hyphens.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase().replace('-', "");
        let text = text.replace('8', "l").replace('9', "o").to_uppercase();
        // 26 characters are 130 bits, of which the last two are not looked at.
        let mut spec = BASE32_NOPAD.specification();
        spec.check_trailing_bits = false;
        let bytes = spec.encoding().ok()?.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The keys that protect `crypto/keys`.
    pub(crate) fn bundle(self, user: &str) -> Keys {
        let info = [b"Sync-AES_256_CBC-HMAC256", user.as_bytes()].concat();
        let encryption = hmac(&self.0, &[&info, &[1]]);
        let authentication = hmac(&self.0, &[&encryption, &info, &[2]]);
        Keys {
            encryption,
            authentication,
        }
    }
}

impl fmt::Display for SyncKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BASE32_NOPAD.encode(&self.0).to_lowercase();
        let text = text.replace('l', "8").replace('o', "9");
        let (first, rest) = text.split_at(1);
        f.write_str(first)?;
        let mut rest = rest;
        while !rest.is_empty() {
            let (five, more) = rest.split_at(5.min(rest.len()));
            write!(f, "-{five}")?;
            rest = more;
        }
        Ok(())
    }
}

/// One key to encrypt, one to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) encryption: [u8; 32],
    pub(crate) authentication: [u8; 32],
}

impl Keys {
    pub(crate) fn fresh() -> Self {
        Self {
            encryption: random(),
            authentication: random(),
        }
    }

    /// The form in which keys stand in the clear text of `crypto/keys`.
    pub(crate) fn pair(&self) -> Value {
        json!([
            BASE64.encode(&self.encryption),
            BASE64.encode(&self.authentication)
        ])
    }

    pub(crate) fn from_pair(pair: &Value) -> Option<Self> {
        let key = |at: usize| {
            let bytes = BASE64.decode(pair.get(at)?.as_str()?.as_bytes()).ok()?;
            <[u8; 32]>::try_from(bytes).ok()
        };
        Some(Self {
            encryption: key(0)?,
            authentication: key(1)?,
        })
    }

    /// Clear text to payload.
    pub(crate) fn seal(&self, clear: &str) -> String {
        self.seal_with(clear, random())
    }

    pub(crate) fn seal_with(&self, clear: &str, iv: [u8; 16]) -> String {
        let mut buffer = vec![0; clear.len() + 16];
        buffer[..clear.len()].copy_from_slice(clear.as_bytes());
        let cipher = cbc::Encryptor::<Aes256>::new(&self.encryption.into(), &iv.into());
        let sealed = cipher
            .encrypt_padded::<Pkcs7>(&mut buffer, clear.len())
            .unwrap();
        let text = BASE64.encode(sealed);
        let mac = HEXLOWER.encode(&hmac(&self.authentication, &[text.as_bytes()]));
        let iv = BASE64.encode(&iv);
        format!(r#"{{"ciphertext":"{text}","IV":"{iv}","hmac":"{mac}"}}"#)
    }

    /// Payload to clear text; what a client does first is to check that nobody touched it.
    pub(crate) fn open(&self, payload: &str) -> Result<String, String> {
        let parts: Value = serde_json::from_str(payload).map_err(|error| error.to_string())?;
        let part = |name: &str| {
            parts[name]
                .as_str()
                .ok_or(format!("no {name} in {payload}"))
        };
        let text = part("ciphertext")?;
        let mac = HEXLOWER.encode(&hmac(&self.authentication, &[text.as_bytes()]));
        if mac != part("hmac")? {
            return Err("somebody changed the payload".to_owned());
        }
        let base64 = |text: &str| {
            BASE64
                .decode(text.as_bytes())
                .map_err(|error| error.to_string())
        };
        let mut buffer = base64(text)?;
        let iv: [u8; 16] = base64(part("IV")?)?
            .try_into()
            .map_err(|_| "not 16 bytes of IV")?;
        let cipher = cbc::Decryptor::<Aes256>::new(&self.encryption.into(), &iv.into());
        let clear = cipher
            .decrypt_padded::<Pkcs7>(&mut buffer)
            .map_err(|error| error.to_string())?;
        String::from_utf8(clear.to_vec()).map_err(|error| error.to_string())
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
