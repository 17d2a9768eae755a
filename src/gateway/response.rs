//! The head of a response, as FastCGI and SCGI (CGI) and HTTP write it.
//!
//! In: status and header fields. Out: lines, without the empty one that ends them and without
//! Content-Length, which [`super::answer`] knows. What would break an answer is left out or made
//! harmless here, once for all protocols: fields that belong to the web server, and bytes in a
//! value that could begin another line. Spec: spec/gateway.md, 5.

/// How the first line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusLine {
    /// `Status: 404 Not Found`. An `HTTP/1.1 404` here is a 500 at Apache and 502 at Caddy.
    Cgi,
    /// `HTTP/1.1 404 Not Found`.
    Http,
}

/// Fields that the gateway or the web server sets. Connection and Transfer-Encoding cost lighttpd
/// the body and mod_fcgid the whole answer; Date and Server replace the web server's own.
const FOREIGN: [&str; 7] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "status",
    "transfer-encoding",
];

/// Appends the status line and the header fields, Content-Type first.
pub(super) fn write_head(
    line: StatusLine,
    status: u16,
    headers: &[(&'static str, String)],
    out: &mut Vec<u8>,
) {
    let status = final_status(status);
    out.extend_from_slice(match line {
        StatusLine::Cgi => b"Status: ",
        StatusLine::Http => b"HTTP/1.1 ",
    });
    write_number(u64::from(status), out);
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
    let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
    for (name, value) in headers.iter().filter(|(name, _)| is_type(name)) {
        write_field(name, value, out);
    }
    for (name, value) in headers.iter().filter(|(name, _)| !is_type(name)) {
        if FOREIGN
            .iter()
            .any(|foreign| name.eq_ignore_ascii_case(foreign))
        {
            log::debug!(target: "gateway", "response field left out: {name}");
        } else {
            write_field(name, value, out);
        }
    }
}

fn write_field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    for byte in out
        .iter_mut()
        .skip(start)
        .filter(|byte| byte.is_ascii_control() && **byte != b'\t')
    {
        *byte = b' ';
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a response of this status has neither body nor Content-Length.
pub(super) fn is_bodiless(status: u16) -> bool {
    matches!(final_status(status), 204 | 304)
}

/// A status that ends a request; anything else is a mistake of ours, and said so.
fn final_status(status: u16) -> u16 {
    if (200..=599).contains(&status) {
        status
    } else {
        500
    }
}

/// Appends a number in decimal digits.
pub(super) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        // A decimal digit always fits.
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// The reason phrase of a status (RFC 9110, 15; RFC 6585).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, headers: &[(&'static str, &str)], expected: &str) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let mut out = Vec::new();
        write_head(StatusLine::Cgi, status, &headers, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_status_comes_first_and_the_type_second() {
        check(
            404,
            &[
                ("X-Weave-Timestamp", "1.00"),
                ("Content-Type", "text/plain"),
            ],
            "Status: 404 Not Found\r\nContent-Type: text/plain\r\nX-Weave-Timestamp: 1.00\r\n",
        );
    }

    #[test]
    fn fields_of_the_web_server_are_left_out() {
        check(
            200,
            &[
                ("connection", "close"),
                ("Date", "x"),
                ("SERVER", "x"),
                ("Content-Length", "9"),
            ],
            "Status: 200 OK\r\n",
        );
    }

    #[test]
    fn a_value_cannot_begin_another_line() {
        check(
            200,
            &[("X-A", "a\r\nSet-Cookie: b\r\n\r\n<html>\0\x7f\tc")],
            "Status: 200 OK\r\nX-A: a  Set-Cookie: b    <html>  \tc\r\n",
        );
    }

    #[test]
    fn a_status_that_ends_nothing_becomes_500() {
        for status in [0, 100, 199, 600, 65_535] {
            check(status, &[], "Status: 500 Internal Server Error\r\n");
        }
    }

    #[test]
    fn numbers_are_written_in_decimal_digits() {
        for number in [0, 7, 10, 200, 65_528, u64::MAX] {
            let mut out = Vec::new();
            write_number(number, &mut out);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
