//! Kept connections, and those that would have to wait for them.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;

use weaved::message::Request;
use weaved::server::Options;

use crate::harness::Answers;
use crate::harness::Client;
use crate::harness::LONG;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;
use crate::harness::say;

#[test]
fn a_kept_connection_answers_many_requests() {
    let server = Running::tcp(patient(1), echo());
    let mut client = server.connect();
    for number in 0..500 {
        let text = number.to_string();
        assert_eq!(client.ask(&format!("+{text}")).unwrap(), text);
    }
    client.send("+a\n+b\n+c\n");
    assert_eq!(client.line().unwrap(), "a");
    assert_eq!(client.line().unwrap(), "b");
    assert_eq!(client.line().unwrap(), "c");
}

#[test]
fn an_idle_connection_is_closed_after_its_time() {
    let mut options = patient(1);
    options.waits.idle_total = SHORT;
    let server = Running::tcp(options, echo());
    let mut client = server.connect();
    assert_eq!(client.ask("+hello").unwrap(), "hello");
    assert!(client.is_closed());
}

#[test]
fn an_idle_connection_gives_way_to_a_new_one_at_once() {
    let options = Options {
        // A server that looks only at each tick would be noticed.
        tick: LONG,
        ..patient(1)
    };
    let server = Running::tcp(options, echo());
    let mut idle = server.connect();
    assert_eq!(idle.ask("+first").unwrap(), "first");
    let mut fresh = server.connect();
    assert_eq!(fresh.ask("-second").unwrap(), "second");
    assert!(idle.is_closed());
}

#[test]
fn an_idle_connection_stays_while_a_thread_is_free() {
    let server = Running::tcp(patient(2), echo());
    // Whether the other thread is back in accept cannot be seen from outside, so that any one
    // connection may be closed with right; all of them cannot.
    let stayed = (0..100).any(|_| {
        let mut idle = server.connect();
        assert_eq!(idle.ask("+first").unwrap(), "first");
        assert_eq!(server.connect().ask("-other").unwrap(), "other");
        idle.ask("+again").is_ok_and(|answer| answer == "again")
    });
    assert!(stayed);
}

#[test]
fn busy_kept_connections_do_not_starve_new_ones() {
    let server = Running::tcp(patient(2), echo());
    let address = server.address();
    let clients: Vec<_> = (0..8)
        .map(|number| {
            thread::spawn(move || {
                let connect = || Client::tcp(TcpStream::connect(address).unwrap());
                let mut client = connect();
                let mut answered = 0;
                while answered < 100 {
                    let text = format!("{number}.{answered}");
                    match client.ask(&format!("+{text}")) {
                        Ok(answer) => {
                            assert_eq!(answer, text);
                            answered += 1;
                        }
                        Err(_) => client = connect(),
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn a_connection_that_never_pauses_gives_way_as_well() {
    let server = Running::tcp(patient(1), echo());
    let address = server.address();
    let mut busy = server.connect();
    assert_eq!(busy.ask("+first").unwrap(), "first");
    let talker = thread::spawn(move || {
        // Each request is sent before the answer to the one before is read.
        use std::io::Write;
        while busy.0.write_all(b"+more\n").is_ok() && busy.0.write_all(b"+more\n").is_ok() {
            if busy.line().is_err() {
                break;
            }
        }
    });
    let mut fresh = Client::tcp(TcpStream::connect(address).unwrap());
    assert_eq!(fresh.ask("-second").unwrap(), "second");
    talker.join().unwrap();
}

/// A web server that sends the next request as soon as it has an answer must see by then that the
/// connection is over: it may not send an upload twice.
#[test]
fn a_last_answer_comes_together_with_the_end() {
    let (begun, has_begun) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let (begun, may_go) = (Mutex::new(begun), Mutex::new(may_go));
    let handler = Answers(move |request: Request| {
        begun.lock().unwrap().send(()).unwrap();
        may_go.lock().unwrap().recv_timeout(LONG).unwrap();
        say(&request.query)
    });
    let server = Running::tcp(patient(1), Arc::new(handler));
    let mut client = server.connect();
    for number in 0..200 {
        let text = number.to_string();
        client.send(&format!("+{text}\n"));
        has_begun.recv_timeout(LONG).unwrap();
        let next = server.connect();
        client.0.set_nonblocking(true).unwrap();
        go.send(()).unwrap();
        let mut answer = [0; 16];
        // As fast as can be: what is looked for takes microseconds.
        let count = std::iter::repeat_with(|| client.0.read(&mut answer))
            .find_map(Result::ok)
            .unwrap();
        let end = client.0.peek(&mut [0]);
        assert_eq!(answer[..count], *format!("{text}\n").as_bytes());
        assert_eq!(end.unwrap(), 0, "request {number}");
        client = next;
    }
}
