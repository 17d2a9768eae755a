//! A FastCGI client: what a web server does with a responder, one connection a request.
//!
//! Written from the FastCGI 1.0 text and spec/gateway.md, 2; answers that bend the rules are
//! errors here even where web servers are patient.

use std::io;
use std::io::Read;
use std::io::Write;

use super::cgi;
use super::endpoint::Endpoint;
use super::message::HttpRequest;
use super::message::HttpResponse;
use super::message::Transport;
use super::message::malformed;

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

/// Speaks FastCGI to a responder.
pub(crate) struct FastCgi {
    pub(crate) endpoint: Endpoint,
    /// The prefix at which the imagined web server has the application; `""` or `/yourpath`.
    pub(crate) mount: &'static str,
}

impl Transport for FastCgi {
    fn exchange(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        let mut stream = self.endpoint.connect()?;
        stream.write_all(&self.bytes(request))?;
        cgi::response(&answer(&mut stream)?, request)
    }

    fn bytes(&self, request: &HttpRequest) -> Vec<u8> {
        let mut params = Vec::new();
        for (name, value) in cgi::variables(request, self.mount) {
            put_length(&mut params, name.len());
            put_length(&mut params, value.len());
            params.extend_from_slice(name.as_bytes());
            params.extend_from_slice(&value);
        }
        let mut bytes = Vec::new();
        put_record(&mut bytes, BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]);
        put_stream(&mut bytes, PARAMS, &params);
        put_stream(
            &mut bytes,
            STDIN,
            request.body.as_deref().unwrap_or_default(),
        );
        bytes
    }
}

/// Reads records up to END_REQUEST and returns what came on STDOUT.
fn answer(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut out_ended = false;
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        let [
            version,
            kind,
            id_high,
            id_low,
            length_high,
            length_low,
            padding,
            _,
        ] = header;
        if (version, id_high, id_low) != (1, 0, 1) {
            return Err(malformed(format!("a record that begins with {header:?}")));
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let mut content = vec![0; length + usize::from(padding)];
        stream.read_exact(&mut content)?;
        content.truncate(length);
        match kind {
            STDOUT if out_ended => return Err(malformed("STDOUT after its end")),
            STDOUT if content.is_empty() => out_ended = true,
            STDOUT => out.extend_from_slice(&content),
            STDERR => {
                let text = String::from_utf8_lossy(&content).into_owned();
                return Err(malformed(format!("STDERR: {text}")));
            }
            END_REQUEST if content != [0; 8] => {
                return Err(malformed(format!("END_REQUEST {content:?}")));
            }
            END_REQUEST if !out_ended => return Err(malformed("END_REQUEST before STDOUT's end")),
            END_REQUEST => return Ok(out),
            _ => return Err(malformed(format!("a record of type {kind}"))),
        }
    }
}

fn put_stream(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    for part in content.chunks(65_535) {
        put_record(bytes, kind, part);
    }
    put_record(bytes, kind, &[]);
}

fn put_record(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).unwrap();
    bytes.extend_from_slice(&[1, kind, 0, 1]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(content);
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..=127) => bytes.push(short),
        _ => {
            let length = u32::try_from(length).unwrap() | 0x8000_0000;
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
}
