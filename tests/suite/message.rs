//! A request as a client means it, an answer as a client sees it, and what carries them.

use std::io;

/// One request. The target is relative to the mount: a transport puts its prefix before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// The path as it is spelled on the wire, with its query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Absent: no body and no Content-Length. Empty: a Content-Length of 0.
    pub(crate) body: Option<Vec<u8>>,
    /// CGI variables that only a web server can set, such as `REMOTE_USER`. HTTP has no place
    /// for them and leaves them out.
    pub(crate) variables: Vec<(String, String)>,
}

impl HttpRequest {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The path and the query of the target.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A way to carry a request to the program and its answer back.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    ///
    /// An error means that no complete, well-formed answer came.
    fn exchange(&self, request: &HttpRequest) -> io::Result<HttpResponse>;

    /// The request as it goes over a fresh connection.
    fn bytes(&self, request: &HttpRequest) -> Vec<u8>;

    /// [`exchange`](Self::exchange) for tests in which an answer must come.
    #[track_caller]
    fn send(&self, request: &HttpRequest) -> HttpResponse {
        match self.exchange(request) {
            Ok(response) => response,
            Err(error) => panic!("{} {}: {error}", request.method, request.target),
        }
    }
}

/// An answer that breaks the rules of its protocol.
pub(crate) fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}
