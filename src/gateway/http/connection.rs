//! One HTTP connection: heads and bodies in, requests out, one after the other.
//!
//! ```text
//!          empty line         last byte or chunk         respond
//!   Head ─────────────► Body ───────────────────► Delivered ───────► Head, or closed
//!     │ refused          │ refused
//!     ▼                  ▼
//!   Drain ◄──────────────┘   answered with Connection: close
//! ```
//!
//! A pipelined request waits in the input until the one before it is answered. A body that ends
//! early is never delivered. Spec: RFC 9112; spec/gateway.md, 2 for the limits.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use super::chunked::Decoder;
use super::chunked::Piece;
use super::date;
use super::head;
use super::head::Length;
use crate::gateway;
use crate::gateway::Event;
use crate::gateway::Options;
use crate::gateway::Phase;
use crate::gateway::Refusal;
use crate::gateway::answer;
use crate::gateway::answer::Framing;
use crate::gateway::answer::Manner;
use crate::gateway::answer::Sent;
use crate::gateway::budget::Collector;
use crate::gateway::input::Input;
use crate::gateway::refusal;
use crate::gateway::response::StatusLine;
use crate::message::Request;
use crate::message::Response;

/// Empty lines that are borne before a request line (RFC 9112, 2.2).
const EMPTY_LINES: u32 = 4;

/// The state of one connection.
#[derive(Debug)]
pub(in crate::gateway) struct Connection {
    options: Arc<Options>,
    input: Input,
    is_ended: bool,
    stage: Stage,
    /// Whether a request was answered on this connection.
    is_kept: bool,
    /// Whether no other request is wanted.
    is_last: bool,
    body: Collector,
    output: Vec<u8>,
    /// Who has connected.
    peer: String,
}

#[derive(Debug)]
enum Stage {
    Body {
        request: Box<Request>,
        reader: Reader,
        way: Way,
    },
    Closed {
        /// Whether the server was told.
        is_told: bool,
    },
    Delivered(Way),
    Drain {
        reader: Reader,
        /// Bytes that may still be thrown away.
        left: u64,
    },
    Head {
        /// How far the end of the head was searched.
        searched: usize,
        empty_lines: u32,
    },
}

/// How a request wants to be answered.
#[derive(Clone, Copy, Debug)]
struct Way {
    is_head: bool,
    is_kept: bool,
    is_modern: bool,
}

/// What ends a body.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Chunks(Decoder),
    /// The end of the connection, when a head was not understood.
    Ended,
    Length {
        declared: u64,
        left: u64,
    },
}

enum Step {
    Done,
    Emit(Event),
    NeedMore,
}

impl gateway::Connection for Connection {
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
                Step::Done => {}
                Step::Emit(event) => return Some(event),
                Step::NeedMore => {
                    let waits = matches!(self.stage, Stage::Closed { .. } | Stage::Delivered(_));
                    if waits || !self.is_ended {
                        return None;
                    }
                    if matches!(self.stage, Stage::Body { .. }) || !self.input.is_empty() {
                        log::debug!(target: "gateway", "the peer left before the end of its request");
                    }
                    self.close();
                }
            }
        }
    }

    fn respond(&mut self, response: Response, out: &mut dyn io::Write) -> io::Result<()> {
        let Stage::Delivered(mut way) = self.stage else {
            return Err(io::Error::other("a response without a request"));
        };
        // What has come already is answered first.
        way.is_kept &= !self.is_last || !self.input.is_empty();
        let sent = self.send(response, way, out)?;
        let is_delimited = match sent {
            Sent::AsGiven { is_delimited } => is_delimited,
            Sent::Nothing(error) => {
                log::error!(target: "gateway", "a response body failed: {error}");
                self.send(refusal::failed_body(&self.options), way, out)?;
                true
            }
        };
        self.body.release();
        if way.is_kept && is_delimited {
            self.is_kept = true;
            self.stage = Stage::Head {
                searched: 0,
                empty_lines: 0,
            };
        } else {
            self.close();
        }
        Ok(())
    }

    fn last(&mut self) {
        self.is_last = true;
    }

    fn meet(&mut self, peer: IpAddr) {
        self.peer = peer.to_string();
    }

    fn phase(&self) -> Phase {
        match self.stage {
            Stage::Body { .. } => Phase::Body,
            Stage::Drain { .. } => Phase::Drain,
            Stage::Head { .. } if self.is_kept && self.input.is_empty() => Phase::Idle,
            _ => Phase::Head,
        }
    }
}

