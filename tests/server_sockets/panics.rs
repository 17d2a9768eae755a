//! Bugs in what the server calls.

use std::sync::Arc;

use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;

use crate::harness::Answers;
use crate::harness::Running;
use crate::harness::keep_log;
use crate::harness::logged;
use crate::harness::patient;
use crate::harness::say;

fn buggy() -> Running {
    let handler = Answers(|request: Request| match request.query.as_str() {
        "panic" => panic!("the handler has a bug"),
        "stream" => Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Stream(Box::new(|out| {
                out.write_all(b"half of it")?;
                panic!("the body has a bug")
            })),
        },
        text => say(text),
    });
    Running::tcp(patient(1), Arc::new(handler))
}

#[test]
fn a_panic_costs_one_answer_and_not_even_the_connection() {
    let server = buggy();
    let mut client = server.connect();
    assert_eq!(client.ask("+panic").unwrap(), "500 internal server error");
    assert_eq!(client.ask("+hello").unwrap(), "hello");
}

#[test]
fn a_panic_is_one_line_in_the_log_and_nothing_for_the_peer() {
    keep_log();
    let handler = Answers(|_| panic!("odd\nthing"));
    let server = Running::tcp(patient(1), Arc::new(handler));
    let answer = server.connect().ask("-secret").unwrap();
    assert_eq!(answer, "500 internal server error");
    assert_eq!(
        logged("odd"),
        ["ERROR a request handler panicked: odd thing"]
    );
    assert_eq!(logged("secret"), [""; 0]);
}

#[test]
fn a_panic_in_a_body_cuts_it() {
    let server = buggy();
    assert!(server.connect().ask("+stream").is_err());
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}

#[test]
fn a_panic_in_the_protocol_costs_the_connection_only() {
    let server = buggy();
    assert!(server.connect().ask("bug").is_err());
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}
