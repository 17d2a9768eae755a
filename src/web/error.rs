//! The way out for everything that goes wrong: status, code, headers and a reason for the log.
//!
//! Bodies are one line without a newline: the desktop client's reader of collections trips over
//! one and loses the status (decisions, 6).

use std::borrow::Cow;
use std::error::Error as StdError;

use crate::accounts;
use crate::accounts::AccountsError;
use crate::api::ApiError;
use crate::causes::chain;
use crate::guard::GuardError;
use crate::message::Body;
use crate::message::Response;
use crate::storage::StorageError;
use crate::sync::ErrorCode;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(super) enum Refusal {
    Api(ApiError),
    Code(ErrorCode, &'static str),
    /// The credentials cannot be right, whoever the user is.
    Credentials(&'static str),
    Login(accounts::Refusal),
    Method,
    NoCredentials,
    NoRoute,
    NotConfigured(&'static str),
}

/// How much a request's end matters to somebody who reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Somebody must act.
    Failed,
    /// The client did something wrong.
    Refused,
    /// Perhaps somebody guesses passwords.
    Suspicious,
    /// It belongs to a client's normal life.
    Usual,
}

/// What becomes of a refusal.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) weight: Weight,
    /// For the log; never shown to the client.
    pub(super) reason: Cow<'static, str>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<AccountsError> for Refusal {
    fn from(error: AccountsError) -> Self {
        Self::Api(error.into())
    }
}

/// Turns a refusal into an answer; `retry_after` in seconds, `id` finds the log's line.
pub(super) fn answer(refusal: Refusal, retry_after: u32, id: &str) -> Answer {
    use Weight::Refused;
    use Weight::Suspicious;
    use Weight::Usual;
    let (response, weight, reason) = match refusal {
        Refusal::Api(error) => return answer_api(error, retry_after, id),
        Refusal::Code(code, why) => (coded(code), Refused, why.into()),
        Refusal::Credentials(why) => (
            unauthorized(),
            Suspicious,
            format!("credentials: {why}").into(),
        ),
        Refusal::Login(why) => (
            unauthorized(),
            Suspicious,
            format!("credentials: {why}").into(),
        ),
        Refusal::Method => (
            plain(405, "Method not allowed"),
            Usual,
            "wrong method".into(),
        ),
        // Some clients always ask once without; no reason to worry anybody.
        Refusal::NoCredentials => (
            unauthorized(),
            Usual,
            "no Authorization header; if no request has one, the web server keeps it to itself \
             (Apache: CGIPassAuth On)"
                .into(),
        ),
        Refusal::NoRoute => (plain(404, "Not found"), Usual, "no such path".into()),
        Refusal::NotConfigured(what) => return not_configured(what),
    };
    Answer {
        response,
        weight,
        reason,
    }
}

fn answer_api(error: ApiError, retry_after: u32, id: &str) -> Answer {
    let reason = error.to_string().into();
    let (response, weight) = match error {
        ApiError::AccountsReadOnly(error) => {
            let text = "Accounts cannot be changed here, they are kept in a directory";
            return Answer {
                response: plain(403, text),
                weight: Weight::Refused,
                reason: error.to_string().into(),
            };
        }
        ApiError::Accounts(error) => {
            return failed(&error, error.passes(), retry_after, id);
        }
        ApiError::Guard(error) => {
            let passes = matches!(&error, GuardError::Database(_));
            return failed(&error, passes, retry_after, id);
        }
        ApiError::Storage(error) => {
            let passes = matches!(&error, StorageError::Database(_));
            return failed(&error, passes, retry_after, id);
        }
        ApiError::NotConfigured(what) => return not_configured(what),
        ApiError::Closed => (
            plain(403, "This server takes no new accounts"),
            Weight::Refused,
        ),
        ApiError::Code(code, _) => (coded(code), Weight::Refused),
        ApiError::FormIncomplete => (plain(400, "Missing data"), Weight::Refused),
        ApiError::FormRefused(_) => (plain(403, "Bad credentials"), Weight::Suspicious),
        ApiError::Modified => (
            plain(412, "The collection was changed meanwhile"),
            Weight::Refused,
        ),
        ApiError::NotFound(_) => (plain(404, "Not found"), Weight::Usual),
        ApiError::TooLarge => (plain(413, "Too many records"), Weight::Refused),
        ApiError::Unreadable(why) => (plain(400, &why), Weight::Refused),
    };
    Answer {
        response,
        weight,
        reason,
    }
}

/// Something below failed: 503 when it passes, so that clients come again, else 500.
///
/// Whatever a database says passes, also a full disk: somebody mends it, and until then clients
/// must keep their changes and wait (spec/clients.md, 1.10).
fn failed(error: &dyn StdError, passes: bool, retry_after: u32, id: &str) -> Answer {
    let response = if passes {
        let mut response = plain(503, "Busy, please try again later");
        response
            .headers
            .push(("Retry-After", retry_after.to_string()));
        response
            .headers
            .push(("X-Weave-Backoff", retry_after.to_string()));
        response
    } else {
        plain(500, &format!("Internal error, see the log for id {id}"))
    };
    Answer {
        response,
        weight: Weight::Failed,
        reason: chain(error).into(),
    }
}

/// No Retry-After: coming again does not help.
fn not_configured(what: &str) -> Answer {
    let text = format!("This server is not set up for {what}");
    Answer {
        response: plain(503, &text),
        weight: Weight::Refused,
        reason: text.into(),
    }
}

fn unauthorized() -> Response {
    let mut response = plain(401, "Unauthorized");
    response
        .headers
        .push(("WWW-Authenticate", "Basic realm=\"Sync\"".to_owned()));
    response
}

/// The bare number, which clients compare as text.
fn coded(code: ErrorCode) -> Response {
    Response {
        status: 400,
        headers: vec![("Content-Type", "application/json".to_owned())],
        body: Body::Bytes(code.number().to_string().into_bytes()),
    }
}

fn plain(status: u16, text: &str) -> Response {
    Response {
        status,
        headers: vec![("Content-Type", "text/plain; charset=UTF-8".to_owned())],
        body: Body::Bytes(text.as_bytes().to_vec()),
    }
}
