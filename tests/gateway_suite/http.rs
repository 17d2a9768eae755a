//! HTTP: kept connections, bodies of both kinds, versions, and requests that must not pass.

use std::sync::Arc;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use weaved::gateway::Event;
use weaved::gateway::Limits;
use weaved::gateway::Options;
use weaved::gateway::Phase;
use weaved::gateway::Protocol;
use weaved::message::Body;
use weaved::message::Response;

use super::drive::Driver;
use super::drive::drive_every_way;

fn options(limits: Limits) -> Arc<Options> {
    let now = || UNIX_EPOCH + Duration::from_secs(784_111_777);
    Arc::new(Options {
        limits,
        now,
        ..Options::default()
    })
}

fn driver() -> Driver {
    Driver::new(Protocol::Http, &options(Limits::default()))
}

/// What is sent for a stream, without its Date lines, and whether the connection stays open.
#[track_caller]
fn check(stream: &str, requests: usize, expected: &str, is_closed: bool) {
    let options = options(Limits::default());
    let outcome = drive_every_way(Protocol::Http, &options, stream.as_bytes(), false, stream);
    let sent = String::from_utf8(outcome.sent).unwrap();
    let sent = sent.replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "");
    assert_eq!(sent, expected, "{stream:?}");
    assert_eq!(outcome.requests.len(), requests, "{stream:?}");
    assert_eq!(outcome.is_closed, is_closed, "{stream:?}");
}

/// The beginning of what is sent for a stream that must not become a request.
#[track_caller]
fn check_refused(stream: &str, status: &str) {
    let options = options(Limits::default());
    let outcome = drive_every_way(Protocol::Http, &options, stream.as_bytes(), true, stream);
    let sent = String::from_utf8(outcome.sent).unwrap();
    assert!(
        sent.starts_with(&format!("HTTP/1.1 {status} ")),
        "{stream:?}: {sent}"
    );
    assert!(
        sent.contains("\r\nConnection: close\r\n"),
        "{stream:?}: {sent}"
    );
    assert!(sent.contains("\r\nDate: "), "{stream:?}: {sent}");
    assert!(outcome.requests.is_empty(), "{stream:?}");
    assert!(outcome.is_closed, "{stream:?}");
}

const ANSWER_0: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nanswer 0";
const ANSWER_1: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nanswer 1";
const LAST_0: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\
    Content-Length: 8\r\n\r\nanswer 0";

#[test]
fn a_connection_is_kept_until_somebody_wants_it_closed() {
    check("GET /1.1/a HTTP/1.1\r\nHost: h\r\n\r\n", 1, ANSWER_0, false);
    let close = "GET /1.1/a HTTP/1.1\r\nHost: h\r\nConnection: TE , Close\r\n\r\n";
    check(close, 1, LAST_0, true);
    check("GET /1.1/a HTTP/1.0\r\n\r\n", 1, LAST_0, true);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let stream = "PUT /1.1/a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody\
        \r\nPUT /1.1/b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
        4\r\nbody\r\n0\r\n\r\n";
    check(stream, 2, &format!("{ANSWER_0}{ANSWER_1}"), false);
}

#[test]
fn the_last_answer_says_so_after_what_has_come_already() {
    let mut connection = Protocol::Http.connection(&options(Limits::default()));
    let get = "GET /1.1/a HTTP/1.1\r\nHost: h\r\n\r\n";
    connection.feed(get.repeat(2).as_bytes());
    connection.last();
    for is_last in [false, true] {
        assert!(matches!(connection.next(), Some(Event::Request(_))));
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Bytes(b"answer".to_vec()),
        };
        let mut sent = Vec::new();
        connection.respond(response, &mut sent).unwrap();
        let sent = String::from_utf8(sent).unwrap();
        assert_eq!(
            sent.contains("\r\nConnection: close\r\n"),
            is_last,
            "{sent}"
        );
    }
    assert!(matches!(connection.next(), Some(Event::Close)));
}

