//! Addresses, judged as the original judged them (spec/user-1.0.md, 3).
//!
//! Stricter only where an address would be written into a mail's head: no control characters.
//! Blanks around an address are the caller's to strip.

use std::fmt;

/// The longest address, in bytes: what a mail server takes (RFC 5321, 4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// A well-formed e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// Not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct BadEmail;

impl Email {
    /// Takes an address as it is.
    ///
    /// # Errors
    /// [`BadEmail`] for anything else.
    pub fn new(text: &str) -> Result<Self, BadEmail> {
        // No domain holds an @, but a quoted local part may.
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(BadEmail);
        };
        let fits = text.len() <= MAX_BYTES && !text.contains(char::is_control);
        if fits && is_local(local) && (is_numeric(domain) || is_domain(domain)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadEmail)
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_local(local: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !r#"<>()[]\.,;:@""#.contains(c);
    let dotted = local
        .split('.')
        .all(|run| !run.is_empty() && run.chars().all(plain));
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| !inner.is_empty());
    dotted || quoted
}

fn is_numeric(domain: &str) -> bool {
    let group = |s: &str| (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    domain.split('.').count() == 4 && domain.split('.').all(group)
}

fn is_domain(domain: &str) -> bool {
    let label =
        |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let Some((rest, last)) = domain.rsplit_once('.') else {
        return false;
    };
    rest.split('.').all(label) && last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(Email::new(text).is_ok(), valid, "{text:?}");
    }

    #[test]
    fn the_originals_rule_decides_what_an_address_is() {
        for valid in [
            "alice@example.com",
            "User@Example.com",
            "a@b.co",
            "a.b.c@d.e.museum",
            "J+x@Example.org",
            "J%2Bx@Example.org",
            "a@999.1.1.1",
            "a@-b.co",
            "\"anything at all\"@b.co",
            "\"a@b\"@b.co",
            "ü@example.org",
        ] {
            check(valid, true);
        }
        for invalid in [
            "",
            "@",
            "bad",
            "a@b",
            "a@b.c",
            "@b.co",
            ".a@b.co",
            "a.@b.co",
            "a..b@b.co",
            "a@b_c.de",
            "a@b..co",
            "a@.co",
            "a@b.co.",
            "a@b.c0m",
            "a@1.2.3",
            "a@1.2.3.4444",
            "ü@bücher.de",
            "a b@c.de",
            "a@b@c.de",
            "\"\"@b.co",
            " a@b.co",
            "a@b.co\n",
            "\"a\r\nBcc: x\"@b.co",
        ] {
            check(invalid, false);
        }
        check(&format!("{}@b.co", "a".repeat(249)), true);
        check(&format!("{}@b.co", "a".repeat(250)), false);
    }
}
