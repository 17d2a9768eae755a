//! FastCGI: early answers, kept connections, several requests, and records nobody asked for.

use std::io;
use std::sync::Arc;

use weaved::gateway::BodyBudget;
use weaved::gateway::Event;
use weaved::gateway::Limits;
use weaved::gateway::Options;
use weaved::gateway::Phase;
use weaved::gateway::Protocol;
use weaved::message::Body;
use weaved::message::Response;

use super::drive::Driver;
use super::encode::Records;
use super::encode::describe_records;

const GET: [(&str, &str); 2] = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/1.1/a")];

fn put(length: &str) -> Vec<(&str, &str)> {
    vec![
        ("REQUEST_METHOD", "PUT"),
        ("REQUEST_URI", "/1.1/a"),
        ("CONTENT_LENGTH", length),
    ]
}

fn driver(limits: Limits) -> Driver {
    Driver::new(
        Protocol::Fcgi,
        &Arc::new(Options {
            limits,
            ..Options::default()
        }),
    )
}

#[track_caller]
fn check_sent(driver: &mut Driver, expected: &[&str]) {
    assert_eq!(describe_records(&driver.take_sent()), expected);
}

#[test]
fn a_body_that_is_declared_too_large_is_refused_at_once_and_ended_after_it_was_drained() {
    let mut driver = driver(Limits {
        body: 10,
        ..Limits::default()
    });
    driver.feed(&Records::default().begin(1, 1, 1).params(1, &put("70011")).0);
    check_sent(&mut driver, &["stdout 1 413"]);
    assert_eq!(driver.connection().phase(), Phase::Drain);
    driver.feed(&Records::default().stdin(1, &[b'x'; 60_000]).0);
    driver.feed(&Records::default().stdin(1, &[b'x'; 10_011]).0);
    check_sent(&mut driver, &[]);
    assert!(!driver.outcome.is_closed);
    driver.feed(&Records::default().stdin(1, b"").0);
    check_sent(&mut driver, &["stdout 1 over", "end 1 0"]);
    assert!(driver.outcome.is_closed);
    assert!(driver.outcome.requests.is_empty());
}

#[test]
fn a_body_without_a_declared_length_is_refused_when_it_becomes_too_large() {
    let mut driver = driver(Limits {
        body: 10,
        ..Limits::default()
    });
    let begun = Records::default().begin(1, 1, 0).params(1, &put("-1"));
    driver.feed(&begun.stdin(1, b"0123456789").0);
    check_sent(&mut driver, &[]);
    assert_eq!(driver.connection().phase(), Phase::Body);
    driver.feed(&Records::default().stdin(1, b"x").0);
    check_sent(&mut driver, &["stdout 1 413"]);
    driver.feed(&Records::default().stdin(1, b"").0);
    check_sent(&mut driver, &["stdout 1 over", "end 1 0"]);
}

#[test]
fn a_body_longer_than_declared_is_refused_at_its_first_byte_too_many() {
    let mut driver = driver(Limits::default());
    let begun = Records::default().begin(1, 1, 0).params(1, &put("4"));
    driver.feed(&begun.stdin(1, b"body").0);
    check_sent(&mut driver, &[]);
    driver.feed(&Records::default().stdin(1, b"x").0);
    check_sent(&mut driver, &["stdout 1 400"]);
    assert_eq!(driver.connection().phase(), Phase::Drain);
}

#[test]
fn a_refused_request_that_is_aborted_gets_its_ending() {
    let mut driver = driver(Limits {
        body: 10,
        ..Limits::default()
    });
    let begun = Records::default().begin(1, 1, 1).params(1, &put("11"));
    driver.feed(&begun.record(2, 1, b"", 0).0);
    check_sent(&mut driver, &["stdout 1 413", "stdout 1 over", "end 1 0"]);
    assert!(driver.outcome.is_closed);
}

