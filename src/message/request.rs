//! One request, as every gateway delivers it.

use super::Headers;
use super::WebServer;

/// A complete request: nothing of it is still on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method as the client spelled it; `GET`, `PUT`, ...
    pub method: String,
    /// Where the request goes, below the mount prefix; absent when the request came from outside
    /// the configured mount, which is answered 404.
    pub path: Option<Path>,
    /// Where a request from outside the mount seems to want to go: its path as it would be
    /// without a mount. For the log only; absent when there is a `path`.
    pub outside: Option<Path>,
    /// What follows the first `?` of the request target, still encoded.
    pub query: String,
    /// The header fields, `content-length` and `content-type` among them when they were given.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether the client spoke TLS to the web server.
    pub https: bool,
    /// The web server in front, where it says what it is.
    pub web_server: WebServer,
    /// The client's address as the web server saw it, or else that of whoever connected; empty
    /// when neither is known.
    pub peer: String,
}

/// A request's path, cut into the mount prefix and decoded segments (spec/gateway.md, 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The mount prefix, `""` at the root or `/yourpath`; never ends in `/`.
    pub prefix: String,
    /// Percent-decoded segments below the prefix: arbitrary bytes, `/` included where the web
    /// server lets an encoded one through.
    pub segments: Vec<Vec<u8>>,
    /// Whether the path ended in `/`.
    pub trailing_slash: bool,
}