#[test]
fn a_request_is_what_the_client_wrote() {
    let mut driver = driver();
    driver.feed(
        b"POST http://h/y/1.1/a%2Fb/?x=%31&y=\xc3\xa9 HTTP/1.1\r\nhOsT: h\r\nX-A: 1\r\nx-a: 2\r\n\
        Authorization: Basic eA==\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: t\r\n\r\n",
    );
    let request = &driver.outcome.requests[0];
    let path = request.path.as_ref().unwrap();
    assert_eq!(request.method, "POST");
    assert_eq!(path.prefix, "/y");
    assert_eq!(path.segments, [&b"1.1"[..], b"a/b"]);
    assert!(path.trailing_slash);
    assert_eq!(request.query, "x=%31&y=é");
    assert_eq!(request.headers.text("x-a"), Some("1, 2"));
    assert_eq!(request.headers.text("authorization"), Some("Basic eA=="));
    assert_eq!(request.body, b"hello world");
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    let head =
        "PUT /1.1/a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    check(head, 0, go_on, false);
    check(
        &format!("{head}hi"),
        1,
        &format!("{go_on}{ANSWER_0}"),
        false,
    );
    let empty = head.replace(": 2", ": 0");
    check(&empty, 1, ANSWER_0, false);
    check_refused(&head.replace(": 2", ": 99999999"), "413");
}

#[test]
fn head_is_answered_without_a_body() {
    let expected = ANSWER_0.strip_suffix("answer 0").unwrap();
    check(
        "HEAD /1.1/a HTTP/1.1\r\nHost: h\r\n\r\n",
        1,
        expected,
        false,
    );
}

#[test]
fn what_two_servers_could_read_differently_is_refused() {
    let start = "PUT /1.1/a HTTP/1.1\r\nHost: h\r\n";
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        "Content-Length : 4\r\n\r\nbody",
        "Content-Length: 4\r\n \r\n\r\nbody",
        "Content-Length: -4\r\n\r\nbody",
        "Content-Length: 4\rX: y\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n4\nbody\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n",
        "Host: other\r\n\r\n",
    ] {
        check_refused(&format!("{start}{lines}"), "400");
    }
    check_refused(&format!("{start}Transfer-Encoding: gzip\r\n\r\n"), "501");
    check_refused("GET /1.1/a HTTP/1.1\r\n\r\n", "400");
    check_refused("GET /1.1/a HTTP/3.0\r\nHost: h\r\n\r\n", "505");
    check_refused("\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n", "400");
    check_refused("\x16\x03\x01 tls on a plain port\n\n", "400");
}

#[test]
fn a_body_that_ends_early_is_never_delivered() {
    for stream in [
        "PUT /1.1/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nbody",
        "PUT /1.1/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        "PUT /1.1/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n",
        "PUT /1.1/a HTT",
        "",
    ] {
        let options = options(Limits::default());
        let outcome = drive_every_way(Protocol::Http, &options, stream.as_bytes(), true, stream);
        assert!(outcome.requests.is_empty(), "{stream:?}");
        assert!(outcome.sent.is_empty(), "{stream:?}");
        assert!(outcome.is_closed, "{stream:?}");
    }
}

#[test]
fn the_phase_tells_what_is_awaited() {
    let mut driver = driver();
    assert_eq!(driver.connection().phase(), Phase::Head);
    driver.feed(b"PUT /1.1/a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(driver.connection().phase(), Phase::Body);
    driver.feed(b"body");
    assert_eq!(driver.connection().phase(), Phase::Idle);
    driver.feed(b"P");
    assert_eq!(driver.connection().phase(), Phase::Head);
}

#[test]
fn a_refused_body_is_drained_to_its_end() {
    let mut driver = Driver::new(
        Protocol::Http,
        &options(Limits {
            body: 3,
            ..Limits::default()
        }),
    );
    driver.feed(b"PUT /1.1/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo");
    assert!(driver.take_sent().is_empty());
    driver.feed(b"dy");
    assert!(driver.take_sent().starts_with(b"HTTP/1.1 413 "));
    assert_eq!(driver.connection().phase(), Phase::Drain);
    driver.feed(b"\r\n0\r\n\r");
    assert!(!driver.outcome.is_closed);
    driver.feed(b"\n");
    assert!(driver.outcome.is_closed);
    assert!(driver.outcome.requests.is_empty());
}
