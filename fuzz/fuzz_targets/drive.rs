//! Feeds bytes to a gateway whole and in pieces: it must not panic, and not read differently.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use weaved::gateway::Event;
use weaved::gateway::Limits;
use weaved::gateway::Options;
use weaved::gateway::Protocol;
use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;

/// The first byte is the length of the pieces, the rest the stream.
pub fn drive(protocol: Protocol, bytes: &[u8]) {
    let Some((&length, stream)) = bytes.split_first() else {
        return;
    };
    // Small limits, so that the fuzzer reaches them.
    let limits = Limits {
        body: 2_000,
        drain: 4_000,
        head: 1_000,
        pairs: 20,
        stray: 20,
        ..Limits::default()
    };
    let options = Arc::new(Options { limits, now: || UNIX_EPOCH, ..Options::default() });
    let whole = outcome(protocol, &options, [stream].into_iter());
    let pieces = stream.chunks(usize::from(length).max(1));
    assert_eq!(whole, outcome(protocol, &options, pieces));
}

fn outcome<'a>(
    protocol: Protocol,
    options: &Arc<Options>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Request>, Vec<u8>) {
    let mut connection = protocol.connection(options);
    let (mut requests, mut sent, mut is_closed) = (Vec::new(), Vec::new(), false);
    for piece in pieces.map(Some).chain([None]) {
        match piece {
            Some(_) if is_closed => continue,
            Some(piece) => connection.feed(piece),
            None => connection.end(),
        }
        while let Some(event) = connection.next() {
            match event {
                Event::Close => is_closed = true,
                Event::Reply(bytes) => sent.extend_from_slice(&bytes),
                Event::Request(request) => {
                    assert!(request.body.len() <= 2_000);
                    requests.push(*request);
                    let body = Body::Bytes(b"answer".to_vec());
                    let response = Response { status: 200, headers: Vec::new(), body };
                    connection.respond(response, &mut sent).expect("memory takes every write");
                }
            }
        }
    }
    assert!(is_closed);
    (requests, sent)
}
