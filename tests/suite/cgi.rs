//! What FastCGI and SCGI have in common: the variables of a request, the form of an answer.
//!
//! The variables are those that lighttpd sends for an application at a prefix (spec/gateway.md,
//! 3). Answers are held to section 5 of the same page.

use std::io;

use super::message::HttpRequest;
use super::message::HttpResponse;
use super::message::malformed;

/// Response fields that a responder must leave to the web server (spec/gateway.md, 5).
const NOT_OURS: [&str; 5] = [
    "connection",
    "keep-alive",
    "transfer-encoding",
    "date",
    "server",
];

/// The variables of a request to an application at `mount` (`""` or `/yourpath`).
///
/// CONTENT_LENGTH comes first, as SCGI asks for.
pub(crate) fn variables(request: &HttpRequest, mount: &str) -> Vec<(String, Vec<u8>)> {
    let (path, query) = request.parts();
    let length = request.body.as_ref().map_or(0, Vec::len);
    let mut variables: Vec<(String, Vec<u8>)> = [
        ("CONTENT_LENGTH", length.to_string().into_bytes()),
        ("SCRIPT_NAME", mount.as_bytes().to_vec()),
        ("PATH_INFO", percent_decoded(path)),
        ("QUERY_STRING", query.as_bytes().to_vec()),
        (
            "REQUEST_URI",
            format!("{mount}{}", request.target).into_bytes(),
        ),
        ("REQUEST_METHOD", request.method.clone().into_bytes()),
        ("REQUEST_SCHEME", b"http".to_vec()),
        ("SERVER_PROTOCOL", b"HTTP/1.1".to_vec()),
        ("SERVER_SOFTWARE", b"suite".to_vec()),
        ("GATEWAY_INTERFACE", b"CGI/1.1".to_vec()),
        ("SERVER_NAME", b"sync.example".to_vec()),
        ("SERVER_PORT", b"80".to_vec()),
        ("SERVER_ADDR", b"127.0.0.1".to_vec()),
        ("REMOTE_ADDR", b"127.0.0.1".to_vec()),
        ("REMOTE_PORT", b"40000".to_vec()),
        ("DOCUMENT_ROOT", b"/var/www".to_vec()),
        ("SCRIPT_FILENAME", format!("/var/www{mount}").into_bytes()),
        ("REDIRECT_STATUS", b"200".to_vec()),
        ("HTTP_HOST", b"sync.example".to_vec()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for (name, value) in &request.headers {
        let name = name.to_ascii_uppercase().replace('-', "_");
        let name = match name.as_str() {
            "CONTENT_TYPE" => name,
            _ => format!("HTTP_{name}"),
        };
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value.clone().into_bytes()));
    }
    for (name, value) in &request.variables {
        variables.push((name.clone(), value.clone().into_bytes()));
    }
    variables
}

/// Reads an answer in CGI form. An answer to HEAD says how long the body would be.
pub(crate) fn response(bytes: &[u8], request: &HttpRequest) -> io::Result<HttpResponse> {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(|| malformed(format!("no end of the head in {bytes:?}")))?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|error| malformed(error.to_string()))?;
    let body = bytes[end + 4..].to_vec();
    let mut status = None;
    let mut headers = Vec::new();
    for line in head.split("\r\n") {
        let (name, value) = line
            .split_once(": ")
            .ok_or_else(|| malformed(format!("no header field: {line:?}")))?;
        if NOT_OURS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(malformed(format!("the web server's own field: {line:?}")));
        }
        if name.eq_ignore_ascii_case("status") {
            let number = value.get(..3).and_then(|digits| digits.parse().ok());
            // "Status: 404 Not Found", number and reason.
            if value.len() < 5 || number.is_none() {
                return Err(malformed(format!("no number and reason: {line:?}")));
            }
            status = number;
        } else {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let status = status.ok_or_else(|| malformed(format!("no Status in {head:?}")))?;
    let response = HttpResponse {
        status,
        headers,
        body,
    };
    if let Some(length) = response.header("content-length")
        && request.method != "HEAD"
        && length != response.body.len().to_string()
    {
        let came = response.body.len();
        return Err(malformed(format!("Content-Length {length}, came {came}")));
    }
    Ok(response)
}

fn percent_decoded(path: &str) -> Vec<u8> {
    let bytes = path.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    decoded
}
