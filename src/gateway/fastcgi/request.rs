//! The request that is open on a FastCGI connection: how far it has come, and what breaks it.
//!
//! Values only; [`super::Connection`] moves them along. Spec: spec/gateway.md, 2.

use crate::message::Request;

/// The only role that we play; an authorizer's request, which has no body, is refused.
pub(super) const RESPONDER: u16 = 1;
pub(super) const AUTHORIZER: u16 = 2;

/// The flag that asks to keep the connection; the others mean nothing.
pub(super) const KEEP_CONN: u8 = 1;

/// The request that is open on the connection.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: u16,
    pub(super) is_kept: bool,
    pub(super) role: u16,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    Body {
        request: Box<Request>,
        length: Option<u64>,
    },
    Delivered {
        is_head: bool,
    },
    Drain(Drain),
    Params,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// Bytes that may still come.
    pub(super) left: u64,
    /// Whether the PARAMS stream is still open.
    pub(super) in_params: bool,
    /// What is still owed to the peer at the end of the request.
    pub(super) owed: Owed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    /// The ending of an early answer; the connection is closed after it.
    Ending,
    /// Nothing: END_REQUEST went out at once.
    Nothing,
}

/// Why a connection is closed without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("malformed BEGIN_REQUEST")]
    BadBegin,
    #[error("malformed name-value pairs")]
    BadPairs,
    #[error("BEGIN_REQUEST for a request that is open")]
    BegunTwice,
    #[error("more to throw away than the limit allows")]
    DrainTooLong,
    #[error("more management records than the limit allows")]
    Management,
    #[error("PARAMS after their end")]
    ParamsAfterEnd,
    #[error("STDIN before the end of PARAMS")]
    StdinBeforeParams,
    #[error("more useless records than the limit allows")]
    Stray,
    #[error("version other than 1")]
    Version,
}
