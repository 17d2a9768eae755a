//! What arrived of a request: the page that `weaved doctor` asks.
//!
//! Whoever asks learns what he sent himself and where clients are told to go; no header's value
//! and nothing about any user.

use serde::Serialize;

use super::Api;
use super::Node;
use super::Origin;
use super::reply;
use crate::message::Request;
use crate::message::Response;

/// The request fields that clients need, and that something between may have kept.
const FIELDS: [&str; 6] = [
    "accept",
    "authorization",
    "content-type",
    "x-confirm-delete",
    "x-if-unmodified-since",
    "x-weave-secret",
];

/// What arrived.
#[derive(Serialize)]
struct Echo<'a> {
    /// Always `echo`, so that nobody else's page is taken for this one.
    weaved: &'static str,
    method: &'a str,
    scheme: &'a str,
    host: Option<&'a str>,
    prefix: &'a str,
    /// The decoded segments of the path below the page.
    segments: &'a [&'a str],
    query: &'a str,
    /// The body's length, in bytes.
    body: usize,
    /// Which of the fields that clients need there were.
    fields: Vec<&'static str>,
    /// What `node/weave` answers.
    node: Option<String>,
    /// Whether the node is written in the configuration.
    is_configured: bool,
}

impl Api {
    /// `misc/1.0/echo/...` with any method: tells what arrived. `segments` are those below it.
    #[must_use]
    pub fn echo(&self, request: &Request, segments: &[&str], origin: Origin<'_>) -> Response {
        let present = |name: &&str| request.headers.get(name).is_some_and(|v| !v.is_empty());
        let echo = Echo {
            weaved: "echo",
            method: &request.method,
            scheme: origin.scheme,
            host: origin.host,
            prefix: origin.prefix,
            segments,
            query: &request.query,
            body: request.body.len(),
            fields: FIELDS.into_iter().filter(present).collect(),
            node: self.node_url(origin),
            is_configured: *self.node_of(origin) != Node::Derived,
        };
        // Text always becomes JSON.
        let body = serde_json::to_vec(&echo).unwrap_or_default();
        let response = reply::with_type("application/json", body, self.hosts.time());
        let mut response = reply::counted(response, 0);
        response
            .headers
            .push(("X-Content-Type-Options", "nosniff".to_owned()));
        response
    }
}
