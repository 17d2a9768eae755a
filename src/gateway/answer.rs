//! The way out: a response becomes frames in one reused buffer and few large writes.
//!
//! In: a [`Response`] and how the connection frames it. Out: writes of up to 64 KiB. A small
//! answer is one write, ending and all. A body that is made while it is sent gets its
//! Content-Length after all if it fits into the first buffer, which most do; so the head stays
//! in the buffer, with room before it, until that is known:
//!
//! ```text
//! |  room  | status line, fields | body ...            the seam is where the body begins
//!       |p | status line, fields | Content-Length | body ...    p: the frame's prefix
//! ```
//!
//! Nothing here decides what to answer. Spec: spec/gateway.md, 5 ("Write little and at once").

use std::io;
use std::io::Write;

use super::fastcgi::record;
use super::response;
use super::response::StatusLine;
use crate::message::Body;
use crate::message::Response;

/// Room in front of a frame: its prefix and the lines that are inserted at the seam.
const ROOM: usize = 64;

/// The size of the buffer; the longest frame is about so long. A multiple of eight, as FastCGI
/// likes its records, and below the 65,535 bytes that a record can hold.
const SIZE: usize = 65_528;

/// The longest head that is sent, in bytes; only a mistake makes a longer one.
const LONGEST_HEAD: usize = SIZE / 2;

/// How the bytes of a response are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// HTTP/1.1: chunks, unless the length is known.
    Chunks,
    /// SCGI and HTTP/1.0: as they are; the end of the connection ends them.
    Plain,
    /// FastCGI: STDOUT records of this request, an empty one, END_REQUEST.
    Records(u16),
}

/// How one response is to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    pub(super) framing: Framing,
    /// Whether the request was a HEAD: header fields and length, no body.
    pub(super) is_head: bool,
    pub(super) line: StatusLine,
    /// Lines of the protocol itself (Date, Connection), each ending in CRLF.
    pub(super) more: &'a [u8],
}

/// Whether the answer went out as it was meant.
#[derive(Debug)]
pub(super) enum Sent {
    /// The response itself.
    AsGiven {
        /// Whether the client can tell where it ends other than by the end of the connection.
        is_delimited: bool,
    },
    /// Nothing: the body failed before any of it went out, and another answer may take its place.
    Nothing(io::Error),
}

/// Sends a response through `buffer`.
pub(super) fn send(
    response: Response,
    manner: &Manner<'_>,
    buffer: &mut Vec<u8>,
    out: &mut dyn Write,
) -> io::Result<Sent> {
    buffer.clear();
    buffer.resize(ROOM, 0);
    response::write_head(manner.line, response.status, &response.headers, buffer);
    buffer.extend_from_slice(manner.more);
    if buffer.len() > LONGEST_HEAD {
        return Err(io::Error::other("the head of the response is too long"));
    }
    let mut frames = Frames {
        buffer,
        framing: manner.framing,
        is_begun: false,
        out,
        seam: Seam::Closed,
    };
    if response::is_bodiless(response.status) {
        frames.buffer.extend_from_slice(b"\r\n");
        // Not even the end of chunks may follow: it would begin the next answer.
        if manner.framing == Framing::Chunks {
            frames.framing = Framing::Plain;
        }
        frames.finish()?;
        return Ok(Sent::AsGiven { is_delimited: true });
    }
    match response.body {
        Body::Bytes(body) => {
            frames.write_length(body.len());
            if manner.framing == Framing::Chunks {
                frames.framing = Framing::Plain;
            }
            if !manner.is_head {
                frames.write_all(&body)?;
            }
            frames.finish()?;
            Ok(Sent::AsGiven { is_delimited: true })
        }
        Body::Stream(_) if manner.is_head => {
            frames.buffer.extend_from_slice(b"\r\n");
            if manner.framing == Framing::Chunks {
                frames.framing = Framing::Plain;
            }
            frames.finish()?;
            Ok(Sent::AsGiven { is_delimited: true })
        }
        Body::Stream(body) => {
            frames.seam = Seam::Open(frames.buffer.len());
            match body(&mut frames) {
                Err(error) if !frames.is_begun => return Ok(Sent::Nothing(error)),
                done => done?,
            }
            let has_length = frames.finish()?;
            let is_delimited = has_length || manner.framing != Framing::Plain;
            Ok(Sent::AsGiven { is_delimited })
        }
    }
}

/// Whether the head, which waits in the buffer, still lacks the lines about the body's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seam {
    Closed,
    /// Yes, and this is the place in the buffer.
    Open(usize),
}

/// A writer that makes frames of what is written.
struct Frames<'a> {
    buffer: &'a mut Vec<u8>,
    framing: Framing,
    /// Whether anything went out.
    is_begun: bool,
    out: &'a mut dyn Write,
    seam: Seam,
}

