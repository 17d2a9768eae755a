//! HTTP from the browser's side: a connection that is kept as long as the web server likes.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// A browser that asks one request after the other.
pub(crate) struct Client {
    address: SocketAddr,
    /// Whether there may be no such record.
    may_miss: bool,
    kept: Option<BufReader<TcpStream>>,
    line: String,
}

/// What the head of an answer says about the rest.
struct Head {
    length: Option<usize>,
    is_chunked: bool,
    is_last: bool,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, may_miss: bool) -> Self {
        Self {
            address,
            may_miss,
            kept: None,
            line: String::new(),
        }
    }

    /// Asks, and returns how many bytes the body had.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<usize> {
        // A server may close a kept connection at any moment: then once more, as browsers do.
        if let Some(mut kept) = self.kept.take()
            && kept.get_mut().write_all(request).is_ok()
            && kept.fill_buf().is_ok_and(|begun| !begun.is_empty())
        {
            return self.answer(kept);
        }
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::with_capacity(BUFFER, stream);
        stream.get_mut().write_all(request)?;
        self.answer(stream)
    }

    fn answer(&mut self, mut stream: BufReader<TcpStream>) -> io::Result<usize> {
        let head = self.head(&mut stream)?;
        let came = match head.length {
            Some(length) => skip(&mut stream, length)?,
            None if head.is_chunked => self.chunks(&mut stream)?,
            None => return Err(io::Error::other("an answer of unknown length")),
        };
        if !head.is_last {
            self.kept = Some(stream);
        }
        Ok(came)
    }

    fn head(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Head> {
        let mut head = Head {
            length: None,
            is_chunked: false,
            is_last: false,
        };
        let may_miss = self.may_miss;
        let status = self.line(stream)?;
        let is_miss = may_miss && status.starts_with("HTTP/1.1 404");
        if !is_miss && !status.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(format!(
                "an answer that is no 200: {status:?}"
            )));
        }
        loop {
            let line = self.line(stream)?;
            let Some((name, value)) = line.split_once(": ") else {
                return Ok(head);
            };
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Some(value.parse().map_err(io::Error::other)?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.is_chunked = true;
            } else if name.eq_ignore_ascii_case("connection") {
                head.is_last = value.eq_ignore_ascii_case("close");
            }
        }
    }

    fn chunks(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<usize> {
        let mut came = 0;
        loop {
            let length = usize::from_str_radix(self.line(stream)?, 16).map_err(io::Error::other)?;
            came += skip(stream, length)?;
            self.line(stream)?;
            if length == 0 {
                return Ok(came);
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<&str> {
        self.line.clear();
        stream.read_line(&mut self.line)?;
        self.line
            .strip_suffix("\r\n")
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn skip(stream: &mut BufReader<TcpStream>, length: usize) -> io::Result<usize> {
    let mut left = length;
    while left > 0 {
        let here = stream.fill_buf()?.len().min(left);
        if here == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.consume(here);
        left -= here;
    }
    Ok(length)
}