#[test]
fn a_full_memory_is_a_503_that_says_when_to_come_back() {
    let budget = Arc::new(BodyBudget::new(3 << 20));
    let options = Options {
        budget: Arc::clone(&budget),
        ..Options::default()
    };
    let mut driver = Driver::new(Protocol::Fcgi, &Arc::new(options));
    driver.feed(
        &Records::default()
            .begin(1, 1, 0)
            .params(1, &put("5000000"))
            .0,
    );
    let mebibyte = (0..32).fold(Records::default(), |r, _| r.stdin(1, &[b'x'; 32_768]));
    (0..4).for_each(|_| driver.feed(&mebibyte.0));
    let sent = driver.take_sent();
    assert_eq!(describe_records(&sent), ["stdout 1 503"]);
    let text = String::from_utf8_lossy(&sent).into_owned();
    assert!(text.contains("\r\nRetry-After: 300\r\n"), "{text}");
    assert!(text.contains("\r\nX-Weave-Backoff: 300\r\n"), "{text}");
    assert_eq!(budget.left(), 3 << 20);
    driver.feed(&Records::default().stdin(1, b"").0);
    check_sent(&mut driver, &["stdout 1 over", "end 1 0"]);
}

#[test]
fn a_connection_that_is_gone_gives_its_memory_back() {
    let budget = Arc::new(BodyBudget::new(8 << 20));
    let options = Options {
        budget: Arc::clone(&budget),
        ..Options::default()
    };
    let mut driver = Driver::new(Protocol::Fcgi, &Arc::new(options));
    driver.feed(
        &Records::default()
            .begin(1, 1, 0)
            .params(1, &put("5000000"))
            .0,
    );
    let mebibyte = (0..32).fold(Records::default(), |r, _| r.stdin(1, &[b'x'; 32_768]));
    (0..2).for_each(|_| driver.feed(&mebibyte.0));
    assert!(budget.left() < 8 << 20);
    drop(driver);
    assert_eq!(budget.left(), 8 << 20);
}

#[test]
fn a_kept_connection_serves_requests_of_any_ids_one_after_the_other() {
    let mut driver = driver(Limits::default());
    assert_eq!(driver.connection().phase(), Phase::Head);
    for id in [1, 1, 65_535, 2] {
        driver.feed(&Records::default().begin(id, 1, 1).params(id, &GET).0);
        assert_eq!(driver.connection().phase(), Phase::Body);
        driver.feed(&Records::default().stdin(id, b"").0);
        let end = [
            format!("stdout {id} 200"),
            format!("stdout {id} over"),
            format!("end {id} 0"),
        ];
        assert_eq!(describe_records(&driver.take_sent()), end);
        assert_eq!(driver.connection().phase(), Phase::Idle);
    }
    driver.feed(&[1]);
    assert_eq!(driver.connection().phase(), Phase::Head);
    driver.end();
    assert!(driver.outcome.is_closed);
}

#[test]
fn a_request_that_is_complete_is_served_though_the_peer_has_closed_its_side() {
    let mut driver = driver(Limits::default());
    let stream = Records::default()
        .begin(1, 1, 1)
        .params(1, &GET)
        .stdin(1, b"")
        .0;
    driver.feed(&stream);
    driver.end();
    check_sent(&mut driver, &["stdout 1 200", "stdout 1 over", "end 1 0"]);
    assert!(driver.outcome.is_closed);
}

#[test]
fn a_second_request_at_the_same_time_is_refused_and_its_records_are_ignored() {
    let mut driver = driver(Limits::default());
    let both = Records::default()
        .begin(1, 1, 1)
        .params(1, &put("5"))
        .begin(2, 1, 1);
    driver.feed(&both.params(2, &put("3")).stdin(2, b"two").stdin(2, b"").0);
    check_sent(&mut driver, &["end 2 1"]);
    driver.feed(&Records::default().stdin(1, b"first").stdin(1, b"").0);
    check_sent(&mut driver, &["stdout 1 200", "stdout 1 over", "end 1 0"]);
    assert_eq!(driver.outcome.requests[0].body, b"first");
    driver.feed(
        &Records::default()
            .begin(2, 1, 1)
            .params(2, &GET)
            .stdin(2, b"")
            .0,
    );
    check_sent(&mut driver, &["stdout 2 200", "stdout 2 over", "end 2 0"]);
}

#[test]
fn an_aborted_request_is_not_delivered_and_the_next_one_is() {
    let mut driver = driver(Limits::default());
    let aborted = Records::default()
        .begin(1, 1, 1)
        .params(1, &put("5"))
        .stdin(1, b"12");
    driver.feed(&aborted.record(2, 1, b"", 0).0);
    check_sent(&mut driver, &["end 1 0"]);
    driver.feed(
        &Records::default()
            .begin(1, 1, 1)
            .params(1, &GET)
            .stdin(1, b"")
            .0,
    );
    check_sent(&mut driver, &["stdout 1 200", "stdout 1 over", "end 1 0"]);
    assert_eq!(driver.outcome.requests.len(), 1);
    assert!(driver.outcome.requests[0].body.is_empty());
}

