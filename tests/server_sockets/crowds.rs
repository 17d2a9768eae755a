//! Slow peers, and those that would have to wait for them.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;
use weaved::server::Handler;
use weaved::server::Options;

use crate::harness::Answers;
use crate::harness::Client;
use crate::harness::LONG;
use crate::harness::Running;
use crate::harness::SHORT;
use crate::harness::echo;
use crate::harness::patient;
use crate::harness::say;

/// Peers are slow after a short time, but only while others wait.
fn crowded(threads: usize) -> Options {
    let mut options = patient(threads);
    options.waits.crowded = SHORT;
    options.waits.crowded_head = SHORT;
    options
}

/// Answers `-endless` until the peer is cut, and everything else at once.
fn endless() -> Arc<dyn Handler> {
    Arc::new(Answers(|request: Request| match request.query.as_str() {
        "endless" => Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Stream(Box::new(|out| {
                loop {
                    out.write_all(&[b'x'; 65_536])?;
                }
            })),
        },
        other => say(other),
    }))
}

/// All threads wait for peers that say `opening` and nothing more; somebody else is answered.
#[track_caller]
fn check_gives_way(opening: &str) {
    let server = Running::tcp(crowded(2), endless());
    let mut slow: Vec<_> = (0..2).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send(opening);
    }
    assert_served_soon(&server);
}

/// Sooner than by any time-out that counts without a crowd.
#[track_caller]
fn assert_served_soon(server: &Running) {
    let mut client = server.connect();
    client.0.set_read_timeout(Some(LONG / 4)).unwrap();
    assert_eq!(client.ask("-hello").unwrap(), "hello");
}

#[test]
fn slow_peers_give_way_to_those_who_wait() {
    check_gives_way("");
    check_gives_way("+half");
    check_gives_way("body 100000\nhalf");
    check_gives_way("-endless\n");
}

#[test]
fn trickling_peers_give_way_to_those_who_wait() {
    for opening in ["", "body 100000\n"] {
        let server = Running::tcp(crowded(1), echo());
        let mut slow = server.connect();
        slow.send(opening);
        let trickle = thread::spawn(move || {
            while slow.0.write_all(b"x").is_ok() {
                thread::sleep(SHORT / 20);
            }
        });
        assert_served_soon(&server);
        trickle.join().unwrap();
    }
}

#[test]
fn nobody_gives_way_while_a_thread_is_free() {
    let options = Options {
        // A machine that is busy may let a connection queue for a moment.
        tick: SHORT * 2,
        ..crowded(2)
    };
    let server = Running::tcp(options, echo());
    for (opening, rest, answer) in [
        ("+ha", "lf\n", "half"),
        ("body 100\n", &"x".repeat(100), "body"),
    ] {
        let mut slow = server.connect();
        slow.send(opening);
        let begun = Instant::now();
        while begun.elapsed() < SHORT * 10 {
            assert_eq!(server.connect().ask("-hello").unwrap(), "hello");
        }
        slow.send(rest);
        assert_eq!(slow.line().unwrap(), answer);
    }
}

#[test]
fn one_gives_way_for_one_who_waits() {
    let server = Running::tcp(crowded(4), echo());
    let mut slow: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send("+ha");
    }
    assert_served_soon(&server);
    let whole = |mut client: Client<TcpStream>| {
        // Cut ones may fail in either.
        let sent = client.0.write_all(b"lf\n");
        sent.is_ok() && client.line().is_ok_and(|line| line == "half")
    };
    let stayed = slow.into_iter().map(whole).filter(|stayed| *stayed).count();
    assert_eq!(stayed, 3);
}

/// The system's buffer of an answer has room for a poll only when a third of it, about a
/// mebibyte, is taken: a reader is not silent because it takes less than that.
#[test]
fn a_reader_that_takes_a_little_now_and_then_is_not_silent() {
    const PIECE: usize = 64 << 10;
    let mut options = patient(1);
    options.waits.write = Duration::from_secs(1);
    let server = Running::tcp(options, endless());
    let mut client = server.connect();
    client.send("-endless\n");
    let mut piece = vec![0; PIECE];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        client.0.read_exact(&mut piece).unwrap();
        thread::sleep(Duration::from_millis(160));
    }
    // What the buffers still hold could be read after a cut as well; not much more than that.
    for _ in 0..(32 << 20) / PIECE {
        client.0.read_exact(&mut piece).unwrap();
    }
}
