//! Each limit, and what a peer is told who goes beyond it; nothing goes on for ever.

use std::sync::Arc;

use weaved::gateway::Limits;
use weaved::gateway::Options;
use weaved::gateway::Protocol;

use super::drive::Driver;
use super::encode::Records;

/// Small limits, so that going beyond them takes little.
fn limits() -> Limits {
    Limits {
        body: 10_000,
        drain: 50_000,
        head: 2_000,
        management: 10,
        pairs: 20,
        stray: 100,
        ..Limits::default()
    }
}

/// Feeds a beginning and then the same bytes again and again: the connection must be closed
/// before `most` bytes, with this status sent, or nothing.
#[track_caller]
fn check(protocol: Protocol, begin: &[u8], again: &[u8], status: Option<&str>, most: usize) {
    let mut driver = Driver::new(
        protocol,
        &Arc::new(Options {
            limits: limits(),
            ..Options::default()
        }),
    );
    driver.feed(begin);
    let mut fed = 0;
    while !driver.outcome.is_closed {
        assert!(fed <= most, "still open after {fed} bytes");
        driver.feed(again);
        fed += again.len();
    }
    assert!(driver.outcome.requests.is_empty());
    let sent = String::from_utf8_lossy(&driver.outcome.sent).into_owned();
    match status {
        Some(status) => {
            let cgi = sent.matches(&format!("Status: {status} ")).count();
            let http = sent.matches(&format!("HTTP/1.1 {status} ")).count();
            assert_eq!(cgi + http, 1, "{sent:?}");
        }
        None => assert!(
            !sent.contains("Status") && !sent.contains("HTTP"),
            "{sent:?}"
        ),
    }
}

const PUT: [(&str, &str); 2] = [("REQUEST_METHOD", "PUT"), ("REQUEST_URI", "/1.1/a")];

#[test]
fn variables_without_end_are_told_431() {
    let begin = Records::default().begin(1, 1, 1).0;
    let again = Records::default().record(4, 1, &[b'x'; 500], 0).0;
    check(Protocol::Fcgi, &begin, &again, Some("431"), 60_000);
    check(
        Protocol::Scgi,
        b"49000:CONTENT_LENGTH\x000\0",
        &[b'x'; 500],
        Some("431"),
        50_000,
    );
    let begin = b"GET / HTTP/1.1\r\n";
    check(
        Protocol::Http,
        begin,
        &b"X-A: b\r\n".repeat(50),
        Some("431"),
        60_000,
    );
    check(Protocol::Http, b"", &b"x".repeat(500), Some("431"), 60_000);
}

#[test]
fn a_head_above_the_limit_is_told_431_though_it_came_at_once() {
    let begin = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nX-A: {}\r\n\r\n",
        "x".repeat(2_000)
    );
    check(
        Protocol::Http,
        begin.as_bytes(),
        &[b'x'; 500],
        Some("431"),
        60_000,
    );
}

#[test]
fn too_many_variables_are_told_431() {
    let many = vec![("HTTP_X", "1"); 21];
    let begin = Records::default().begin(1, 1, 1).params(1, &many).0;
    let end = Records::default().stdin(1, b"").0;
    check(Protocol::Fcgi, &begin, &end, Some("431"), 10);
    let mut many = vec![("CONTENT_LENGTH", "5")];
    many.extend(vec![("HTTP_X", "1"); 20]);
    check(
        Protocol::Scgi,
        &super::encode::scgi(&many),
        b"12345",
        Some("431"),
        5,
    );
    let begin = format!(
        "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
        "X-A: b\r\n".repeat(60)
    );
    check(
        Protocol::Http,
        begin.as_bytes(),
        &b"x".repeat(500),
        Some("431"),
        60_000,
    );
}

#[test]
fn a_header_length_beyond_reason_is_not_even_answered() {
    check(Protocol::Scgi, b"50001:CONTENT_LENGTH\0", b"x", None, 0);
    check(Protocol::Scgi, b"12345678", b"x", None, 0);
}

#[test]
fn bodies_without_end_are_told_413() {
    let begin = Records::default().begin(1, 1, 1).params(1, &PUT).0;
    let again = Records::default().stdin(1, &[b'x'; 1_000]).0;
    check(Protocol::Fcgi, &begin, &again, Some("413"), 70_000);
    let begin = b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let again = [b"3e8\r\n".to_vec(), vec![b'x'; 1_000], b"\r\n".to_vec()].concat();
    check(Protocol::Http, begin, &again, Some("413"), 70_000);
}

#[test]
fn bodies_that_are_declared_too_large_are_told_413_and_drained_as_declared() {
    let length = [PUT[0], PUT[1], ("CONTENT_LENGTH", "60000")];
    let begin = Records::default().begin(1, 1, 1).params(1, &length).0;
    let again = Records::default().stdin(1, &[b'x'; 1_000]).0;
    check(Protocol::Fcgi, &begin, &again, Some("413"), 70_000);
    check(
        Protocol::Scgi,
        &super::encode::scgi(&length),
        &[b'x'; 1_000],
        Some("413"),
        60_000,
    );
    let begin = b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n";
    check(Protocol::Http, begin, &[b'x'; 1_000], Some("413"), 60_000);
}

#[test]
fn useless_records_without_end_close_the_connection() {
    let begin = Records::default().begin(1, 1, 1).0;
    for again in [
        Records::default().record(5, 7, b"foreign id", 0),
        Records::default().record(8, 1, b"DATA", 0),
        Records::default().record(4, 7, b"", 0),
        Records::default().record(99, 1, b"", 255),
        Records::default().begin(2, 1, 1),
    ] {
        check(Protocol::Fcgi, &begin, &again.0, None, 30_000);
    }
    // Without a request as well.
    check(
        Protocol::Fcgi,
        b"",
        &Records::default().stdin(1, b"").0,
        None,
        1_000,
    );
}

#[test]
fn management_records_without_end_close_the_connection() {
    let values = super::encode::pairs(&[("FCGI_MAX_CONNS", "")]);
    check(
        Protocol::Fcgi,
        b"",
        &Records::default().record(9, 0, &values, 0).0,
        None,
        300,
    );
    check(
        Protocol::Fcgi,
        b"",
        &Records::default().record(42, 0, b"", 0).0,
        None,
        100,
    );
}

#[test]
fn trailers_and_extensions_without_end_are_told_400() {
    let begin = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        Protocol::Http,
        format!("{begin}0\r\n").as_bytes(),
        b"A: b\r\n",
        Some("400"),
        5_000,
    );
    check(
        Protocol::Http,
        format!("{begin}1;").as_bytes(),
        b"xxxxx",
        Some("400"),
        5_000,
    );
}
