//! A bug costs one answer, never a thread.
//!
//! Three circles, from the inside: the handler's panic becomes a 500, a body's panic cuts the
//! body so that nobody takes a part for the whole, and anything else costs its connection. Each
//! is one line in the log, with the panic's own words and nothing of the request. No panic hook
//! is installed here.

use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::message::Body;
use crate::message::Request;
use crate::message::Response;

use super::Handler;

/// How much of a panic's text is logged, in characters.
const LONGEST: usize = 300;

/// Answers a request, whatever happens.
pub(super) fn handle(handler: &dyn Handler, request: Request) -> Response {
    // Unwind safe: the handler must not leave its own things half done, which is what the
    // trait's contract says; of ours, nothing but the request goes in.
    match catch_unwind(AssertUnwindSafe(|| handler.handle(request))) {
        Ok(response) => Response {
            body: guarded(response.body),
            ..response
        },
        Err(payload) => {
            log::error!("a request handler panicked: {}", text(payload.as_ref()));
            Response {
                status: 500,
                headers: vec![("Content-Type", "text/plain".to_owned())],
                body: Body::Bytes(b"internal server error".to_vec()),
            }
        }
    }
}

/// Runs `work`; a panic is logged as one of `whose`, and the answer is nothing.
pub(super) fn contain<T>(whose: &str, work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(payload) => {
            log::error!("{whose} panicked: {}", text(payload.as_ref()));
            None
        }
    }
}

/// The same body, whose panic is an error.
fn guarded(body: Body) -> Body {
    match body {
        Body::Bytes(bytes) => Body::Bytes(bytes),
        Body::Stream(stream) => Body::Stream(Box::new(move |out| {
            contain("a streamed body", || stream(out))
                .unwrap_or_else(|| Err(io::Error::other("the body panicked")))
        })),
    }
}

/// What a panic said, in one line of bounded length.
fn text(payload: &(dyn Any + Send)) -> String {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("(without words)");
    said.chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_panic_is_one_bounded_line() {
        assert_eq!(text(&"one\ntwo"), "one two");
        assert_eq!(text(&"x".repeat(1000)).len(), LONGEST);
        assert_eq!(text(&17), "(without words)");
    }

    #[test]
    fn a_body_that_panics_is_an_error() {
        let Body::Stream(stream) = guarded(Body::Stream(Box::new(|_| panic!("half way")))) else {
            panic!("still a stream")
        };
        assert!(stream(&mut Vec::new()).is_err());
    }
}
