//! What a gateway answers by itself: requests that no application should see.
//!
//! In: a fact. Out: the response that tells the client, one line of `text/plain` without a
//! newline (a newline in an error body hides the status from the desktop client). Nothing of
//! what the client sent is repeated, to it or to the log. Spec: spec/gateway.md, 2 and 5;
//! spec/decisions.md, 6 and 9.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use super::Options;
use crate::message::Body;
use crate::message::Response;

/// Why a request is refused before it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The head is not what its protocol allows.
    #[error("malformed request")]
    BadHead,
    /// A length that is not a number.
    #[error("malformed content length")]
    BadLength,
    /// More body than the limit allows.
    #[error("request body too large")]
    BodyTooLarge,
    /// The head is larger, or has more fields, than the limits allow.
    #[error("request headers too large")]
    HeadTooLarge,
    /// The body has not the length that was declared, or two declarations contradict.
    #[error("request body does not have the declared length")]
    LengthMismatch,
    /// SCGI without CONTENT_LENGTH.
    #[error("content length missing")]
    NoLength,
    /// A method, transfer coding or expectation that this server does not know.
    #[error("not implemented")]
    NotImplemented,
    /// The memory for large bodies is used up for the moment.
    #[error("server is busy, try again later")]
    OutOfMemory,
    /// A variable that decides what is done came twice.
    #[error("ambiguous request")]
    Repeated,
    /// An HTTP version other than 1.0 and 1.1.
    #[error("HTTP version not supported")]
    Version,
}

impl Refusal {
    /// The HTTP status that says it.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadHead
            | Self::BadLength
            | Self::LengthMismatch
            | Self::NoLength
            | Self::Repeated => 400,
            Self::BodyTooLarge => 413,
            Self::HeadTooLarge => 431,
            Self::NotImplemented => 501,
            Self::OutOfMemory => 503,
            Self::Version => 505,
        }
    }

    /// What somebody who reads the log can do, if anything.
    fn remedy(self, options: &Options) -> String {
        match self {
            Self::BodyTooLarge => format!(
                "; max_body is {} bytes, raise it if such requests are meant to be",
                options.limits.body
            ),
            Self::LengthMismatch => "; the web server announced another length than it passed on \
                                     (nginx: leave scgi_request_buffering on)"
                .to_owned(),
            Self::OutOfMemory => "; body_memory is used up, raise it if this goes on".to_owned(),
            _ => String::new(),
        }
    }

    /// The answer; also leaves one line in the log, which names `peer` if it is known.
    pub(super) fn response(self, options: &Options, peer: &str) -> Response {
        static REFUSALS: AtomicU32 = AtomicU32::new(0);
        let number = REFUSALS.fetch_add(1, Ordering::Relaxed);
        let peer = if peer.is_empty() { "unknown" } else { peer };
        log::warn!(
            target: "gateway",
            "request refused: {self}{} status={} peer={peer} (id {}-g{number:x})",
            self.remedy(options),
            self.status(),
            std::process::id()
        );
        unavailable_or(self.status(), self.to_string(), options)
    }
}

/// The answer in place of one whose making failed before anything of it went out.
pub(super) fn failed_body(options: &Options) -> Response {
    unavailable_or(503, Refusal::OutOfMemory.to_string(), options)
}

fn unavailable_or(status: u16, text: String, options: &Options) -> Response {
    let mut headers = vec![("Content-Type", "text/plain".to_owned())];
    if status == 503 {
        let seconds = options.limits.retry_after.to_string();
        headers.push(("Retry-After", seconds.clone()));
        headers.push(("X-Weave-Backoff", seconds));
    }
    headers.extend(options.own_fields.make());
    Response {
        status,
        headers,
        body: Body::Bytes(text.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::OwnFields;

    #[test]
    fn a_refusal_carries_what_every_answer_carries() {
        let options = Options {
            own_fields: OwnFields::new(|| vec![("X-Time", "5".to_owned())]),
            ..Options::default()
        };
        let response = Refusal::BadHead.response(&options, "");
        assert!(response.headers.contains(&("X-Time", "5".to_owned())));
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let response = Refusal::OutOfMemory.response(&Options::default(), "192.0.2.1");
        assert_eq!(response.status, 503);
        for name in ["Retry-After", "X-Weave-Backoff"] {
            assert!(response.headers.contains(&(name, "300".to_owned())));
        }
    }
}
