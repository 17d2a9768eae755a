//! One SCGI connection: a netstring of variables, a body, one answer, and the end.
//!
//! ```text
//!           digits ":"         header ","        last byte          respond
//!   Length ────────────► Header ──────► Body ──────────────► Delivered ──────► closed
//!                          │ refused      │ refused
//!                          ▼              ▼
//!                        Drain ◄──────────┘   answered early; throws away what was announced
//! ```
//!
//! Nothing is allocated for a length that a peer merely claims. There is no way to keep a
//! connection and none to tell the server's log anything. No I/O. Spec: spec/gateway.md, 2 and 5.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use super::Event;
use super::Options;
use super::Phase;
use super::Refusal;
use super::answer;
use super::answer::Framing;
use super::answer::Manner;
use super::answer::Sent;
use super::budget::Collector;
use super::cgi;
use super::cgi::BodyEnd;
use super::cgi::Fault;
use super::cgi::Malformed;
use super::cgi::Pair;
use super::input::Input;
use super::refusal;
use super::response::StatusLine;
use crate::message::Request;
use crate::message::Response;

/// The most digits that a header's length may have.
const LENGTH_DIGITS: usize = 7;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Connection {
    options: Arc<Options>,
    input: Input,
    is_ended: bool,
    stage: Stage,
    header: Vec<u8>,
    body: Collector,
    output: Vec<u8>,
    /// Who has connected.
    peer: String,
}

#[derive(Debug)]
enum Stage {
    Body {
        request: Box<Request>,
        length: u64,
    },
    Closed {
        /// Whether the server was told.
        is_told: bool,
    },
    Delivered {
        is_head: bool,
    },
    Drain {
        /// Bytes that are still to come.
        left: u64,
    },
    Header {
        /// The length of the header without its comma.
        length: usize,
    },
    Length,
}

/// Why a connection is closed without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("malformed header length")]
    BadLength,
    #[error("malformed variables")]
    BadPairs,
    #[error("no comma after the variables")]
    NoComma,
    #[error("header length far above the limit")]
    TooLong,
}

/// What reading on led to.
enum Step {
    Done,
    Emit(Event),
    NeedMore,
}

impl super::Connection for Connection {
    fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.stage, Stage::Closed { .. }) {
            self.input.feed(bytes);
        }
    }

    fn end(&mut self) {
        self.is_ended = true;
    }

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.step() {
                Ok(Step::Done) => {}
                Ok(Step::Emit(event)) => return Some(event),
                Ok(Step::NeedMore) => {
                    let waits =
                        matches!(self.stage, Stage::Closed { .. } | Stage::Delivered { .. });
                    if waits || !self.is_ended {
                        return None;
                    }
                    if self.phase() != Phase::Drain && !self.is_fresh() {
                        log::debug!(target: "gateway", "the peer left before the end of its request");
                    }
                    self.close();
                }
                Err(broken) => {
                    log::warn!(target: "gateway", "SCGI connection closed: {broken}");
                    self.close();
                }
            }
        }
    }

    fn respond(&mut self, response: Response, out: &mut dyn io::Write) -> io::Result<()> {
        let Stage::Delivered { is_head } = self.stage else {
            return Err(io::Error::other("a response without a request"));
        };
        if let Sent::Nothing(error) =
            answer::send(response, &manner(is_head), &mut self.output, out)?
        {
            log::error!(target: "gateway", "a response body failed: {error}");
            let response = refusal::failed_body(&self.options);
            answer::send(response, &manner(is_head), &mut self.output, out)?;
        }
        self.close();
        Ok(())
    }

    fn meet(&mut self, peer: IpAddr) {
        self.peer = peer.to_string();
    }

    fn keeps(&self) -> bool {
        false
    }

    fn phase(&self) -> Phase {
        match self.stage {
            Stage::Body { .. } => Phase::Body,
            Stage::Drain { .. } => Phase::Drain,
            _ => Phase::Head,
        }
    }
}

fn manner(is_head: bool) -> Manner<'static> {
    Manner {
        framing: Framing::Plain,
        is_head,
        line: StatusLine::Cgi,
        more: b"",
    }
}

impl Connection {
    pub(super) fn new(options: Arc<Options>) -> Self {
        let body = Collector::new(&options.budget);
        Self {
            options,
            input: Input::default(),
            is_ended: false,
            stage: Stage::Length,
            header: Vec::new(),
            body,
            output: Vec::new(),
            peer: String::new(),
        }
    }

    /// Whether nothing has come yet: Apache connects and leaves when it refuses a chunked upload.
    fn is_fresh(&self) -> bool {
        matches!(self.stage, Stage::Length) && self.input.is_empty()
    }

    fn close(&mut self) {
        self.stage = Stage::Closed { is_told: false };
        self.body.release();
    }

    fn step(&mut self) -> Result<Step, Broken> {
        match &mut self.stage {
            Stage::Closed { is_told: true } | Stage::Delivered { .. } => Ok(Step::NeedMore),
            Stage::Closed { is_told } => {
                *is_told = true;
                Ok(Step::Emit(Event::Close))
            }
            Stage::Length => self.read_length(),
            Stage::Header { length } => {
                let length = *length;
                self.read_header(length)
            }
            Stage::Body { length, .. } => {
                let length = *length;
                Ok(self.read_body(length))
            }
            Stage::Drain { left } => {
                let available = self.input.rest().len();
                *left = left.saturating_sub(u64::try_from(available).unwrap_or(u64::MAX));
                self.input.consume(available);
                if *left > 0 {
                    return Ok(Step::NeedMore);
                }
                self.close();
                Ok(Step::Done)
            }
        }
    }

