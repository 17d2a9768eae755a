//! From CGI variables to a request: what FastCGI and SCGI have in common.
//!
//! In: name-value pairs, bytes as they came. Out: a [`Request`] without its body, and the length
//! that the body should have. Values are bytes (all servers but Caddy pass raw 8-bit text on);
//! empty ones mean absent. REMOTE_USER is never read: nginx sets it from an unverified header.
//! Nothing is ever put into the process environment. Spec: spec/gateway.md, 2 to 4.

use super::Options;
use super::Refusal;
use super::path;
use super::path::Target;
use super::percent;
use crate::message::Headers;
use crate::message::Request;
use crate::message::WebServer;

/// One variable: name and value.
pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// A list of pairs that is cut or contradicts its own lengths: the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A request whose body is still to come.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request,
    /// The length that the body must have, where CONTENT_LENGTH is a number.
    pub(super) length: Option<u64>,
}

/// Why there is no [`Head`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Malformed,
    Refused {
        refusal: Refusal,
        /// The greatest length that the variables announce, which is what there is to drain.
        announced: Option<u64>,
        /// The client, as far as it is known.
        peer: String,
    },
}

/// Who says where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// The protocol itself (FastCGI); CONTENT_LENGTH, where it is a number, is only a check.
    Framed,
    /// CONTENT_LENGTH, which must then be there (SCGI).
    Length,
}

/// Reads the variables of one request.
pub(super) fn head<'a>(
    pairs: impl Iterator<Item = Result<Pair<'a>, Malformed>>,
    end: BodyEnd,
    options: &Options,
) -> Result<Head, Fault> {
    let mut variables = Variables::default();
    for (count, pair) in pairs.enumerate() {
        let (name, value) = pair.map_err(|Malformed| Fault::Malformed)?;
        if count >= options.limits.pairs {
            return Err(Fault::Refused {
                refusal: Refusal::HeadTooLarge,
                announced: variables.announced(),
                peer: peer(variables.remote_addr),
            });
        }
        variables.add(name, value);
    }
    let (announced, remote_addr) = (variables.announced(), variables.remote_addr);
    variables
        .into_head(end, options)
        .map_err(|refusal| Fault::Refused {
            refusal,
            announced,
            peer: peer(remote_addr),
        })
}

/// The variables that mean something here, as they come in.
#[derive(Default)]
struct Variables<'a> {
    authorization: &'a [u8],
    content_length: &'a [u8],
    content_type: &'a [u8],
    headers: Headers,
    http_content_length: &'a [u8],
    http_content_type: &'a [u8],
    https: &'a [u8],
    is_ambiguous: bool,
    method: &'a [u8],
    /// The name of the field that is being added; one buffer for all.
    name: Vec<u8>,
    query: Option<&'a [u8]>,
    remote_addr: &'a [u8],
    scheme: &'a [u8],
    target: Target<'a>,
    web_server: WebServer,
}

impl<'a> Variables<'a> {
    fn add(&mut self, name: &'a [u8], value: &'a [u8]) {
        match name {
            b"HTTP_CONTENT_LENGTH" => self.http_content_length = value,
            b"HTTP_CONTENT_TYPE" => self.http_content_type = value,
            b"HTTP_AUTHORIZATION" => self.add_authorization(value),
            // A request cannot be two; nothing but an error or an attack sends these twice.
            b"REQUEST_METHOD" => self.is_ambiguous |= !replace_once(&mut self.method, value),
            b"CONTENT_LENGTH" => {
                self.is_ambiguous |= !replace_once(&mut self.content_length, value)
            }
            // The others come twice when an nginx configuration includes fastcgi_params and then
            // sets one by hand; the later line is what its author means. No client can send them.
            b"CONTENT_TYPE" => self.content_type = value,
            b"DOCUMENT_URI" => self.target.document_uri = value,
            b"HTTPS" => self.https = value,
            b"PATH_INFO" => self.target.path_info = value,
            b"QUERY_STRING" => self.query = Some(value),
            b"REMOTE_ADDR" => self.remote_addr = value,
            b"REQUEST_SCHEME" => self.scheme = value,
            b"REQUEST_URI" => self.target.request_uri = value,
            b"SERVER_SOFTWARE" => self.web_server = WebServer::named(value),
            b"SCRIPT_NAME" => self.target.script_name = value,
            // Apache with mod_rewrite, once per round of rewriting, and PHP-minded set-ups: the names
            // that FSyncMS looked at. Whoever sends them as a header speaks for himself.
            b"Authorization"
            | b"HTTP_AUTHENTICATION"
            | b"REDIRECT_HTTP_AUTHORIZATION"
            | b"REDIRECT_REDIRECT_HTTP_AUTHORIZATION" => {
                if self.authorization.is_empty() {
                    self.authorization = value;
                }
            }
            _ => self.add_header(name, value),
        }
    }

    fn add_authorization(&mut self, value: &[u8]) {
        // The same value twice is a set-up that passes it by two ways, not two credentials.
        if !value.is_empty() && self.headers.get("authorization") != Some(value) {
            self.headers.add("authorization", value);
        }
    }

