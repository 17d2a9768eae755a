//! Percent-encoding of path segments, both ways, over bytes.
//!
//! A `%` without two hexadecimal digits stands for itself, as every web server has it. Not for
//! query strings: `+` is a plus here. Spec: spec/gateway.md, 4; RFC 3986, 2.1.

use std::borrow::Cow;

/// Decodes every `%XX` once.
pub(super) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    decode_but(text, None)
}

/// Decodes every `%XX` once, but leaves an encoded slash as it is written.
pub(super) fn decode_but_slashes(text: &[u8]) -> Cow<'_, [u8]> {
    decode_but(text, Some(b'/'))
}

fn decode_but(text: &[u8], kept: Option<u8>) -> Cow<'_, [u8]> {
    let Some(first) = text.iter().position(|&byte| byte == b'%') else {
        return Cow::Borrowed(text);
    };
    let mut decoded = Vec::with_capacity(text.len());
    let (plain, mut rest) = text.split_at(first);
    decoded.extend_from_slice(plain);
    while let Some((&byte, tail)) = rest.split_first() {
        match tail.split_first_chunk() {
            Some((&[high, low], after)) if byte == b'%' => match (digit(high), digit(low)) {
                (Some(high), Some(low)) if Some(high << 4 | low) != kept => {
                    decoded.push(high << 4 | low);
                    rest = after;
                    continue;
                }
                _ => decoded.push(byte),
            },
            _ => decoded.push(byte),
        }
        rest = tail;
    }
    Cow::Owned(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Appends a segment as it stands in a URL: what RFC 3986 allows there (`pchar`) is left alone.
pub(super) fn encode_segment(segment: &[u8], out: &mut String) {
    encode(segment, out, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
    });
}

/// A query string as text: bytes that are not ASCII text are percent-encoded, so that nothing is
/// lost when it is not UTF-8.
pub(super) fn query_text(query: &[u8]) -> String {
    match std::str::from_utf8(query) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let mut text = String::with_capacity(query.len() + 16);
            encode(query, &mut text, |byte| byte.is_ascii());
            text
        }
    }
}

fn encode(bytes: &[u8], out: &mut String, plain: impl Fn(u8) -> bool) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let hex = |half: u8| HEX.get(usize::from(half)).copied().unwrap_or('0');
    for &byte in bytes {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape_is_decoded_once() {
        assert_eq!(*decode(b"a%7Eb%c3%A9%2541"), *b"a~b\xc3\xa9%41");
        assert_eq!(*decode(b"%2F%2f"), *b"//");
        assert_eq!(*decode_but_slashes(b"%2F%2f%2E"), *b"%2F%2f.");
    }

    #[test]
    fn a_percent_sign_without_digits_stands_for_itself() {
        for text in ["%", "%4", "%zz", "a%", "%%", "%+1"] {
            assert_eq!(*decode(text.as_bytes()), *text.as_bytes());
        }
        assert_eq!(*decode(b"%%41"), *b"%A");
    }

    #[test]
    fn a_query_that_is_not_utf_8_loses_nothing() {
        assert_eq!(query_text(b"a=\xff&b=%41"), "a=%FF&b=%41");
        assert_eq!(query_text("a=é".as_bytes()), "a=é");
    }
}
