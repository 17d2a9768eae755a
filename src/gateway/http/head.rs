//! The head of an HTTP request, made a request and a way to read its body.
//!
//! In: the bytes up to and with the empty line. Out: a [`Request`] without body, and what the
//! connection needs to know. The syntax is httparse's business; what fields mean for the length
//! of the message is decided here, by RFC 9112, 6.3, strictly.

use crate::gateway::Limits;
use crate::gateway::Options;
use crate::gateway::Refusal;
use crate::gateway::cgi;
use crate::gateway::path;
use crate::gateway::path::Target;
use crate::gateway::percent;
use crate::message::Headers;
use crate::message::Request;
use crate::message::WebServer;

/// Fields that are parsed without allocating; few clients send more.
const FEW: usize = 48;

/// A head that was understood.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request,
    pub(super) length: Length,
    /// Whether the client waits for `100 Continue` before it sends its body.
    pub(super) is_expecting: bool,
    /// Whether the connection may serve another request.
    pub(super) is_kept: bool,
    /// Whether the client knows chunks: HTTP/1.1.
    pub(super) is_modern: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Chunked,
    Known(u64),
}

/// Reads a head. With a refusal comes the length of the body, if that is understood.
pub(super) fn read(bytes: &[u8], options: &Options) -> Result<Head, (Refusal, Option<Length>)> {
    let mut few = [httparse::EMPTY_HEADER; FEW];
    match parse(bytes, &mut few, options) {
        Err(httparse::Error::TooManyHeaders) => {}
        done => return done.unwrap_or_else(|error| Err((refusal(error), None))),
    }
    let mut many = vec![httparse::EMPTY_HEADER; options.limits.pairs];
    parse(bytes, &mut many, options).unwrap_or_else(|error| Err((refusal(error), None)))
}

fn refusal(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::HeadTooLarge,
        httparse::Error::Version => Refusal::Version,
        _ => Refusal::BadHead,
    }
}

type Understood = Result<Head, (Refusal, Option<Length>)>;

fn parse<'a>(
    bytes: &'a [u8],
    fields: &mut [httparse::Header<'a>],
    options: &Options,
) -> Result<Understood, httparse::Error> {
    let mut head = httparse::Request::new(fields);
    let status = head.parse(bytes)?;
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Ok(Err((Refusal::BadHead, None)));
    };
    if status.is_partial() {
        return Ok(Err((Refusal::BadHead, None)));
    }
    Ok(understand(
        method,
        target,
        version == 1,
        head.headers,
        options,
    ))
}

fn understand(
    method: &str,
    target: &str,
    is_modern: bool,
    fields: &[httparse::Header<'_>],
    options: &Options,
) -> Understood {
    let mut headers = Headers::default();
    let mut meaning = Meaning::default();
    for field in fields {
        meaning.add(field.name, field.value);
        headers.add(field.name, field.value);
    }
    let length = meaning
        .length(is_modern)
        .map_err(|refusal| (refusal, None))?;
    let refuse = |refusal| Err((refusal, Some(length)));
    if meaning.host_count > 1 || (is_modern && meaning.host_count == 0) {
        return refuse(Refusal::BadHead);
    }
    let Some(method) = cgi::method(method.as_bytes()) else {
        return refuse(Refusal::NotImplemented);
    };
    if method == "CONNECT" {
        return refuse(Refusal::NotImplemented);
    }
    if is_above(length, &options.limits) {
        return refuse(Refusal::BodyTooLarge);
    }
    let target = Target {
        request_uri: target.as_bytes(),
        ..Target::default()
    };
    let path = path::resolve(&target, &options.mount);
    let request = Request {
        method,
        outside: path::outside(path.as_ref(), &target),
        path,
        query: percent::query_text(path::query(target.request_uri)),
        headers,
        body: Vec::new(),
        https: false,
        web_server: WebServer::Other,
        peer: String::new(),
    };
    let is_expecting = is_modern && meaning.is_expecting && length != Length::Known(0);
    let is_kept = is_modern && !meaning.is_closing;
    Ok(Head {
        request,
        length,
        is_expecting,
        is_kept,
        is_modern,
    })
}

fn is_above(length: Length, limits: &Limits) -> bool {
    matches!(length, Length::Known(length) if length > limits.body)
}

/// What the fields say about the message and the connection.
#[derive(Default)]
struct Meaning<'a> {
    content_length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    host_count: u32,
    is_closing: bool,
    is_expecting: bool,
    is_repeated: bool,
}