    fn add_header(&mut self, name: &[u8], value: &[u8]) {
        let Some(name) = name.strip_prefix(b"HTTP_").filter(|name| !name.is_empty()) else {
            return;
        };
        if !name.iter().all(u8::is_ascii_graphic) {
            return;
        }
        self.name.clear();
        let dashed = |&byte: &u8| if byte == b'_' { b'-' } else { byte };
        self.name.extend(name.iter().map(dashed));
        if let Ok(name) = std::str::from_utf8(&self.name) {
            self.headers.add(name, value);
        }
    }

    fn announced(&self) -> Option<u64> {
        let lengths = [self.content_length, self.http_content_length];
        lengths
            .into_iter()
            .filter_map(|text| length(text).ok().flatten())
            .max()
    }

    fn into_head(self, end: BodyEnd, options: &Options) -> Result<Head, Refusal> {
        if self.is_ambiguous {
            return Err(Refusal::Repeated);
        }
        let length = match (end, self.content_length) {
            (BodyEnd::Length, b"") => return Err(Refusal::NoLength),
            (BodyEnd::Length, text) => length(text)?.map(Some).ok_or(Refusal::BadLength)?,
            // Caddy says -1 for a chunked upload, nginx says nothing: until the last record.
            (BodyEnd::Framed, text) => length(text)?,
        };
        // nginx with scgi_request_buffering off says in CONTENT_LENGTH what it had read so far.
        if let (Some(length), Ok(Some(sent))) = (length, self::length(self.http_content_length))
            && length != sent
        {
            return Err(Refusal::LengthMismatch);
        }
        let method = method(self.method).ok_or(Refusal::BadHead)?;
        if length.is_some_and(|length| length > options.limits.body) {
            return Err(Refusal::BodyTooLarge);
        }
        let mut headers = self.headers;
        if headers.get("authorization").is_none() && !self.authorization.is_empty() {
            headers.add("authorization", self.authorization);
        }
        for content_type in [self.content_type, self.http_content_type] {
            if !content_type.is_empty() && headers.get("content-type").is_none() {
                headers.add("content-type", content_type);
            }
        }
        if length.is_some() {
            headers.add("content-length", self.content_length);
        }
        let query = self
            .query
            .unwrap_or_else(|| path::query(self.target.request_uri));
        let path = path::resolve(&self.target, &options.mount);
        let request = Request {
            method,
            outside: path::outside(path.as_ref(), &self.target),
            path,
            query: percent::query_text(query),
            headers,
            body: Vec::new(),
            https: is_on(self.https) || self.scheme.eq_ignore_ascii_case(b"https"),
            web_server: self.web_server,
            peer: peer(self.remote_addr),
        };
        Ok(Head { request, length })
    }
}

/// Sets a variable; false if it had another value.
fn replace_once<'a>(variable: &mut &'a [u8], value: &'a [u8]) -> bool {
    let is_first = variable.is_empty() || *variable == value;
    *variable = value;
    is_first
}

/// A content length: nothing where it is no number; more than 18 digits are too large at once.
fn length(text: &[u8]) -> Result<Option<u64>, Refusal> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    if text.len() > 18 {
        return Err(Refusal::BodyTooLarge);
    }
    let value = |text| std::str::from_utf8(text).ok()?.parse().ok();
    Ok(value(text))
}

/// A method is a token (RFC 9110, 9.1); one longer than any known is none either.
pub(super) fn method(text: &[u8]) -> Option<String> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if text.is_empty() || text.len() > 32 || !text.iter().all(is_token) {
        return None;
    }
    String::from_utf8(text.to_vec()).ok()
}

fn is_on(https: &[u8]) -> bool {
    !https.is_empty() && !https.eq_ignore_ascii_case(b"off")
}