#[test]
fn a_role_that_is_not_ours_is_refused_and_the_connection_kept_if_asked() {
    for (role, flags) in [(2, 1), (3, 1), (0, 1), (2, 0)] {
        let mut driver = driver(Limits::default());
        let mut stream = Records::default().begin(1, role, flags).params(1, &GET);
        if role != 2 {
            stream = stream.stdin(1, b"body").stdin(1, b"");
        }
        driver.feed(&stream.0);
        check_sent(&mut driver, &["end 1 3"]);
        assert_eq!(driver.outcome.is_closed, flags == 0);
        if flags == 1 {
            driver.feed(
                &Records::default()
                    .begin(1, 1, 1)
                    .params(1, &GET)
                    .stdin(1, b"")
                    .0,
            );
            check_sent(&mut driver, &["stdout 1 200", "stdout 1 over", "end 1 0"]);
        }
    }
}

#[test]
fn what_breaks_the_order_closes_the_connection_without_a_word() {
    let begun = || Records::default().begin(1, 1, 1);
    for (what, stream) in [
        (
            "PARAMS after their end",
            begun().params(1, &GET).params(1, &GET),
        ),
        ("BEGIN for an open id", begun().begin(1, 1, 1)),
        ("STDIN before the end of PARAMS", begun().stdin(1, b"x")),
        (
            "a short BEGIN",
            Records::default().record(1, 1, &[0, 1, 0], 0),
        ),
        (
            "a long BEGIN",
            Records::default().record(1, 1, &[0, 1, 0, 0, 0, 0, 0, 0, 0], 0),
        ),
        (
            "half a pair",
            begun().record(4, 1, b"\x09\x09AB", 0).record(4, 1, b"", 0),
        ),
    ] {
        let mut driver = driver(Limits::default());
        driver.feed(&stream.0);
        assert!(driver.outcome.is_closed, "{what}");
        assert!(driver.outcome.sent.is_empty(), "{what}");
        assert!(driver.outcome.requests.is_empty(), "{what}");
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let mut driver = driver(Limits::default());
    let head = [("REQUEST_METHOD", "HEAD"), ("REQUEST_URI", "/1.1/a")];
    driver.feed(
        &Records::default()
            .begin(1, 1, 0)
            .params(1, &head)
            .stdin(1, b"")
            .0,
    );
    let sent = String::from_utf8_lossy(&driver.take_sent()).into_owned();
    assert!(sent.contains("Content-Length: 8\r\n\r\n"), "{sent}");
    assert!(!sent.contains("answer"), "{sent}");
}

/// What is sent when a body fails after so many bytes, and whether the connection is lost.
fn failed_body(before: usize) -> (Vec<u8>, bool) {
    let mut connection = Protocol::Fcgi.connection(&Arc::default());
    connection.feed(
        &Records::default()
            .begin(1, 1, 1)
            .params(1, &GET)
            .stdin(1, b"")
            .0,
    );
    assert!(matches!(connection.next(), Some(Event::Request(_))));
    let body = Body::Stream(Box::new(move |out| {
        out.write_all(&vec![b'x'; before])?;
        Err(io::Error::other("the database is away"))
    }));
    let response = Response {
        status: 200,
        headers: Vec::new(),
        body,
    };
    let mut sent = Vec::new();
    let is_lost = connection.respond(response, &mut sent).is_err();
    (sent, is_lost)
}

#[test]
fn a_body_that_fails_is_never_taken_for_a_whole_one() {
    let (sent, is_lost) = failed_body(60_000);
    assert_eq!(
        describe_records(&sent),
        ["stdout 1 503", "stdout 1 over", "end 1 0"]
    );
    assert!(!is_lost);
    let (sent, is_lost) = failed_body(100_000);
    assert_eq!(&sent[..2], [1, 6]);
    let length = usize::from(u16::from_be_bytes([sent[4], sent[5]]));
    assert_eq!(sent.len(), 8 + length, "one record and no END_REQUEST");
    assert!(is_lost);
}