impl Connection {
    pub(in crate::gateway) fn new(options: Arc<Options>) -> Self {
        let body = Collector::new(&options.budget);
        Self {
            options,
            input: Input::default(),
            is_ended: false,
            stage: Stage::Head {
                searched: 0,
                empty_lines: 0,
            },
            is_kept: false,
            is_last: false,
            body,
            output: Vec::new(),
            peer: String::new(),
        }
    }

    fn close(&mut self) {
        self.stage = Stage::Closed { is_told: false };
        self.body.release();
    }

    fn send(&mut self, response: Response, way: Way, out: &mut dyn io::Write) -> io::Result<Sent> {
        let date = date::format((self.options.now)());
        let connection = if way.is_kept {
            ""
        } else {
            "Connection: close\r\n"
        };
        let more = format!("Date: {date}\r\n{connection}");
        let manner = Manner {
            framing: if way.is_modern {
                Framing::Chunks
            } else {
                Framing::Plain
            },
            is_head: way.is_head,
            line: StatusLine::Http,
            more: more.as_bytes(),
        };
        answer::send(response, &manner, &mut self.output, out)
    }

    fn step(&mut self) -> Step {
        match &mut self.stage {
            Stage::Closed { is_told: true } | Stage::Delivered(_) => Step::NeedMore,
            Stage::Closed { is_told } => {
                *is_told = true;
                Step::Emit(Event::Close)
            }
            Stage::Head {
                searched,
                empty_lines,
            } => {
                let (searched, empty_lines) = (*searched, *empty_lines);
                self.read_head(searched, empty_lines)
            }
            Stage::Body { .. } => self.read_body(),
            Stage::Drain { .. } => self.drain(),
        }
    }

