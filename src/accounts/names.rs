//! User names, and how an e-mail address becomes one (spec/user-1.0.md, 3; spec/clients.md, 1.2).
//!
//! The original server and its clients hash an address in two ways, which agree for plain ASCII:
//! the original undoes percent signs and encodes both sides with IDNA (of 2003), the clients
//! lower the whole text. A name that is either hash belongs to the address.

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE32_NOPAD;
use sha1::Digest;
use sha1::Sha1;

/// The longest name that an account can be made with: the width of the column.
pub const MAX_NEW_NAME: usize = 32;

/// The longest label of IDNA, in bytes.
const MAX_LABEL: usize = 63;

/// A name as it stands in the URL: letters, digits, `.`, `_` and `-`, of any length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// Not a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a user name")]
pub struct BadName;

impl UserName {
    /// Takes a name as it is, in upper or lower case.
    ///
    /// # Errors
    /// [`BadName`] when it is empty or holds any other character.
    pub fn new(text: &str) -> Result<Self, BadName> {
        if !text.is_empty() && text.bytes().all(is_name_byte) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case.
    #[must_use]
    pub fn lowered(&self) -> Self {
        Self(self.0.to_ascii_lowercase())
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The name that the original server derives from an address, or from a plain name as it is.
///
/// Where IDNA fails (the original answered 500) it is the clients' name.
///
/// # Errors
/// [`BadName`] for a text without `@` that is no name either.
pub fn server_name(account: &str) -> Result<UserName, BadName> {
    if !account.contains('@') {
        return UserName::new(account);
    }
    match original_address(account) {
        Some(address) => Ok(hashed(&address)),
        None => client_name(account),
    }
}

/// The name that desktop and Android clients derive from what the user typed.
///
/// # Errors
/// [`BadName`] for an empty text.
pub fn client_name(account: &str) -> Result<UserName, BadName> {
    let lowered = account.to_lowercase();
    if lowered.is_empty() || lowered.bytes().all(is_name_byte) {
        UserName::new(&lowered)
    } else {
        Ok(hashed(&lowered))
    }
}

/// Whether this name is derived from this address or plain name, in either way.
#[must_use]
pub fn matches(account: &str, name: &UserName) -> bool {
    [server_name(account), client_name(account)].contains(&Ok(name.clone()))
}

fn hashed(address: &str) -> UserName {
    let digest = Sha1::digest(address.as_bytes());
    UserName(BASE32_NOPAD.encode(&digest).to_ascii_lowercase())
}

/// The text that the original hashes; absent where it crashed.
fn original_address(account: &str) -> Option<String> {
    let decoded = percent_decoded(account);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (local, domain) = text.split_once('@')?;
    let mut address = idna_encoded(local)?;
    address.push('@');
    address.push_str(&idna_encoded(domain)?);
    Some(address.to_lowercase())
}

/// Undoes `%41`; anything that only looks like it stays.
fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = match (first, digit(tail.first()), digit(tail.get(1))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        decoded.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    Cow::Owned(decoded)
}

/// One side of an address as Python's codec `idna` encodes it: label by label, one dot may end it.
///
/// The same for all that Unicode 3.2 knew, but for right-to-left labels that end in a digit and
/// labels that begin with an accent: there the original, or this, takes no such address.
fn idna_encoded(side: &str) -> Option<String> {
    let dots = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];
    let (body, end) = match side.strip_suffix(dots) {
        Some(body) => (body, "."),
        None => (side, ""),
    };
    if side.is_empty() {
        return Some(String::new());
    }
    let labels: Option<Vec<Cow<'_, str>>> = body.split(dots).map(idna_label).collect();
    let mut encoded = labels?.join(".");
    encoded.push_str(end);
    Some(encoded)
}

fn idna_label(label: &str) -> Option<Cow<'_, str>> {
    let encoded = if label.is_ascii() {
        // Any ASCII passes, also what is no host name: this may be the local part.
        Cow::Borrowed(label)
    } else {
        // Letters on which IDNA of 2003 and of today differ, brought to what they were in 2003.
        let old = label
            .replace(['ß', 'ẞ'], "ss")
            .replace('ς', "σ")
            .replace(['\u{200c}', '\u{200d}'], "");
        Cow::Owned(idna::domain_to_ascii(&old).ok()?)
    };
    (1..=MAX_LABEL).contains(&encoded.len()).then_some(encoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prop_assert;
    use proptest::proptest;

    use super::*;

    #[track_caller]
    fn check(account: &str, server: &str, client: &str) {
        let name = |text| UserName::new(text).unwrap();
        assert_eq!(server_name(account), Ok(name(server)), "server: {account}");
        assert_eq!(client_name(account), Ok(name(client)), "client: {account}");
        assert!(matches(account, &name(server)) && matches(account, &name(client)));
        assert!(!matches(account, &name("a2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    }

    #[test]
    fn both_hashes_agree_for_plain_addresses() {
        for (account, name) in [
            ("User@Example.com", "motravusmgrewn3ge5nxaagorv5tfyxx"),
            ("alice@example.com", "7qrzrjz52vgwen6e7w2y7v6xknd46wxt"),
            ("johndoe@example.com", "v64aw4knp6ittxnarcpmoi7smokoazsr"),
            ("a@b.co", "eku24zdusovpl26o7lrtuhwpnh3iikc7"),
            ("foobar@baz.com", "xee7ffonluzpdp66l6xgpyh2v2w6ojkc"),
        ] {
            check(account, name, name);
        }
    }

    #[test]
    fn the_hashes_part_at_percent_signs_and_umlauts() {
        check(
            "ü@bücher.de",
            "sdqzi4xrdvlxrsayfro6fxvmobt6mots",
            "kgq75mtzhkiorwrissisn3uv5ycsizhx",
        );
        let server = "22vdkxvhvwn3hymrcpuypghh3bbxclpn";
        assert_eq!(server_name("J%2Bx@Example.org"), UserName::new(server));
        assert_eq!(server_name("j+x@example.org"), UserName::new(server));
        assert_ne!(client_name("J%2Bx@Example.org"), UserName::new(server));
    }

    #[test]
    fn plain_names_are_not_hashed() {
        check("foobar", "foobar", "foobar");
        check("Joe.B_-9", "Joe.B_-9", "joe.b_-9");
        assert_eq!(server_name("no name"), Err(BadName));
        assert_eq!(server_name(""), Err(BadName));
        assert_eq!(client_name(""), Err(BadName));
        assert!(client_name("no name").is_ok());
    }

    #[test]
    fn where_idna_fails_the_clients_hash_is_taken() {
        let long = format!("{}@example.com", "a".repeat(70));
        for account in [&long, "a..b@c.de", "a@b..de", "%ff@c.de"] {
            assert_eq!(server_name(account), client_name(account), "{account}");
        }
    }

    #[test]
    fn idna_is_that_of_2003() {
        #[track_caller]
        fn check(side: &str, expected: Option<&str>) {
            assert_eq!(idna_encoded(side).as_deref(), expected, "{side:?}");
        }
        check("", Some(""));
        check("Example.com", Some("Example.com"));
        check("example.com.", Some("example.com."));
        check("bücher.de", Some("xn--bcher-kva.de"));
        check("BÜCHER.de", Some("xn--bcher-kva.de"));
        check("straße.de", Some("strasse.de"));
        check("Ａß①", Some("ass1"));
        check("ΣΊΣΥΦΟΣ", Some("xn--kxa6akbbkh"));
        check("日本語", Some("xn--wgv71a119e"));
        check("Å\u{ad}™", Some("xn--tm-xia"));
        check("привет_1", Some("xn--_1-dlcmn5bht"));
        check("a\u{3002}b", Some("a.b"));
        check("any_thing+goes", Some("any_thing+goes"));
        check(".a", None);
        check("a..b", None);
    }

    #[test]
    fn a_percent_sign_without_two_digits_stays() {
        assert_eq!(&*percent_decoded("%41%4%zz%"), b"A%4%zz%");
        assert_eq!(&*percent_decoded("%2525"), b"%25");
    }

    #[test]
    fn a_name_holds_what_the_url_may_hold() {
        for text in ["a", "A.b_c-9", &"x".repeat(100)] {
            assert!(UserName::new(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "a@b", "ü", "a/b", "a\n"] {
            assert_eq!(UserName::new(text), Err(BadName), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_with_an_at_sign_has_a_name(before in any::<String>(), after in any::<String>()) {
            let name = server_name(&format!("{before}@{after}")).unwrap();
            prop_assert!(name.as_str().len() == MAX_NEW_NAME);
        }
    }
}