impl<'a> Meaning<'a> {
    fn add(&mut self, name: &str, value: &'a [u8]) {
        if name.eq_ignore_ascii_case("content-length") {
            self.is_repeated |= self.content_length.replace(value).is_some();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.is_repeated |= self.coding.replace(value).is_some();
        } else if name.eq_ignore_ascii_case("host") {
            self.host_count = self.host_count.saturating_add(1);
        } else if name.eq_ignore_ascii_case("connection") {
            let mut options = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            self.is_closing |= options.any(|option| option.eq_ignore_ascii_case(b"close"));
        } else if name.eq_ignore_ascii_case("expect") {
            self.is_expecting = value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
        }
    }

    fn length(&self, is_modern: bool) -> Result<Length, Refusal> {
        match (self.coding, self.content_length) {
            // Even two equal ones: a sign of a confused or a malicious peer.
            _ if self.is_repeated => Err(Refusal::BadLength),
            (Some(_), Some(_)) => Err(Refusal::BadLength),
            (Some(_), None) if !is_modern => Err(Refusal::BadLength),
            (Some(coding), None) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
                Ok(Length::Chunked)
            }
            (Some(_), None) => Err(Refusal::NotImplemented),
            (None, Some(text)) => known(text),
            (None, None) => Ok(Length::Known(0)),
        }
    }
}

fn known(text: &[u8]) -> Result<Length, Refusal> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::BadLength);
    }
    if text.len() > 18 {
        return Err(Refusal::BodyTooLarge);
    }
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    number.map(Length::Known).ok_or(Refusal::BadLength)
}

/// Where a head ends, the empty line included; `from` is how far it was searched before.
pub(super) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    // The end may have begun in what was searched before: "\n\r" there, "\n" here.
    let mut at = from.saturating_sub(2);
    while let Some(offset) = bytes.get(at..)?.iter().position(|&byte| byte == b'\n') {
        at += offset + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &str, expected: Result<Length, Refusal>) {
        let bytes = format!("PUT /1.1/a HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        let read = read(bytes.as_bytes(), &Options::default());
        let length = read.map(|head| head.length).map_err(|(refusal, _)| refusal);
        assert_eq!(length, expected, "{lines:?}");
    }

    #[test]
    fn a_length_has_one_meaning_or_none() {
        check("", Ok(Length::Known(0)));
        check("Content-Length: 5\r\n", Ok(Length::Known(5)));
        check("Transfer-Encoding: Chunked\r\n", Ok(Length::Chunked));
        for lines in [
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ] {
            check(lines, Err(Refusal::BadLength));
        }
        check(
            "Transfer-Encoding: gzip, chunked\r\n",
            Err(Refusal::NotImplemented),
        );
        check(
            "Transfer-Encoding: identity\r\n",
            Err(Refusal::NotImplemented),
        );
        check(
            "Content-Length: 99999999999999999999\r\n",
            Err(Refusal::BodyTooLarge),
        );
        check("Content-Length: 33554433\r\n", Err(Refusal::BodyTooLarge));
    }

    #[test]
    fn heads_that_are_none_are_refused() {
        check("Host: other\r\n", Err(Refusal::BadHead));
        check("X-A : b\r\n", Err(Refusal::BadHead));
        check("X-A: b\r\n folded\r\n", Err(Refusal::BadHead));
        check("X-A: b\rX-B: c\r\n", Err(Refusal::BadHead));
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], Refusal::BadHead),
            (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", Refusal::Version),
            (
                b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
                Refusal::NotImplemented,
            ),
            (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::BadHead),
            (b"\x16\x03\x01\x02\0\x01\n\n", Refusal::BadHead),
            (
                b"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                Refusal::BadLength,
            ),
        ] {
            let refusal = read(bytes, &Options::default()).unwrap_err().0;
            assert_eq!(refusal, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn many_fields_are_read_up_to_the_limit() {
        let lines = "X-A: b\r\n";
        check(&lines.repeat(999), Ok(Length::Known(0)));
        check(&lines.repeat(1_000), Err(Refusal::HeadTooLarge));
    }

    #[test]
    fn the_end_is_found_wherever_the_search_stopped() {
        for text in [
            "a\r\n\r\nx",
            "a\n\nx",
            "a\r\n\nx",
            "a\n\r\nx",
            "a\r\nb\r\n\r\nx",
        ] {
            let expected = end(text.as_bytes(), 0);
            assert_eq!(expected, Some(text.len() - 1), "{text:?}");
            for cut in 0..text.len() {
                let before = end(&text.as_bytes()[..cut], 0);
                assert_eq!(
                    before.or(end(text.as_bytes(), cut)),
                    expected,
                    "{text:?} at {cut}"
                );
            }
        }
    }
}