    fn read_head(&mut self, searched: usize, empty_lines: u32) -> Step {
        if searched == 0 {
            let empty = match self.input.rest() {
                [] | [b'\r'] => return Step::NeedMore,
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => 0,
            };
            if empty > 0 {
                if empty_lines >= EMPTY_LINES {
                    return self.refuse(Refusal::BadHead, None);
                }
                self.input.consume(empty);
                self.stage = Stage::Head {
                    searched: 0,
                    empty_lines: empty_lines + 1,
                };
                return Step::Done;
            }
        }
        let rest = self.input.rest();
        let limit = self.options.limits.head;
        let Some(end) = head::end(rest, searched).filter(|&end| end <= limit) else {
            if rest.len() > limit {
                return self.refuse(Refusal::HeadTooLarge, None);
            }
            self.stage = Stage::Head {
                searched: rest.len(),
                empty_lines,
            };
            return Step::NeedMore;
        };
        let read = head::read(rest.get(..end).unwrap_or_default(), &self.options);
        self.input.consume(end);
        match read {
            Ok(head) => {
                let way = Way {
                    is_head: head.request.method == "HEAD",
                    is_kept: head.is_kept,
                    is_modern: head.is_modern,
                };
                let (request, reader) = (Box::new(head.request), Reader::of(head.length));
                self.stage = Stage::Body {
                    request,
                    reader,
                    way,
                };
                if head.is_expecting {
                    return Step::Emit(Event::Reply(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
                }
                Step::Done
            }
            Err((refusal, length)) => self.refuse(refusal, length.map(Reader::of)),
        }
    }

    fn read_body(&mut self) -> Step {
        let Stage::Body { reader, .. } = &mut self.stage else {
            return Step::Done;
        };
        let limits = &self.options.limits;
        let (used, result) = match reader.next(self.input.rest()) {
            Ok((used, Piece::Data(data))) => (
                used,
                self.body
                    .push(data, reader.declared(), limits)
                    .map(|()| Step::Done),
            ),
            Ok((used, Piece::NeedMore)) => (used, Ok(Step::NeedMore)),
            Ok((used, Piece::End)) => {
                self.input.consume(used);
                return self.deliver();
            }
            Err(refusal) => (0, Err(refusal)),
        };
        self.input.consume(used);
        match result {
            Ok(step) => step,
            Err(Refusal::BadHead) => self.refuse(Refusal::BadHead, None),
            Err(refusal) => {
                let reader = *reader;
                self.refuse(refusal, Some(reader))
            }
        }
    }

    fn deliver(&mut self) -> Step {
        match std::mem::replace(&mut self.stage, Stage::Closed { is_told: false }) {
            Stage::Body {
                mut request, way, ..
            } => {
                request.body = self.body.take();
                self.stage = Stage::Delivered(way);
                Step::Emit(Event::Request(request))
            }
            stage => {
                self.stage = stage;
                Step::Done
            }
        }
    }

    /// Answers early. What is left of the body, if that is understood, is thrown away before the
    /// connection is closed, so that the client gets to read the answer.
    fn refuse(&mut self, refusal: Refusal, reader: Option<Reader>) -> Step {
        self.body.release();
        let limits = &self.options.limits;
        self.stage = match reader {
            Some(Reader::Length { declared, left }) => Stage::Drain {
                reader: Reader::Length { declared, left },
                left: left.max(limits.drain),
            },
            Some(reader) => Stage::Drain {
                reader,
                left: limits.drain,
            },
            None if refusal == Refusal::HeadTooLarge => Stage::Drain {
                reader: Reader::Ended,
                left: limits.drain,
            },
            None => Stage::Closed { is_told: false },
        };
        let mut reply = Vec::new();
        let way = Way {
            is_head: false,
            is_kept: false,
            is_modern: true,
        };
        // Memory takes every write.
        match self.send(refusal.response(&self.options, &self.peer), way, &mut reply) {
            Ok(_) => Step::Emit(Event::Reply(reply)),
            Err(_) => Step::Done,
        }
    }

    fn drain(&mut self) -> Step {
        let Stage::Drain { reader, left } = &mut self.stage else {
            return Step::Done;
        };
        let (used, is_over) = match reader.next(self.input.rest()) {
            Ok((used, Piece::Data(_))) => (used, false),
            Ok((0, Piece::NeedMore)) => return Step::NeedMore,
            Ok((used, Piece::NeedMore)) => (used, false),
            Ok((used, Piece::End)) => (used, true),
            Err(_) => (0, true),
        };
        let count = u64::try_from(used).unwrap_or(u64::MAX);
        let is_over = is_over || count > *left;
        *left = left.saturating_sub(count);
        self.input.consume(used);
        if is_over {
            self.close();
        }
        Step::Done
    }
}

impl Reader {
    fn of(length: Length) -> Self {
        match length {
            Length::Chunked => Self::Chunks(Decoder::default()),
            Length::Known(length) => Self::Length {
                declared: length,
                left: length,
            },
        }
    }

    fn declared(&self) -> Option<u64> {
        match self {
            Self::Chunks(_) | Self::Ended => None,
            Self::Length { declared, .. } => Some(*declared),
        }
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, Piece<'a>), Refusal> {
        let data = match self {
            Self::Chunks(decoder) => return decoder.next(bytes).map_err(|_| Refusal::BadHead),
            Self::Length { left: 0, .. } => return Ok((0, Piece::End)),
            Self::Ended => bytes,
            Self::Length { left, .. } => {
                let count =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                bytes.get(..count).unwrap_or_default()
            }
        };
        match data.len() {
            0 => Ok((0, Piece::NeedMore)),
            used => Ok((used, Piece::Data(data))),
        }
    }
}