impl Frames<'_> {
    fn write_length(&mut self, length: usize) {
        self.buffer.extend_from_slice(b"Content-Length: ");
        response::write_number(u64::try_from(length).unwrap_or(u64::MAX), self.buffer);
        self.buffer.extend_from_slice(b"\r\n\r\n");
    }

    /// Sends the full buffer as one frame and empties it.
    fn flush_frame(&mut self) -> io::Result<()> {
        let start = match self.seam {
            Seam::Closed => ROOM,
            Seam::Open(seam) => self.close_seam(seam, None),
        };
        self.emit(start, Last::No)?;
        self.buffer.truncate(ROOM);
        Ok(())
    }

    /// Sends what is left and what ends the answer; says whether the body got a length.
    fn finish(mut self) -> io::Result<bool> {
        let Seam::Open(seam) = self.seam else {
            self.emit(ROOM, Last::Yes)?;
            return Ok(false);
        };
        let start = self.close_seam(seam, Some(self.buffer.len().saturating_sub(seam)));
        if self.framing == Framing::Chunks {
            self.framing = Framing::Plain;
        }
        self.emit(start, Last::Yes)?;
        Ok(true)
    }

    /// Inserts what the head lacks; returns where it begins now.
    fn close_seam(&mut self, seam: usize, length: Option<usize>) -> usize {
        self.seam = Seam::Closed;
        let lines = match (length, self.framing) {
            (Some(length), _) => format!("Content-Length: {length}\r\n\r\n"),
            (None, Framing::Chunks) => {
                let chunk = self.buffer.len().saturating_sub(seam);
                format!("Transfer-Encoding: chunked\r\n\r\n{chunk:x}\r\n")
            }
            (None, Framing::Plain | Framing::Records(_)) => "\r\n".to_owned(),
        };
        // At most 56 bytes, so that a record's prefix still fits in front.
        let start = ROOM.saturating_sub(lines.len());
        self.buffer.copy_within(ROOM..seam, start);
        if let Some(place) = self.buffer.get_mut(seam.saturating_sub(lines.len())..seam) {
            place.copy_from_slice(lines.as_bytes());
        }
        start
    }

    /// Sends the buffer from `start` on as one frame, and the ending with the last one.
    fn emit(&mut self, mut start: usize, last: Last) -> io::Result<()> {
        let length = self.buffer.len().saturating_sub(start);
        match self.framing {
            Framing::Chunks => {
                // The size of the first chunk stands at the seam.
                if self.is_begun && length > 0 {
                    start = self.put_before(start, format!("{length:x}\r\n").as_bytes());
                }
                if length > 0 {
                    self.buffer.extend_from_slice(b"\r\n");
                }
                if last == Last::Yes {
                    self.buffer.extend_from_slice(b"0\r\n\r\n");
                }
            }
            Framing::Plain => {}
            Framing::Records(id) => {
                if length > 0 {
                    // Never more than SIZE bytes: the room is larger than what was moved into it.
                    let length = u16::try_from(length).unwrap_or(u16::MAX);
                    let header = record::header(record::STDOUT, id, length);
                    start = self.put_before(start, &header);
                }
                if last == Last::Yes {
                    record::write_end(id, self.buffer);
                }
            }
        }
        self.is_begun = true;
        self.out
            .write_all(self.buffer.get(start..).unwrap_or_default())
    }

    fn put_before(&mut self, start: usize, prefix: &[u8]) -> usize {
        let begin = start.saturating_sub(prefix.len());
        if let Some(place) = self.buffer.get_mut(begin..start) {
            place.copy_from_slice(prefix);
        }
        begin
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

impl Write for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // A full buffer is sent when more comes, not before: the last one takes the ending along.
        while !bytes.is_empty() {
            if self.buffer.len() >= SIZE {
                self.flush_frame()?;
            }
            let room = SIZE.saturating_sub(self.buffer.len());
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(piece);
            bytes = rest;
        }
        Ok(())
    }

    /// Does nothing: a frame is sent when it is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers each write.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stream(length: usize) -> Body {
        Body::Stream(Box::new(move |out| {
            let bytes = vec![b'x'; length];
            bytes
                .chunks(1_000)
                .try_for_each(|piece| out.write_all(piece))
        }))
    }

    fn writes(framing: Framing, is_head: bool, body: Body) -> Vec<Vec<u8>> {
        writes_of(200, framing, is_head, body)
    }

    fn writes_of(status: u16, framing: Framing, is_head: bool, body: Body) -> Vec<Vec<u8>> {
        let line = match framing {
            Framing::Chunks => StatusLine::Http,
            Framing::Plain | Framing::Records(_) => StatusLine::Cgi,
        };
        let manner = Manner {
            framing,
            is_head,
            line,
            more: b"",
        };
        let response = Response {
            status,
            headers: Vec::new(),
            body,
        };
        let mut writes = Writes::default();
        send(response, &manner, &mut Vec::new(), &mut writes).unwrap();
        writes.0
    }

    #[test]
    fn a_small_body_is_one_write_with_its_length_however_it_is_made() {
        let expected = b"Status: 200 OK\r\nContent-Length: 3\r\n\r\nxxx";
        for body in [Body::Bytes(b"xxx".to_vec()), stream(3)] {
            assert_eq!(writes(Framing::Plain, false, body), [expected.to_vec()]);
        }
        for body in [Body::Bytes(b"xxx".to_vec()), stream(3)] {
            let mut record = record::header(record::STDOUT, 7, 40).to_vec();
            record.extend_from_slice(expected);
            record::write_end(7, &mut record);
            assert_eq!(writes(Framing::Records(7), false, body), [record]);
        }
    }

    #[test]
    fn a_head_request_gets_the_length_without_the_body() {
        let sent = writes(Framing::Plain, true, Body::Bytes(b"xxx".to_vec()));
        assert_eq!(
            sent,
            [b"Status: 200 OK\r\nContent-Length: 3\r\n\r\n".to_vec()]
        );
        let sent = writes(Framing::Chunks, true, stream(3));
        assert_eq!(sent, [b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]);
    }

    #[test]
    fn an_answer_that_has_no_body_is_over_with_its_head() {
        let head = "304 Not Modified\r\n\r\n";
        for body in [
            || Body::Bytes(Vec::new()),
            || Body::Bytes(b"x".to_vec()),
            || stream(3),
        ] {
            let sent = writes_of(304, Framing::Chunks, false, body()).concat();
            assert_eq!(sent, format!("HTTP/1.1 {head}").into_bytes());
            let sent = writes_of(304, Framing::Plain, false, body()).concat();
            assert_eq!(sent, format!("Status: {head}").into_bytes());
            let sent = writes_of(304, Framing::Records(7), false, body()).concat();
            assert_eq!(content(&sent), format!("Status: {head}").into_bytes());
        }
    }

    /// The content of STDOUT records; checks that the answer ends as it must.
    #[track_caller]
    fn content(mut bytes: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            assert_eq!(&bytes[..4], [1, 6, 0, 7]);
            let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
            assert!(length <= 65_528);
            content.extend_from_slice(&bytes[8..8 + length]);
            bytes = &bytes[8 + length..];
            if length == 0 {
                break;
            }
        }
        assert_eq!(bytes, [1, 3, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        content
    }

    #[test]
    fn long_bodies_go_out_in_long_records() {
        for length in [
            60_000, 65_400, 65_464, 65_465, 65_500, 65_528, 65_600, 131_000, 1_000_000,
        ] {
            for body in [Body::Bytes(vec![b'x'; length]), stream(length)] {
                let sent = writes(Framing::Records(7), false, body);
                assert!(sent.len() <= length / 65_000 + 1, "{length}");
                let content = content(&sent.concat());
                let head = content
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .unwrap()
                    + 4;
                assert_eq!(content.len() - head, length);
                assert!(content[head..].iter().all(|&byte| byte == b'x'));
            }
        }
    }

    #[test]
    fn a_long_stream_is_chunked() {
        for length in [65_400, 65_500, 65_600, 131_000, 200_000] {
            let sent = writes(Framing::Chunks, false, stream(length)).concat();
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let Some(mut rest) = sent.strip_prefix(head) else {
                assert!(length < 65_528);
                continue;
            };
            let mut total = 0;
            loop {
                let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
                let size = std::str::from_utf8(&rest[..end]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                assert_eq!(&rest[end + 2 + size..][..2], b"\r\n");
                rest = &rest[end + 4 + size..];
                total += size;
                if size == 0 {
                    break;
                }
            }
            assert_eq!((total, rest.len()), (length, 0));
        }
    }

    #[test]
    fn a_body_that_fails_before_anything_went_out_leaves_the_choice_of_answer() {
        let manner = Manner {
            framing: Framing::Plain,
            is_head: false,
            line: StatusLine::Cgi,
            more: b"",
        };
        for (before, is_lost) in [(10, false), (70_000, true)] {
            let body = Body::Stream(Box::new(move |out| {
                out.write_all(&vec![b'x'; before])?;
                Err(io::Error::other("the database is away"))
            }));
            let response = Response {
                status: 200,
                headers: Vec::new(),
                body,
            };
            let mut writes = Writes::default();
            let sent = send(response, &manner, &mut Vec::new(), &mut writes);
            assert_eq!(sent.is_err(), is_lost);
            assert_eq!(writes.0.is_empty(), !is_lost);
        }
    }
}
