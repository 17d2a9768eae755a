//! JSON details that are the protocol's own: ASCII-only output, and the number tokens that
//! only Python's JSON knows.

use std::borrow::Cow;
use std::cell::OnceCell;

use memchr::memchr;
use memchr::memchr2_iter;
use serde::Deserialize;

use super::BadBody;

/// Appends `text` as a JSON string, in pure ASCII (spec/storage-1.1.md, quirk 6).
///
/// No raw newline can come out of this, which `application/newlines` depends on.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if is_printable(text.as_bytes()) {
        write_printable(text.as_bytes(), out);
    } else {
        for char in text.chars() {
            match char {
                ' '..='~' if char != '"' && char != '\\' => out.push(char as u8),
                _ => write_escape(char, out),
            }
        }
    }
    out.push(b'"');
}

/// Whether nothing but quotes and backslashes must be escaped, as in nearly every payload. Without
/// a way out of the loop, so that it is compiled to a few wide instructions.
fn is_printable(text: &[u8]) -> bool {
    text.iter().fold(true, |so_far, byte| {
        so_far & (byte.wrapping_sub(b' ') < 0x5f)
    })
}

fn write_printable(text: &[u8], out: &mut Vec<u8>) {
    // A little more than most texts need.
    out.reserve(text.len() + 32);
    let mut written = 0;
    for special in memchr2_iter(b'"', b'\\', text) {
        out.extend_from_slice(text.get(written..special).unwrap_or_default());
        out.push(b'\\');
        written = special;
    }
    out.extend_from_slice(text.get(written..).unwrap_or_default());
}

/// Appends a whole number.
pub(super) fn write_number(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let start = out.len();
    let mut rest = number.unsigned_abs();
    loop {
        out.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn write_escape(special: char, out: &mut Vec<u8>) {
    match special {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = u32::from(*unit >> shift & 0xf);
                    out.push(char::from_digit(digit, 16).map_or(b'0', |digit| digit as u8));
                }
            }
        }
    }
}

/// What a string token of valid JSON says, where it can be had cheaply: payloads are full of quotes
/// that are escaped. Absent where a character is escaped by its number.
pub(super) fn unescaped(token: &str) -> Option<Cow<'_, str>> {
    let text = token.strip_prefix('"')?.strip_suffix('"')?;
    let find = |rest: &str| memchr(b'\\', rest.as_bytes());
    if find(text).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, from)) = find(rest).and_then(|place| rest.split_at_checked(place)) {
        out.push_str(plain);
        let mut chars = from.chars();
        chars.next();
        out.push(match chars.next()? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => return None,
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

/// A body as text, ready to be parsed.
#[derive(Debug)]
pub struct JsonText<'a> {
    text: &'a str,
    /// The text without the number tokens that only Python's JSON knows, once it was needed.
    replaced: OnceCell<Cow<'a, str>>,
}

impl<'a> JsonText<'a> {
    /// Takes a body, which must be UTF-8.
    ///
    /// # Errors
    /// [`BadBody::Json`] when it is not.
    pub fn from_body(body: &'a [u8]) -> Result<Self, BadBody> {
        let text = std::str::from_utf8(body).map_err(|_| BadBody::Json)?;
        Ok(Self {
            text,
            replaced: OnceCell::new(),
        })
    }

    /// Whether it is an array, if anything.
    pub(super) fn is_array(&self) -> bool {
        self.text.trim_ascii_start().starts_with('[')
    }

    /// What it says.
    pub(super) fn parse<'b, T: Deserialize<'b>>(&'b self) -> Result<T, BadBody> {
        if let Ok(value) = serde_json::from_str(self.text) {
            return Ok(value);
        }
        // No parser but Python's takes these tokens, so that most bodies need no look for them.
        let text = (self.replaced).get_or_init(|| without_python_numbers(self.text));
        match text {
            Cow::Borrowed(_) => Err(BadBody::Json),
            Cow::Owned(text) => serde_json::from_str(text).map_err(|_| BadBody::Json),
        }
    }
}

/// The text with the bare words `NaN`, `Infinity` and `-Infinity` replaced by numbers that no
/// rule accepts.
///
/// The original's parser reads these words, so a body that holds one is an invalid object
/// (code 8) and not broken JSON (code 6): conformance case 33.
fn without_python_numbers(text: &str) -> Cow<'_, str> {
    let mut replaced = String::new();
    let mut copied = 0;
    let mut in_string = false;
    let mut position = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'\\' if in_string => position += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' if !in_string => {
                let rest = text.get(position..).unwrap_or_default();
                let word = ["NaN", "Infinity"]
                    .into_iter()
                    .find(|word| rest.starts_with(word));
                if let Some(word) = word {
                    replaced.push_str(text.get(copied..position).unwrap_or_default());
                    replaced.push_str("1e999");
                    copied = position + word.len();
                    position = copied;
                    continue;
                }
            }
            _ => {}
        }
        position += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_text(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_written_in_ascii() {
        assert_eq!(written("plain"), r#""plain""#);
        assert_eq!(written(""), r#""""#);
        assert_eq!(written("é😀"), r#""\u00e9\ud83d\ude00""#);
        assert_eq!(
            written("a\"b\\c/d\n\r\t\0\x7f"),
            r#""a\"b\\c/d\n\r\t\u0000\u007f""#
        );
    }

    #[test]
    fn python_numbers_are_replaced_outside_strings_only() {
        assert_eq!(
            without_python_numbers(r#"{"a":NaN,"b":"NaN"}"#),
            r#"{"a":1e999,"b":"NaN"}"#
        );
        assert_eq!(
            without_python_numbers(r#"[-Infinity,"\"NaN"]"#),
            r#"[-1e999,"\"NaN"]"#
        );
        assert_eq!(without_python_numbers("{}"), "{}");
        assert_eq!(without_python_numbers("NaN"), "1e999");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(text in any::<String>()) {
            let json = written(&text);
            prop_assert!(json.is_ascii() && !json.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn what_is_printable_reads_the_same(text in "([ -~]{0,40}[\"\\\\]{0,3}){0,4}") {
            prop_assert!(is_printable(text.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&written(&text)).unwrap(), text);
        }

        #[test]
        fn what_is_unescaped_is_what_serde_reads(text in "([a-z]{0,9}[\"\\\\/\n\t\r\\x08\\x0ceé😀\\x01]?){0,12}") {
            for token in [serde_json::to_string(&text).unwrap(), written(&text)] {
                let known = unescaped(&token);
                prop_assert!(known.is_none_or(|known| known == text));
                prop_assert!(token.contains("\\u") || unescaped(&token).is_some());
            }
        }

        #[test]
        fn numbers_are_written_in_digits(number in any::<i64>()) {
            for number in [number, number % 100, 0, i64::MIN] {
                let mut out = Vec::new();
                write_number(number, &mut out);
                prop_assert_eq!(out, number.to_string().into_bytes());
            }
        }

        #[test]
        fn any_text_can_be_searched_for_python_numbers(text in r#"(NaN|Infinity|"|\\|é|x){0,12}"#) {
            let _ = without_python_numbers(&text);
        }
    }
}
