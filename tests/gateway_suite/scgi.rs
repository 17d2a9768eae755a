//! SCGI: early answers and what is drained after them.

use std::sync::Arc;

use weaved::gateway::Limits;
use weaved::gateway::Options;
use weaved::gateway::Phase;
use weaved::gateway::Protocol;

use super::drive::Driver;
use super::encode::scgi;
use super::encode::status;

fn driver(limits: Limits) -> Driver {
    Driver::new(
        Protocol::Scgi,
        &Arc::new(Options {
            limits,
            ..Options::default()
        }),
    )
}

#[test]
fn a_body_that_is_declared_too_large_is_refused_at_once_and_drained_to_its_end() {
    let mut driver = driver(Limits {
        body: 10,
        ..Limits::default()
    });
    driver.feed(&scgi(&[
        ("CONTENT_LENGTH", "100"),
        ("SCGI", "1"),
        ("REQUEST_METHOD", "PUT"),
    ]));
    assert_eq!(status(&driver.take_sent()), "413");
    assert_eq!(driver.connection().phase(), Phase::Drain);
    driver.feed(&[b'x'; 99]);
    assert!(!driver.outcome.is_closed);
    driver.feed(b"x");
    assert!(driver.outcome.is_closed);
    assert!(driver.outcome.requests.is_empty());
    assert!(driver.outcome.sent.is_empty());
}

#[test]
fn a_header_that_is_too_long_is_refused_and_drained_with_its_body() {
    let long = "x".repeat(200_000);
    let header = scgi(&[("CONTENT_LENGTH", "50"), ("HTTP_X", &long)]);
    for size in [1, 1_000, header.len()] {
        let mut driver = driver(Limits::default());
        header.chunks(size).for_each(|piece| driver.feed(piece));
        assert_eq!(status(&driver.take_sent()), "431");
        driver.feed(&[b'x'; 49]);
        assert!(!driver.outcome.is_closed);
        driver.feed(b"x");
        assert!(driver.outcome.is_closed);
    }
}

#[test]
fn a_length_that_contradicts_what_the_client_sent_is_refused_and_the_truth_drained() {
    let mut driver = driver(Limits::default());
    driver.feed(&scgi(&[
        ("CONTENT_LENGTH", "0"),
        ("REQUEST_METHOD", "PUT"),
        ("HTTP_CONTENT_LENGTH", "20"),
    ]));
    assert_eq!(status(&driver.take_sent()), "400");
    driver.feed(&[b'x'; 20]);
    assert!(driver.outcome.is_closed);
    assert!(driver.outcome.requests.is_empty());
}

#[test]
fn a_request_is_answered_once_and_the_connection_closed() {
    let mut driver = driver(Limits::default());
    let request = [
        ("CONTENT_LENGTH", "2"),
        ("REQUEST_METHOD", "PUT"),
        ("REQUEST_URI", "/1.1/a"),
    ];
    driver.feed(&scgi(&request));
    assert_eq!(driver.connection().phase(), Phase::Body);
    driver.feed(b"hiwhat comes after is not read");
    assert_eq!(driver.outcome.requests[0].body, b"hi");
    assert_eq!(status(&driver.take_sent()), "200");
    assert!(driver.outcome.is_closed);
}
