//! A tiny protocol: a request is a line, and so is its answer.
//!
//! `+text` asks and keeps the connection, `-text` asks and closes it; `body N` asks with the N
//! bytes that follow; `drain N` is refused at once and throws N bytes away before it closes;
//! `bug` makes the protocol itself panic.

use std::io;

use weaved::gateway::Connection;
use weaved::gateway::Event;
use weaved::gateway::Phase;
use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;

#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    state: State,
    keep: bool,
    answered: bool,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    Body(usize),
    Closing,
    Drain(usize),
    #[default]
    Head,
}

impl Connection for Lines {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn end(&mut self) {
        if !self.bytes.contains(&b'\n') {
            self.state = State::Closing;
        }
    }

    fn next(&mut self) -> Option<Event> {
        match self.state {
            State::Closing => Some(Event::Close),
            State::Drain(left) => {
                let taken = left.min(self.bytes.len());
                self.bytes.drain(..taken);
                self.state = State::Drain(left - taken);
                (left == taken).then_some(Event::Close)
            }
            State::Body(length) => {
                if self.bytes.len() < length {
                    return None;
                }
                let body = self.bytes.drain(..length).collect();
                self.state = State::Head;
                Some(Event::Request(Box::new(Request {
                    query: "body".to_owned(),
                    body,
                    ..Request::default()
                })))
            }
            State::Head => {
                let end = self.bytes.iter().position(|&byte| byte == b'\n')?;
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if let Some(length) = line.strip_prefix("body ") {
                    self.state = State::Body(length.parse().unwrap());
                    return self.next();
                }
                if let Some(length) = line.strip_prefix("drain ") {
                    self.state = State::Drain(length.parse().unwrap());
                    return Some(Event::Reply(b"refused\n".to_vec()));
                }
                assert_ne!(line, "bug", "the protocol has a bug");
                self.keep = line.starts_with('+');
                Some(Event::Request(Box::new(Request {
                    query: line.get(1..).unwrap_or_default().to_owned(),
                    ..Request::default()
                })))
            }
        }
    }

    fn respond(&mut self, response: Response, out: &mut dyn io::Write) -> io::Result<()> {
        self.answered = true;
        if !self.keep {
            self.state = State::Closing;
        }
        match response.body {
            Body::Bytes(bytes) => {
                let mut line = match response.status {
                    200 => Vec::new(),
                    status => format!("{status} ").into_bytes(),
                };
                line.extend(bytes);
                line.push(b'\n');
                out.write_all(&line)
            }
            Body::Stream(stream) => {
                stream(out)?;
                out.write_all(b"\n")
            }
        }
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Body(_) => Phase::Body,
            State::Closing | State::Drain(_) => Phase::Drain,
            State::Head if self.answered && self.bytes.is_empty() => Phase::Idle,
            State::Head => Phase::Head,
        }
    }
}
