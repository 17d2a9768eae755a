//! One FastCGI connection: records in, events out.
//!
//! ```text
//!              BEGIN            PARAMS ""            STDIN ""             respond
//!   (nothing) ──────► Params ────────────► Body ──────────────► Delivered ───────► (nothing),
//!                       │ too large, bad     │ too large, cut                      or close
//!                       ▼                    ▼
//!                     Drain ◄────────────────┘   answered early; STDIN "" ends it, then close
//! ```
//!
//! - Params: collects the variables.
//! - Body: has a checked head, collects the body.
//! - Drain: throws away what is left of a request that was answered or refused already.
//! - Delivered: the request is with its handler; nothing is read on.
//!
//! One request at a time, which is all that any server does. A request that ends in any other
//! way than by its empty STDIN record is never delivered. Spec: spec/gateway.md, 2 and 5.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use super::management;
use super::params::Pairs;
use super::record;
use super::record::HEADER;
use super::record::Header;
use super::record::ProtocolStatus;
use super::request::AUTHORIZER;
use super::request::Broken;
use super::request::Drain;
use super::request::KEEP_CONN;
use super::request::Open;
use super::request::Owed;
use super::request::RESPONDER;
use super::request::Stage;
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
use crate::gateway::cgi;
use crate::gateway::cgi::BodyEnd;
use crate::gateway::cgi::Fault;
use crate::gateway::input::Input;
use crate::gateway::refusal;
use crate::gateway::response::StatusLine;
use crate::message::Response;

/// The state of one connection.
#[derive(Debug)]
pub(in crate::gateway) struct Connection {
    options: Arc<Options>,
    input: Input,
    /// Whether the peer has closed its side.
    is_ended: bool,
    /// Whether the connection is over; only what is in `events` remains.
    is_closed: bool,
    events: VecDeque<Event>,
    /// The record whose content is coming in.
    record: Option<Incoming>,
    request: Option<Open>,
    /// Whether a request was answered and the connection kept.
    is_kept: bool,
    /// The variables of the open request; the buffer serves all requests of a connection.
    params: Vec<u8>,
    body: Collector,
    /// The content of records that must be whole: BEGIN_REQUEST and GET_VALUES.
    whole: Vec<u8>,
    management_count: u32,
    stray_count: u32,
    output: Vec<u8>,
    /// Who has connected.
    peer: String,
}

#[derive(Clone, Copy, Debug)]
struct Incoming {
    header: Header,
    sink: Sink,
    /// Content bytes that are still to come.
    content: usize,
    /// Padding bytes that are still to come.
    padding: usize,
}

/// Where a record's content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Body,
    Nowhere,
    Params,
    Whole,
}

/// What reading on led to.
enum Step {
    Done,
    NeedMore,
}

impl gateway::Connection for Connection {
    fn feed(&mut self, bytes: &[u8]) {
        if !self.is_closed {
            self.input.feed(bytes);
        }
    }

