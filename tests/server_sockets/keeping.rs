//! Kept connections, and those that would have to wait for them.

use std::net::TcpStream;
use std::thread;

use weaved::server::Options;

use crate::harness::Client;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;

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
        tick: crate::harness::LONG,
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