    fn read_length(&mut self) -> Result<Step, Broken> {
        let mut length = 0_usize;
        for (count, &byte) in self.input.rest().iter().enumerate() {
            match byte {
                b':' if count > 0 => {
                    self.input.consume(count + 1);
                    return self.begin_header(length);
                }
                // Netstrings know no leading zero; "0:," alone is a header without variables.
                b'0'..=b'9' if count < LENGTH_DIGITS && (count == 0 || length > 0) => {
                    length = length * 10 + usize::from(byte - b'0');
                }
                _ => return Err(Broken::BadLength),
            }
        }
        Ok(Step::NeedMore)
    }

    fn begin_header(&mut self, length: usize) -> Result<Step, Broken> {
        if u64::try_from(length).map_or(true, |length| length > self.options.limits.drain) {
            return Err(Broken::TooLong);
        }
        self.stage = Stage::Header { length };
        Ok(Step::Done)
    }

    /// Collects the header and its comma. One that is too long is answered when its beginning,
    /// which says how long the body is, has come.
    fn read_header(&mut self, length: usize) -> Result<Step, Broken> {
        let limit = self.options.limits.head;
        let wanted = length.saturating_add(1);
        let count = wanted
            .min(limit.saturating_add(1))
            .saturating_sub(self.header.len());
        let rest = self.input.rest();
        let piece = rest.get(..count).unwrap_or(rest);
        let taken = piece.len();
        self.header.extend_from_slice(piece);
        self.input.consume(taken);
        if taken < count {
            return Ok(Step::NeedMore);
        }
        if length > limit {
            let announced = announced_by(&self.header).unwrap_or(0);
            let left = u64::try_from(wanted.saturating_sub(self.header.len())).unwrap_or(u64::MAX);
            let left = left.saturating_add(announced);
            return Ok(self.refuse(Refusal::HeadTooLarge, left, None));
        }
        if self.header.pop() != Some(b',') {
            return Err(Broken::NoComma);
        }
        match cgi::head(Pairs::new(&self.header), BodyEnd::Length, &self.options) {
            Ok(head) => {
                let (request, length) = (Box::new(head.request), head.length.unwrap_or(0));
                self.stage = Stage::Body { request, length };
                Ok(Step::Done)
            }
            Err(Fault::Malformed) => Err(Broken::BadPairs),
            Err(Fault::Refused {
                refusal,
                announced,
                peer,
            }) => Ok(self.refuse(refusal, announced.unwrap_or(0), Some(peer))),
        }
    }

    fn read_body(&mut self, length: u64) -> Step {
        let missing = length.saturating_sub(self.body.len());
        let rest = self.input.rest();
        let count = usize::try_from(missing).map_or(rest.len(), |missing| missing.min(rest.len()));
        let piece = rest.get(..count).unwrap_or_default();
        if let Err(refusal) = self.body.push(piece, Some(length), &self.options.limits) {
            let client = match &self.stage {
                Stage::Body { request, .. } => Some(request.peer.clone()),
                _ => None,
            };
            return self.refuse(refusal, missing, client);
        }
        self.input.consume(count);
        if self.body.len() < length {
            return Step::NeedMore;
        }
        match std::mem::replace(&mut self.stage, Stage::Delivered { is_head: false }) {
            Stage::Body { mut request, .. } => {
                request.body = self.body.take();
                self.stage = Stage::Delivered {
                    is_head: request.method == "HEAD",
                };
                Step::Emit(Event::Request(request))
            }
            stage => {
                self.stage = stage;
                Step::Done
            }
        }
    }

    /// Answers early; `left` bytes are then thrown away before the connection is closed.
    fn refuse(&mut self, refusal: Refusal, left: u64, client: Option<String>) -> Step {
        self.body.release();
        self.header = Vec::new();
        self.stage = Stage::Drain { left };
        let mut reply = Vec::new();
        let response = refusal.response(&self.options, client.as_ref().unwrap_or(&self.peer));
        // Memory takes every write.
        match answer::send(response, &manner(false), &mut self.output, &mut reply) {
            Ok(_) => Step::Emit(Event::Reply(reply)),
            Err(_) => Step::Done,
        }
    }
}

/// The length of the body, from the first variable of a header that is not read any further.
fn announced_by(header: &[u8]) -> Option<u64> {
    match Pairs::new(header).next() {
        Some(Ok((b"CONTENT_LENGTH", value))) => std::str::from_utf8(value).ok()?.parse().ok(),
        _ => None,
    }
}

/// The variables of a header: name, NUL, value, NUL.
#[derive(Clone, Debug)]
struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == 0)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    fn pair(&mut self) -> Option<Pair<'a>> {
        let name = self.text().filter(|name| !name.is_empty())?;
        Some((name, self.text()?))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let pair = self.pair().ok_or(Malformed);
        if pair.is_err() {
            self.rest = &[];
        }
        Some(pair)
    }
}
