//! Plays the server: feeds a connection, answers its requests, and remembers what came out.

use std::sync::Arc;

use weaved::gateway::Connection;
use weaved::gateway::Event;
use weaved::gateway::Options;
use weaved::gateway::Protocol;
use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;

/// What became of the bytes of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) requests: Vec<Request>,
    /// Replies and answers, in the order in which they went out.
    pub(crate) sent: Vec<u8>,
    pub(crate) is_closed: bool,
}

/// A connection with its outcome so far.
pub(crate) struct Driver {
    connection: Box<dyn Connection>,
    pub(crate) outcome: Outcome,
}

impl Driver {
    pub(crate) fn new(protocol: Protocol, options: &Arc<Options>) -> Self {
        Self {
            connection: protocol.connection(options),
            outcome: Outcome::default(),
        }
    }

    pub(crate) fn connection(&self) -> &dyn Connection {
        self.connection.as_ref()
    }

    /// Feeds bytes and answers every request that comes of them with [`answer`].
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !self.outcome.is_closed {
            self.connection.feed(bytes);
            self.act();
        }
    }

    /// Closes the peer's side.
    pub(crate) fn end(&mut self) {
        self.connection.end();
        self.act();
    }

    /// What went out since the last call.
    pub(crate) fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outcome.sent)
    }

    fn act(&mut self) {
        while let Some(event) = self.connection.next() {
            assert!(!self.outcome.is_closed, "an event after Close");
            match event {
                Event::Close => self.outcome.is_closed = true,
                Event::Reply(bytes) => self.outcome.sent.extend_from_slice(&bytes),
                Event::Request(request) => {
                    let response = answer(self.outcome.requests.len());
                    self.outcome.requests.push(*request);
                    self.connection
                        .respond(response, &mut self.outcome.sent)
                        .unwrap();
                }
            }
        }
    }
}

/// The answer to the n-th request of a connection.
fn answer(number: usize) -> Response {
    Response {
        status: 200,
        headers: vec![("Content-Type", "text/plain".to_owned())],
        body: Body::Bytes(format!("answer {number}").into_bytes()),
    }
}

/// What becomes of a stream that is fed in these pieces.
pub(crate) fn drive<'a>(
    protocol: Protocol,
    options: &Arc<Options>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    then_eof: bool,
) -> Outcome {
    let mut driver = Driver::new(protocol, options);
    pieces.into_iter().for_each(|piece| driver.feed(piece));
    if then_eof {
        driver.end();
    }
    driver.outcome
}

/// Feeds a stream whole, byte by byte and cut in two at every position (at some, if it is long);
/// all must become the same, which is returned.
#[track_caller]
pub(crate) fn drive_every_way(
    protocol: Protocol,
    options: &Arc<Options>,
    stream: &[u8],
    then_eof: bool,
    name: &str,
) -> Outcome {
    let whole = drive(protocol, options, [stream], then_eof);
    let check = |outcome: Outcome, how: &dyn Fn() -> String| {
        assert!(
            outcome == whole,
            "{name}, {}: {outcome:?}\ninstead of {whole:?}",
            how()
        );
    };
    check(
        drive(protocol, options, stream.chunks(1), then_eof),
        &|| "byte by byte".to_owned(),
    );
    check(
        drive(protocol, options, stream.chunks(7), then_eof),
        &|| "in sevens".to_owned(),
    );
    // All cuts of a short stream; a long one at 400 places that are odd to each other.
    let step = if stream.len() <= 1_000 {
        1
    } else {
        (stream.len() / 400) | 1
    };
    for cut in (0..stream.len()).step_by(step) {
        let (front, back) = stream.split_at(cut);
        check(drive(protocol, options, [front, back], then_eof), &|| {
            format!("cut at {cut}")
        });
    }
    whole
}
