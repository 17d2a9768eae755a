//! An SCGI client; spec/gateway.md, 2.

use std::io;
use std::io::Read;
use std::io::Write;

use super::cgi;
use super::endpoint::Endpoint;
use super::message::HttpRequest;
use super::message::HttpResponse;
use super::message::Transport;

/// Speaks SCGI to a responder.
pub(crate) struct Scgi {
    pub(crate) endpoint: Endpoint,
    /// The prefix at which the imagined web server has the application; `""` or `/yourpath`.
    pub(crate) mount: &'static str,
}

impl Transport for Scgi {
    fn exchange(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        let mut stream = self.endpoint.connect()?;
        stream.write_all(&self.bytes(request))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        cgi::response(&answer, request)
    }

    fn bytes(&self, request: &HttpRequest) -> Vec<u8> {
        let mut headers = Vec::new();
        let marker = ("SCGI".to_owned(), b"1".to_vec());
        for (name, value) in cgi::variables(request, self.mount)
            .into_iter()
            .chain([marker])
        {
            headers.extend_from_slice(name.as_bytes());
            headers.push(0);
            headers.extend_from_slice(&value);
            headers.push(0);
        }
        let mut bytes = format!("{}:", headers.len()).into_bytes();
        bytes.extend_from_slice(&headers);
        bytes.push(b',');
        bytes.extend_from_slice(request.body.as_deref().unwrap_or_default());
        bytes
    }
}
