//! An HTTP/1.1 client with kept connections, as a browser has them.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;

use super::endpoint::Endpoint;
use super::message::HttpRequest;
use super::message::HttpResponse;
use super::message::Transport;
use super::message::malformed;

/// Speaks HTTP/1.1 to a web server or to the program's own HTTP server.
pub(crate) struct Http {
    endpoint: Endpoint,
    /// What comes before every target; `""` or `/yourpath`.
    mount: &'static str,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
}

impl Http {
    pub(crate) fn new(endpoint: Endpoint, mount: &'static str) -> Self {
        Self {
            endpoint,
            mount,
            idle: Mutex::default(),
        }
    }

    fn try_on(
        &self,
        mut connection: BufReader<TcpStream>,
        request: &HttpRequest,
    ) -> io::Result<HttpResponse> {
        connection.get_mut().write_all(&self.bytes(request))?;
        // Not one byte of an answer: the connection was closed before it was asked. A signal in
        // between is neither; it must not send the request twice.
        let begun = loop {
            match connection.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                filled => break filled.is_ok_and(|bytes| !bytes.is_empty()),
            }
        };
        if !begun {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let (response, kept) = answer(&mut connection, request.method == "HEAD")?;
        if kept {
            self.idle.lock().unwrap().push(connection);
        }
        Ok(response)
    }
}

impl Transport for Http {
    fn exchange(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        let idle = self.idle.lock().unwrap().pop();
        if let Some(connection) = idle {
            match self.try_on(connection, request) {
                // A server may close a kept connection at any moment: then once more, anew.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                outcome => return outcome,
            }
        }
        self.try_on(BufReader::new(self.endpoint.connect_tcp()?), request)
    }

    fn bytes(&self, request: &HttpRequest) -> Vec<u8> {
        bytes(request, &self.endpoint, self.mount)
    }
}

/// The request as it stands on the wire.
pub(super) fn bytes(request: &HttpRequest, endpoint: &Endpoint, mount: &str) -> Vec<u8> {
    let mut bytes = format!("{} {mount}{} HTTP/1.1\r\n", request.method, request.target);
    let mut fields = Vec::new();
    let given = |field: &str| {
        let mut names = request.headers.iter().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case(field))
    };
    if !given("host") {
        fields.push(("Host".to_owned(), endpoint.to_string()));
    }
    if let Some(body) = &request.body
        && !given("transfer-encoding")
    {
        fields.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    for (name, value) in fields.iter().chain(&request.headers) {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(request.body.as_deref().unwrap_or_default());
    bytes
}

/// Reads one answer; also whether the connection can carry another request.
pub(super) fn answer(from: &mut impl BufRead, to_head: bool) -> io::Result<(HttpResponse, bool)> {
    let (status, headers) = loop {
        let (status, headers) = head(from)?;
        if status != 100 {
            break (status, headers);
        }
    };
    let mut response = HttpResponse {
        status,
        headers,
        body: Vec::new(),
    };
    let is = |name: &str, word: &str| {
        let value = response.header(name);
        value.is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let mut kept = !is("connection", "close");
    if to_head || matches!(status, 204 | 304) {
        return Ok((response, kept));
    }
    if is("transfer-encoding", "chunked") {
        response.body = chunks(from)?;
    } else if let Some(length) = response.header("content-length") {
        let length = length.parse().map_err(|_| malformed("Content-Length"))?;
        response.body = vec![0; length];
        from.read_exact(&mut response.body)?;
    } else {
        from.read_to_end(&mut response.body)?;
        kept = false;
    }
    Ok((response, kept))
}

fn head(from: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let first = line(from)?;
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| first.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .ok_or_else(|| malformed(format!("no status line: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed(format!("no header field: {line:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?;
        let size = usize::from_str_radix(&size, 16)
            .map_err(|_| malformed(format!("no chunk size: {size:?}")))?;
        let mut chunk = vec![0; size];
        from.read_exact(&mut chunk)?;
        body.extend_from_slice(&chunk);
        if !line(from)?.is_empty() {
            return Err(malformed("no line end after a chunk"));
        }
        if size == 0 {
            return Ok(body);
        }
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.take(65_536).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(malformed(format!("a line without CRLF: {line:?}"))),
    }
}
