//! Peers that are silent, slow, or gone without a word.

use std::io;
use std::io::Read;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use weaved::message::Body;
use weaved::message::Response;
use weaved::server::Options;

use crate::harness::Answers;
use crate::harness::LONG;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = patient(1);
    change(&mut options);
    options
}

/// A peer that says `opening` and nothing more is cut.
#[track_caller]
fn check_silent(opening: &str, options: Options) {
    let server = Running::tcp(options, echo());
    let mut client = server.connect();
    client.send(opening);
    assert!(client.is_closed());
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}

/// A peer that says `opening` and goes on with a byte now and then is cut.
#[track_caller]
fn check_trickling(opening: &str, options: Options) {
    let server = Running::tcp(options, echo());
    let mut client = server.connect();
    client.send(opening);
    client.0.set_read_timeout(Some(SHORT / 6)).unwrap();
    loop {
        match client.0.read(&mut [0]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        if client.0.write_all(b"x").is_err() {
            break;
        }
    }
    assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
}

#[test]
fn silent_peers_are_cut() {
    check_silent("", options(|o| o.waits.head = SHORT));
    check_silent("+half", options(|o| o.waits.head = SHORT));
    check_silent("body 10\nhalf", options(|o| o.waits.body = SHORT));
}

#[test]
fn trickling_peers_are_cut() {
    check_trickling("", options(|o| o.waits.head_total = SHORT));
    check_trickling("body 100000\n", options(|o| o.waits.body_total = SHORT));
    check_trickling("drain 100000\n", options(|o| o.waits.drain_total = SHORT));
}

#[test]
fn a_second_request_has_as_much_time_as_the_first() {
    let server = Running::tcp(options(|o| o.waits.head = SHORT), echo());
    let mut client = server.connect();
    assert_eq!(client.ask("+hello").unwrap(), "hello");
    client.send("+half");
    assert!(client.is_closed());
}

/// The error that an endless body gets from its writer, when `read` is all that the peer does.
#[track_caller]
fn check_reader(options: Options, mut read: impl FnMut(&mut dyn Read) -> bool) {
    let (sender, ended) = mpsc::channel();
    let sender = Mutex::new(sender);
    let handler = Answers(move |_| {
        let sender = sender.lock().unwrap().clone();
        Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Stream(Box::new(move |out| {
                loop {
                    if let Err(error) = out.write_all(&[b'x'; 65_536]) {
                        let _ = sender.send(error.kind());
                        return Err(error);
                    }
                }
            })),
        }
    });
    let server = Running::tcp(options, Arc::new(handler));
    let mut client = server.connect();
    client.send("-\n");
    while read(&mut client.0) {}
    assert_eq!(ended.recv_timeout(LONG).unwrap(), io::ErrorKind::TimedOut);
}

#[test]
fn a_peer_that_does_not_read_is_cut() {
    check_reader(options(|o| o.waits.write = SHORT), |_| false);
}

#[test]
fn a_peer_that_reads_for_ever_is_cut() {
    check_reader(options(|o| o.waits.write_total = SHORT), |peer| {
        peer.read(&mut [0; 1024]).is_ok_and(|count| count > 0)
    });
}

#[test]
fn a_peer_that_leaves_ends_its_answer() {
    let (sender, ended) = mpsc::channel();
    let sender = Mutex::new(sender);
    let handler = Answers(move |_| {
        let sender = sender.lock().unwrap().clone();
        Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Stream(Box::new(move |out| {
                loop {
                    if let Err(error) = out.write_all(&[b'x'; 65_536]) {
                        let _ = sender.send(());
                        return Err(error);
                    }
                }
            })),
        }
    });
    let server = Running::tcp(patient(1), Arc::new(handler));
    let mut client = server.connect();
    client.send("-\n");
    client.0.read_exact(&mut [0; 10]).unwrap();
    drop(client);
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}