    fn end(&mut self) {
        self.is_ended = true;
    }

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_closed || self.is_delivered() {
                return None;
            }
            match self.step() {
                Ok(Step::Done) => {}
                Ok(Step::NeedMore) if self.is_ended => {
                    self.note_abandoned();
                    self.close();
                }
                Ok(Step::NeedMore) => return None,
                Err(broken) => {
                    log::warn!(target: "gateway", "FastCGI connection closed: {broken}");
                    self.close();
                }
            }
        }
    }

    fn respond(&mut self, response: Response, out: &mut dyn io::Write) -> io::Result<()> {
        let Some(Open {
            id,
            is_kept,
            stage: Stage::Delivered { is_head },
            ..
        }) = self.request
        else {
            return Err(io::Error::other("a response without a request"));
        };
        let manner = Manner {
            framing: Framing::Records(id),
            is_head,
            line: StatusLine::Cgi,
            more: b"",
        };
        if let Sent::Nothing(error) = answer::send(response, &manner, &mut self.output, out)? {
            log::error!(target: "gateway", "a response body failed: {error}");
            let response = refusal::failed_body(&self.options);
            answer::send(response, &manner, &mut self.output, out)?;
        }
        self.finish_request(is_kept);
        Ok(())
    }

    fn meet(&mut self, peer: IpAddr) {
        self.peer = peer.to_string();
    }

    fn keeps(&self) -> bool {
        self.request.as_ref().is_some_and(|open| open.is_kept)
    }

    fn phase(&self) -> Phase {
        match self.request.as_ref().map(|open| &open.stage) {
            Some(Stage::Body { .. }) => Phase::Body,
            Some(Stage::Drain(_)) => Phase::Drain,
            None if self.is_kept && self.record.is_none() && self.input.is_empty() => Phase::Idle,
            None | Some(Stage::Delivered { .. } | Stage::Params) => Phase::Head,
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
            is_closed: false,
            events: VecDeque::new(),
            record: None,
            request: None,
            is_kept: false,
            params: Vec::new(),
            body,
            whole: Vec::new(),
            management_count: 0,
            stray_count: 0,
            output: Vec::new(),
            peer: String::new(),
        }
    }

    fn is_delivered(&self) -> bool {
        let stage = self.request.as_ref().map(|open| &open.stage);
        matches!(stage, Some(Stage::Delivered { .. }))
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.request = None;
        self.body.release();
        self.events.push_back(Event::Close);
    }

    /// Forgets the open request; the connection goes on if the peer asked for that.
    fn finish_request(&mut self, is_kept: bool) {
        self.request = None;
        self.params.clear();
        self.body.release();
        self.is_kept = is_kept;
        if !is_kept {
            self.close();
        }
    }

    fn reply(&mut self, bytes: &[u8]) {
        // Replies that belong together are one write.
        if let Some(Event::Reply(last)) = self.events.back_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.events.push_back(Event::Reply(bytes.to_vec()));
        }
    }

    fn note_abandoned(&self) {
        if self.request.is_some() {
            log::debug!(target: "gateway", "the peer left before the end of its request");
        }
    }

    /// Reads one piece: a header, a part of a content, or the end of a record.
    fn step(&mut self) -> Result<Step, Broken> {
        let Some(mut incoming) = self.record else {
            let Some(bytes) = self.input.rest().first_chunk::<HEADER>() else {
                return Ok(Step::NeedMore);
            };
            let header = Header::parse(*bytes).ok_or(Broken::Version)?;
            self.input.consume(HEADER);
            let sink = self.begin_record(header)?;
            self.record = Some(Incoming {
                header,
                sink,
                content: usize::from(header.length),
                padding: usize::from(header.padding),
            });
            return Ok(Step::Done);
        };
        if incoming.content > 0 {
            if self.input.is_empty() {
                return Ok(Step::NeedMore);
            }
            let count = incoming.content.min(self.input.rest().len());
            incoming.content -= count;
            self.record = Some(incoming);
            return self.take_content(incoming.sink, count).map(|()| Step::Done);
        }
        if incoming.padding > 0 {
            let count = incoming.padding.min(self.input.rest().len());
            if count == 0 {
                return Ok(Step::NeedMore);
            }
            self.input.consume(count);
            incoming.padding -= count;
            self.record = Some(incoming);
            return Ok(Step::Done);
        }
        self.record = None;
        self.end_record(incoming.header, incoming.sink)?;
        Ok(Step::Done)
    }

    /// Says what to do with a record's content, from its header alone.
    fn begin_record(&mut self, header: Header) -> Result<Sink, Broken> {
        self.whole.clear();
        if header.id == 0 {
            self.management_count += 1;
            if self.management_count > self.options.limits.management {
                return Err(Broken::Management);
            }
            return Ok(match header.kind {
                record::GET_VALUES => Sink::Whole,
                _ => Sink::Nowhere,
            });
        }
        if header.kind == record::BEGIN_REQUEST {
            if header.length != 8 {
                return Err(Broken::BadBegin);
            }
            return Ok(Sink::Whole);
        }
        let open = self.request.as_ref().filter(|open| open.id == header.id);
        match (header.kind, open.map(|open| &open.stage)) {
            (record::PARAMS, Some(Stage::Params)) => Ok(Sink::Params),
            (record::PARAMS, Some(Stage::Drain(drain))) if drain.in_params => Ok(Sink::Params),
            (record::PARAMS, Some(_)) => Err(Broken::ParamsAfterEnd),
            (record::STDIN, Some(Stage::Params)) => Err(Broken::StdinBeforeParams),
            (record::STDIN, Some(Stage::Drain(drain))) if drain.in_params => {
                Err(Broken::StdinBeforeParams)
            }
            (record::STDIN, Some(_)) => Ok(Sink::Body),
            (record::ABORT_REQUEST, Some(_)) => Ok(Sink::Nowhere),
            _ => {
                self.stray_count += 1;
                if self.stray_count > self.options.limits.stray {
                    return Err(Broken::Stray);
                }
                Ok(Sink::Nowhere)
            }
        }
    }

    /// Takes `count` bytes of content from the input.
    fn take_content(&mut self, sink: Sink, count: usize) -> Result<(), Broken> {
        let content = self.input.rest().get(..count).unwrap_or_default();
        let mut refused = None;
        match (sink, self.request.as_mut().map(|open| &mut open.stage)) {
            (Sink::Whole, _) => self.whole.extend_from_slice(content),
            (Sink::Params, Some(Stage::Params)) => {
                if self.params.len() + content.len() > self.options.limits.head {
                    refused = Some((Refusal::HeadTooLarge, None));
                } else {
                    self.params.extend_from_slice(content);
                }
            }
            (Sink::Body, Some(Stage::Body { length, .. })) => {
                let total = self.body.len() + u64::try_from(count).unwrap_or(u64::MAX);
                let limits = &self.options.limits;
                if length.is_some_and(|length| total > length) {
                    refused = Some((Refusal::LengthMismatch, *length));
                } else if let Err(refusal) = self.body.push(content, *length, limits) {
                    refused = Some((refusal, *length));
                }
            }
            (Sink::Body | Sink::Params, Some(Stage::Drain(drain))) => {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                drain.left = drain.left.checked_sub(count).ok_or(Broken::DrainTooLong)?;
            }
            _ => {}
        }
        self.input.consume(count);
        if let Some((refusal, announced)) = refused {
            let in_params = sink == Sink::Params;
            let client = match self.request.as_ref().map(|open| &open.stage) {
                Some(Stage::Body { request, .. }) => Some(request.peer.clone()),
                _ => None,
            };
            self.refuse(refusal, announced, in_params, client);
        }
        Ok(())
    }

    /// Acts on a record that is whole.
    fn end_record(&mut self, header: Header, sink: Sink) -> Result<(), Broken> {
        if header.id == 0 {
            let limits = &self.options.limits;
            let reply = management::reply(header.kind, &self.whole, limits)?;
            self.reply(&reply);
            return Ok(());
        }
        if header.kind == record::BEGIN_REQUEST {
            return self.begin_request(header.id);
        }
        if header.kind == record::ABORT_REQUEST
            && let Some(open) = self.request.as_ref().filter(|open| open.id == header.id)
        {
            self.abort(open.id, open.is_kept);
            return Ok(());
        }
        match sink {
            Sink::Body if header.length == 0 => self.end_body(),
            Sink::Params if header.length == 0 => return self.end_params(),
            _ => {}
        }
        Ok(())
    }

    fn begin_request(&mut self, id: u16) -> Result<(), Broken> {
        let Some(&[role1, role0, flags, ..]) = self.whole.first_chunk::<8>() else {
            return Err(Broken::BadBegin);
        };
        let role = u16::from_be_bytes([role1, role0]);
        if let Some(open) = &self.request {
            if open.id == id {
                return Err(Broken::BegunTwice);
            }
            self.stray_count += 1;
            if self.stray_count > self.options.limits.stray {
                return Err(Broken::Stray);
            }
            self.reply(&record::end_request(id, ProtocolStatus::CantMpxConn));
            return Ok(());
        }
        self.stray_count = 0;
        self.params.clear();
        let stage = if role == RESPONDER {
            Stage::Params
        } else {
            log::warn!(target: "gateway", "FastCGI role refused: role={role}");
            self.reply(&record::end_request(id, ProtocolStatus::UnknownRole));
            let left = self.options.limits.drain;
            Stage::Drain(Drain {
                left,
                in_params: true,
                owed: Owed::Nothing,
            })
        };
        let is_kept = flags & KEEP_CONN != 0;
        self.request = Some(Open {
            id,
            is_kept,
            role,
            stage,
        });
        Ok(())
    }

    fn abort(&mut self, id: u16, is_kept: bool) {
        log::debug!(target: "gateway", "the peer aborted its request");
        match self.request.take().map(|open| open.stage) {
            Some(Stage::Drain(drain)) => self.end_drain(id, is_kept, drain.owed),
            _ => {
                self.reply(&record::end_request(id, ProtocolStatus::RequestComplete));
                self.finish_request(is_kept);
            }
        }
    }

    fn end_params(&mut self) -> Result<(), Broken> {
        let Some(open) = self.request.as_mut() else {
            return Ok(());
        };
        if let Stage::Drain(drain) = &mut open.stage {
            drain.in_params = false;
            // An authorizer's request has no body: it ends here.
            if open.role == AUTHORIZER {
                let (id, is_kept, owed) = (open.id, open.is_kept, drain.owed);
                self.end_drain(id, is_kept, owed);
            }
            return Ok(());
        }
        match cgi::head(Pairs::new(&self.params), BodyEnd::Framed, &self.options) {
            Ok(head) => {
                let (request, length) = (Box::new(head.request), head.length);
                open.stage = Stage::Body { request, length };
                Ok(())
            }
            Err(Fault::Malformed) => Err(Broken::BadPairs),
            Err(Fault::Refused {
                refusal,
                announced,
                peer,
            }) => {
                self.refuse(refusal, announced, false, Some(peer));
                Ok(())
            }
        }
    }

    fn end_body(&mut self) {
        let Some(open) = self.request.as_mut() else {
            return;
        };
        let (id, is_kept) = (open.id, open.is_kept);
        match std::mem::replace(&mut open.stage, Stage::Params) {
            Stage::Body {
                length: Some(length),
                request,
            } if length != self.body.len() => {
                self.refuse(Refusal::LengthMismatch, None, false, Some(request.peer));
                self.end_drain(id, false, Owed::Ending);
            }
            Stage::Body { mut request, .. } => {
                request.body = self.body.take();
                open.stage = Stage::Delivered {
                    is_head: request.method == "HEAD",
                };
                self.events.push_back(Event::Request(request));
            }
            Stage::Drain(drain) => self.end_drain(id, is_kept, drain.owed),
            stage @ (Stage::Delivered { .. } | Stage::Params) => open.stage = stage,
        }
    }

    fn end_drain(&mut self, id: u16, is_kept: bool, owed: Owed) {
        match owed {
            Owed::Ending => {
                let mut ending = Vec::with_capacity(24);
                record::write_end(id, &mut ending);
                self.reply(&ending);
                self.finish_request(false);
            }
            Owed::Nothing => self.finish_request(is_kept),
        }
    }

    /// Answers early: the STDOUT records now, their ending when the peer has sent all it will.
    fn refuse(
        &mut self,
        refusal: Refusal,
        announced: Option<u64>,
        in_params: bool,
        client: Option<String>,
    ) {
        let limits = &self.options.limits;
        let received = self.body.len();
        let left = announced
            .map_or(0, |length| length.saturating_sub(received))
            .max(limits.drain);
        self.body.release();
        self.params.clear();
        let Some(open) = self.request.as_mut() else {
            return;
        };
        open.stage = Stage::Drain(Drain {
            left,
            in_params,
            owed: Owed::Ending,
        });
        let id = open.id;
        let manner = Manner {
            framing: Framing::Plain,
            is_head: false,
            line: StatusLine::Cgi,
            more: b"",
        };
        let mut content = Vec::new();
        let sent = answer::send(
            refusal.response(&self.options, client.as_ref().unwrap_or(&self.peer)),
            &manner,
            &mut self.output,
            &mut content,
        );
        // Memory takes every write, and an answer of one line is short.
        if let (Ok(_), Ok(length)) = (sent, u16::try_from(content.len())) {
            let mut reply = record::header(record::STDOUT, id, length).to_vec();
            reply.extend_from_slice(&content);
            self.reply(&reply);
        }
    }
}
