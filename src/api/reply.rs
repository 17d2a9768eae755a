//! Responses as the calls make them.

use std::fmt::Display;

use crate::message::Body;
use crate::message::Response;
use crate::sync::Timestamp;

/// The header that carries the time of a write, or the promise of a read.
pub const TIMESTAMP: &str = "X-Weave-Timestamp";

/// 200 with JSON.
pub(super) fn json(body: Vec<u8>, time: Timestamp) -> Response {
    with_type("application/json", body, time)
}

/// 200 with a timestamp as JSON: the answer to a write.
pub(super) fn written(time: Timestamp) -> Response {
    json(time.to_string().into_bytes(), time)
}

/// 200 with a body of some type.
pub(super) fn with_type(media_type: &str, body: Vec<u8>, time: Timestamp) -> Response {
    Response {
        status: 200,
        headers: vec![
            ("Content-Type", media_type.to_owned()),
            (TIMESTAMP, time.to_string()),
        ],
        body: Body::Bytes(body),
    }
}

/// 200 with text, to the byte: clients compare it exactly (spec/user-1.0.md, 2).
pub(super) fn text(body: &str) -> Response {
    Response {
        status: 200,
        headers: vec![("Content-Type", "text/plain; charset=UTF-8".to_owned())],
        body: Body::Bytes(body.as_bytes().to_vec()),
    }
}

/// Adds the number of elements of the answer.
pub(super) fn counted(mut response: Response, records: impl Display) -> Response {
    response
        .headers
        .push(("X-Weave-Records", records.to_string()));
    response
}
