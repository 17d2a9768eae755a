//! FastCGI from the web server's side: one connection for each request, read to its end.
//!
//! Spec: spec/gateway.md, 2. Whatever is not a whole answer with status 200 is an error here.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

const BEGIN_REQUEST: u8 = 1;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// The longest content of a record that lighttpd sends.
const LONGEST: usize = 65_535;

/// The length of a record's header.
const HEADER: usize = 8;

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// A request of a responder, without KEEP_CONN.
pub(crate) fn request(variables: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut params = Vec::new();
    for (name, value) in variables {
        put_length(&mut params, name.len());
        put_length(&mut params, value.len());
        params.extend_from_slice(name.as_bytes());
        params.extend_from_slice(value.as_bytes());
    }
    let mut bytes = Vec::new();
    put_record(&mut bytes, BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]);
    for (kind, content) in [(PARAMS, params.as_slice()), (STDIN, body)] {
        for part in content.chunks(LONGEST) {
            put_record(&mut bytes, kind, part);
        }
        put_record(&mut bytes, kind, &[]);
    }
    bytes
}

fn put_record(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let [.., high, low] = content.len().to_be_bytes();
    bytes.extend_from_slice(&[1, kind, 0, 1, high, low, 0, 0]);
    bytes.extend_from_slice(content);
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    let [.., a, b, c, d] = length.to_be_bytes();
    if length < 128 {
        bytes.push(d);
    } else {
        bytes.extend_from_slice(&[a | 0x80, b, c, d]);
    }
}

/// A web server that asks one request after the other.
pub(crate) struct Client {
    address: SocketAddr,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            buffer: vec![0; BUFFER],
        }
    }

    /// Asks, and returns how many bytes came.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<usize> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(request)?;
        let mut came = 0;
        loop {
            let count = stream.read(&mut self.buffer)?;
            if came == 0 {
                let start = self.buffer.get(..count).unwrap_or_default();
                if !is_success(start) {
                    let start = String::from_utf8_lossy(start).into_owned();
                    return Err(io::Error::other(format!(
                        "an answer that is no 200: {start:?}"
                    )));
                }
            }
            if count == 0 {
                return Ok(came);
            }
            came += count;
        }
    }
}

/// Whether an answer begins as it should; its first piece is always long enough.
fn is_success(start: &[u8]) -> bool {
    let head = start.get(HEADER..).unwrap_or_default();
    start.get(1) == Some(&STDOUT) && head.starts_with(b"Status: 200")
}

/// Asks once, and returns the body of the answer, which may say that there is no such record.
pub(crate) fn body(address: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let mut out = Vec::new();
    let mut rest = all.as_slice();
    while let Some(([_, kind, _, _, high, low, padding, _], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let cut = || io::Error::other("an answer ends within a record");
        let content = after.get(..length).ok_or_else(cut)?;
        if *kind == STDOUT {
            out.extend_from_slice(content);
        }
        rest = after
            .get(length + usize::from(*padding)..)
            .ok_or_else(cut)?;
    }
    let end = out.windows(4).position(|four| four == b"\r\n\r\n");
    match end {
        Some(end) if out.starts_with(b"Status: 200") || out.starts_with(b"Status: 404") => {
            Ok(out.split_off(end + 4))
        }
        _ => {
            let text = String::from_utf8_lossy(&out).into_owned();
            Err(io::Error::other(format!(
                "an answer that is no 200: {text}"
            )))
        }
    }
}