fn peer(address: &[u8]) -> String {
    match std::str::from_utf8(address) {
        Ok(text) if text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            text.to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], end: BodyEnd) -> Result<Head, Fault> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| Ok((name.as_bytes(), value.as_bytes())));
        head(pairs, end, &Options::default())
    }

    /// The request of a PUT with more variables.
    #[track_caller]
    fn request(more: &[(&str, &str)]) -> Request {
        let mut pairs = vec![("REQUEST_METHOD", "PUT"), ("REQUEST_URI", "/1.1/a?b=c")];
        pairs.extend(more);
        read(&pairs, BodyEnd::Framed).unwrap().request
    }

    #[track_caller]
    fn check_refused(more: &[(&str, &str)], end: BodyEnd, expected: Refusal) {
        let mut pairs = vec![("REQUEST_METHOD", "PUT"), ("REQUEST_URI", "/1.1/a?b=c")];
        pairs.extend(more);
        match read(&pairs, end) {
            Err(Fault::Refused { refusal, .. }) => assert_eq!(refusal, expected),
            other => panic!("{more:?} gave {other:?}"),
        }
    }

    #[test]
    fn header_names_are_lower_case_with_dashes() {
        let request = request(&[("HTTP_X_WEAVE_RECORDS", "1"), ("HTTP_X_WEAVE_RECORDS", "2")]);
        assert_eq!(request.headers.text("x-weave-records"), Some("1, 2"));
    }

    #[test]
    fn lengths_that_are_no_numbers_are_absent_in_fastcgi_and_refused_in_scgi() {
        for text in ["-1", "+5", "5 ", "0x5", "5,5", "٣"] {
            let more = [("CONTENT_LENGTH", text)];
            assert_eq!(request(&more).headers.get("content-length"), None);
            check_refused(&more, BodyEnd::Length, Refusal::BadLength);
        }
        check_refused(
            &[("CONTENT_LENGTH", "")],
            BodyEnd::Length,
            Refusal::NoLength,
        );
        check_refused(&[], BodyEnd::Length, Refusal::NoLength);
    }

    #[test]
    fn lengths_above_the_limit_are_refused_early() {
        for (text, end) in [
            ("33554433", BodyEnd::Framed),
            ("33554433", BodyEnd::Length),
            ("999999999999999999", BodyEnd::Framed),
            ("1999999999999999999", BodyEnd::Framed),
            ("99999999999999999999999999", BodyEnd::Length),
        ] {
            check_refused(&[("CONTENT_LENGTH", text)], end, Refusal::BodyTooLarge);
        }
    }

    #[test]
    fn contradicting_lengths_are_refused_with_the_greater_one_announced() {
        let pairs = [
            ("REQUEST_METHOD", "PUT"),
            ("CONTENT_LENGTH", "9061"),
            ("HTTP_CONTENT_LENGTH", "200000"),
            ("REMOTE_ADDR", "192.0.2.1"),
        ];
        let fault = read(&pairs, BodyEnd::Length).unwrap_err();
        let expected = Fault::Refused {
            refusal: Refusal::LengthMismatch,
            announced: Some(200_000),
            peer: "192.0.2.1".to_owned(),
        };
        assert_eq!(fault, expected);
    }

    #[test]
    fn a_request_cannot_be_two() {
        check_refused(
            &[("REQUEST_METHOD", "GET")],
            BodyEnd::Framed,
            Refusal::Repeated,
        );
        let lengths = [("CONTENT_LENGTH", "1"), ("CONTENT_LENGTH", "2")];
        check_refused(&lengths, BodyEnd::Framed, Refusal::Repeated);
    }

    #[test]
    fn a_variable_set_by_hand_after_the_stock_ones_wins() {
        let request = request(&[
            ("SCRIPT_NAME", "/yourpath/1.1/a"),
            ("REQUEST_URI", "/yourpath/1.1/a"),
            ("SCRIPT_NAME", "/yourpath"),
        ]);
        assert_eq!(request.path.unwrap().prefix, "/yourpath");
    }

    #[test]
    fn authorization_is_found_under_the_names_that_servers_give_it() {
        for name in [
            "HTTP_AUTHORIZATION",
            "HTTP_AUTHENTICATION",
            "REDIRECT_HTTP_AUTHORIZATION",
            "Authorization",
        ] {
            let request = request(&[("REMOTE_USER", "mallory"), (name, "Basic eA==")]);
            assert_eq!(
                request.headers.text("authorization"),
                Some("Basic eA=="),
                "{name}"
            );
        }
        let twice = [
            ("HTTP_AUTHORIZATION", "Basic eA=="),
            ("HTTP_AUTHORIZATION", "Basic eA=="),
        ];
        assert_eq!(
            request(&twice).headers.text("authorization"),
            Some("Basic eA==")
        );
        let empty = [
            ("HTTP_AUTHORIZATION", ""),
            ("REDIRECT_HTTP_AUTHORIZATION", "Basic eA=="),
        ];
        assert_eq!(
            request(&empty).headers.text("authorization"),
            Some("Basic eA==")
        );
        assert_eq!(
            request(&[("REMOTE_USER", "mallory")])
                .headers
                .get("authorization"),
            None
        );
    }

    #[test]
    fn tls_is_seen_by_either_variable() {
        assert!(request(&[("HTTPS", "on")]).https);
        assert!(request(&[("REQUEST_SCHEME", "https")]).https);
        assert!(!request(&[("HTTPS", "off"), ("REQUEST_SCHEME", "http")]).https);
        assert!(!request(&[("HTTPS", ""), ("HTTP_X_FORWARDED_PROTO", "https")]).https);
    }

    #[test]
    fn the_query_comes_from_the_target_when_its_variable_is_absent() {
        assert_eq!(request(&[]).query, "b=c");
        assert_eq!(request(&[("QUERY_STRING", "")]).query, "");
    }

    #[test]
    fn more_pairs_than_the_limit_are_refused() {
        let many = vec![("HTTP_X", "1"); 1_000];
        check_refused(&many, BodyEnd::Framed, Refusal::HeadTooLarge);
    }

    #[test]
    fn a_method_must_be_a_token() {
        for text in ["", "GE T", "G\nET", "é"] {
            assert_eq!(method(text.as_bytes()), None);
        }
        assert_eq!(method(b"PROPFIND").as_deref(), Some("PROPFIND"));
    }
}
