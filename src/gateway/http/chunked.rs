//! Bodies in chunks (RFC 9112, 7.1), decoded.
//!
//! In: bytes as they come. Out: how many of them were used, and the data among them, borrowed.
//! Extensions and trailers are read over, within limits. Lines end in CRLF and in nothing else,
//! and a size is hexadecimal digits and nothing else: leniency here is how requests are smuggled.

/// The longest line of extensions, and the longest section of trailers, in bytes.
const LONGEST_LINE: usize = 4_096;

/// The state within a body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decoder {
    state: State,
    /// Bytes of the present line or trailer section.
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The CRLF after a chunk's data.
    AfterData {
        is_cr_seen: bool,
    },
    Data {
        left: u64,
    },
    End,
    Extension {
        size: u64,
    },
    /// The LF at the end of a size line.
    LineEnd {
        size: u64,
    },
    Size {
        size: u64,
        digits: u8,
    },
    /// Within a trailer line, or at its beginning.
    Trailer {
        is_line_empty: bool,
    },
    TrailerEnd {
        is_line_empty: bool,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size: 0, digits: 0 }
    }
}

/// Bytes that are no chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadChunk;

/// What came out of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    /// The body and its trailers are complete.
    End,
    /// All bytes were used, and more are needed.
    NeedMore,
}

impl Decoder {
    /// Decodes up to the next piece of data; also says how many bytes were used.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, Piece<'a>), BadChunk> {
        let mut used = 0;
        while self.state != State::End {
            if let State::Data { left } = self.state {
                let rest = bytes.get(used..).unwrap_or_default();
                if rest.is_empty() {
                    return Ok((used, Piece::NeedMore));
                }
                let count = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                let data = rest.get(..count).unwrap_or_default();
                let left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                self.state = match left {
                    0 => State::AfterData { is_cr_seen: false },
                    left => State::Data { left },
                };
                return Ok((used + count, Piece::Data(data)));
            }
            let Some(&byte) = bytes.get(used) else {
                return Ok((used, Piece::NeedMore));
            };
            used += 1;
            self.state = self.after(byte)?;
        }
        Ok((used, Piece::End))
    }

    /// The state after one byte that is not data.
    fn after(&mut self, byte: u8) -> Result<State, BadChunk> {
        self.line += 1;
        if self.line > LONGEST_LINE {
            return Err(BadChunk);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).map(u64::from);
        match (self.state, byte) {
            (State::Size { size, digits }, _) if digits < 15 && digit(byte).is_some() => {
                let size = size << 4 | digit(byte).unwrap_or(0);
                Ok(State::Size {
                    size,
                    digits: digits + 1,
                })
            }
            (State::Size { size, digits: 1.. } | State::Extension { size }, b'\r') => {
                Ok(State::LineEnd { size })
            }
            (State::Size { size, digits: 1.. }, b';' | b' ' | b'\t') => {
                Ok(State::Extension { size })
            }
            (State::Extension { size }, _) if byte != b'\n' => Ok(State::Extension { size }),
            (State::LineEnd { size }, b'\n') => {
                self.line = 0;
                Ok(match size {
                    0 => State::Trailer {
                        is_line_empty: true,
                    },
                    left => State::Data { left },
                })
            }
            (State::AfterData { is_cr_seen: false }, b'\r') => {
                Ok(State::AfterData { is_cr_seen: true })
            }
            (State::AfterData { is_cr_seen: true }, b'\n') => {
                self.line = 0;
                Ok(State::default())
            }
            (State::Trailer { is_line_empty }, b'\r') => Ok(State::TrailerEnd { is_line_empty }),
            (State::Trailer { .. }, _) if byte != b'\n' => Ok(State::Trailer {
                is_line_empty: false,
            }),
            (
                State::TrailerEnd {
                    is_line_empty: true,
                },
                b'\n',
            ) => Ok(State::End),
            (State::TrailerEnd { .. }, b'\n') => Ok(State::Trailer {
                is_line_empty: true,
            }),
            _ => Err(BadChunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes pieces one after the other; nothing if the body is not complete.
    fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Option<Vec<u8>>, BadChunk> {
        let (mut decoder, mut body) = (Decoder::default(), Vec::new());
        for mut piece in pieces {
            loop {
                let (used, decoded) = decoder.next(piece)?;
                piece = &piece[used..];
                match decoded {
                    Piece::Data(data) => body.extend_from_slice(data),
                    Piece::End => return Ok(Some(body)),
                    Piece::NeedMore => break,
                }
            }
        }
        Ok(None)
    }

    #[track_caller]
    fn check(text: &str, expected: Result<Option<&str>, BadChunk>) {
        let expected = expected.map(|body| body.map(|body| body.as_bytes().to_vec()));
        assert_eq!(
            decode([text.as_bytes()].into_iter()),
            expected,
            "{text:?} whole"
        );
        assert_eq!(
            decode(text.as_bytes().chunks(1)),
            expected,
            "{text:?} byte by byte"
        );
    }

    #[test]
    fn chunks_are_joined() {
        check("0\r\n\r\n", Ok(Some("")));
        check(
            "5\r\nhello\r\n6; a=\"b\"\r\n world\r\n000\r\n\r\n",
            Ok(Some("hello world")),
        );
        check(
            "B\r\nhello world\r\n0\r\nA: b\r\nC: d\r\n\r\n",
            Ok(Some("hello world")),
        );
        check("5\r\nhello\r\n", Ok(None));
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        for text in [
            "\r\n",
            "x\r\n",
            "+5\r\nhello\r\n",
            "0x5\r\nhello\r\n",
            " 5\r\nhello\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "0\r\n\n",
            "0\n\r\n",
            "5;\n\r\nhello",
            "5\r\r\nhello",
            "0\r\nA: b\n\r\n",
            "ffffffffffffffff\r\n",
            ";\r\n",
            "-1\r\n",
        ] {
            check(text, Err(BadChunk));
        }
    }

    #[test]
    fn endless_lines_are_refused() {
        check(&format!("1;{}", "x".repeat(5_000)), Err(BadChunk));
        check(&format!("0\r\n{}", "A: b\r\n".repeat(1_000)), Err(BadChunk));
    }
}
