//! The end: with requests running, with connections idle, and without patience.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;

use weaved::message::Request;
use weaved::server::Handler;
use weaved::server::Options;

use crate::harness::Answers;
use crate::harness::LONG;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;
use crate::harness::say;

/// A handler that tells when it has begun, and ends when it is told to.
struct Held {
    handler: Arc<dyn Handler>,
    begun: mpsc::Receiver<()>,
    finish: mpsc::Sender<()>,
}

fn held() -> Held {
    let (begin, begun) = mpsc::channel();
    let (finish, finished) = mpsc::channel();
    let ends = Mutex::new((begin, finished));
    let handler = Answers(move |request: Request| {
        let (begin, finished) = &*ends.lock().unwrap();
        let _ = begin.send(());
        let _ = finished.recv();
        say(&request.query)
    });
    Held {
        handler: Arc::new(handler),
        begun,
        finish,
    }
}

#[test]
fn a_stop_lets_running_requests_finish_and_accepts_nobody() {
    let held = held();
    let server = Running::tcp(patient(2), held.handler);
    let mut client = server.connect();
    client.send("+hello\n");
    held.begun.recv_timeout(LONG).unwrap();
    server.stop.stop();
    // The listening socket goes although a request still runs.
    while TcpStream::connect(server.address()).is_ok() {}
    assert!(server.is_running());
    held.finish.send(()).unwrap();
    assert_eq!(client.line().unwrap(), "hello");
    assert!(client.is_closed());
    server.ends();
}

#[test]
fn a_stop_closes_idle_connections() {
    let server = Running::tcp(patient(2), echo());
    let mut client = server.connect();
    assert_eq!(client.ask("+hello").unwrap(), "hello");
    server.stop.stop();
    assert!(client.is_closed());
    server.ends();
}

#[test]
fn a_stop_answers_the_next_request_of_a_busy_connection_and_closes_it_then() {
    let options = Options {
        tick: LONG,
        ..patient(2)
    };
    let server = Running::tcp(options, echo());
    let mut client = server.connect();
    assert_eq!(client.ask("+hello").unwrap(), "hello");
    server.stop.stop();
    assert_eq!(client.ask("+again").unwrap(), "again");
    assert!(client.is_closed());
    server.stop.stop_at_once();
    server.ends();
}

#[test]
fn a_stop_at_once_waits_for_nobody() {
    let held = held();
    let server = Running::tcp(patient(1), held.handler);
    let mut client = server.connect();
    client.send("+hello\n");
    held.begun.recv_timeout(LONG).unwrap();
    server.stop.stop();
    server.stop.stop_at_once();
    server.ends();
}

#[test]
fn a_stop_waits_no_longer_than_its_time() {
    let held = held();
    let options = Options {
        drain: SHORT,
        ..patient(3)
    };
    let server = Running::tcp(options, held.handler);
    let mut busy = server.connect();
    busy.send("+hello\n");
    held.begun.recv_timeout(LONG).unwrap();
    let mut half = server.connect();
    half.send("+half");
    server.stop.stop();
    server.ends();
    assert!(half.is_closed());
}

#[test]
fn a_server_that_nobody_uses_stops() {
    let server = Running::tcp(patient(4), echo());
    server.stop.stop();
    server.ends();
}
