//! The way out for everything that goes wrong: status, code, headers and a reason for the log.
//!
//! Bodies are one line without a newline: the desktop client's reader of collections trips over
//! one and loses the status (decisions, 6).

use std::borrow::Cow;
use std::error::Error as StdError;

use crate::accounts::AccountsError;
use crate::api::ApiError;
use crate::causes::chain;
use crate::guard::GuardError;
use crate::message::Body;
use crate::message::Response;
use crate::pairing::PairingError;
use crate::storage::StorageError;
use crate::sync::ErrorCode;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(super) enum Refusal {
    Api(ApiError),
    Code(ErrorCode, &'static str),
    /// The credentials cannot be right, whoever the user is.
    Credentials(&'static str),
    Method,
    NoCredentials,
    NoRoute,
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
    /// For whoever watches over many servers.
    pub(super) event: Option<Event>,
}

/// What happened, in the words of the original (spec/config.md, `[cef]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) signature: &'static str,
    pub(super) name: &'static str,
    /// From 0 to 10.
    pub(super) severity: u8,
}

impl Event {
    const NO_CREDENTIALS: Self = Self::failure("Authorization header missing", 7);
    const UNREADABLE: Self = Self::failure("Authorization header unreadable", 7);
    const LOGIN: Self = Self::failure("Authentication failed", 5);
    const LIMITED: Self = Self {
        signature: "AccountLockout",
        name: "Too many attempts",
        severity: 7,
    };
    const CAPTCHA: Self = Self {
        signature: "CaptchaFail",
        name: "Captcha wrong",
        severity: 5,
    };
    const RESET_CODE: Self = Self::failure("Invalid reset code", 5);
    /// Not a refusal: a code was withdrawn.
    pub(super) const RESET_CLEARED: Self = Self {
        signature: "PasswordResetCleared",
        name: "Password reset cleared",
        severity: 9,
    };

    const fn failure(name: &'static str, severity: u8) -> Self {
        Self {
            signature: "AuthFail",
            name,
            severity,
        }
    }
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
    let mut event = None;
    let (response, weight, reason) = match refusal {
        Refusal::Api(error) => return answer_api(error, retry_after, id),
        Refusal::Code(code, why) => (coded(code), Refused, why.into()),
        Refusal::Credentials(why) => {
            event = Some(Event::UNREADABLE);
            let reason = format!("credentials: {why}").into();
            (unauthorized(), Suspicious, reason)
        }
        Refusal::Method => (
            plain(405, "Method not allowed"),
            Usual,
            "wrong method".into(),
        ),
        // Some clients always ask once without; no reason to worry anybody.
        Refusal::NoCredentials => {
            event = Some(Event::NO_CREDENTIALS);
            let reason = "no Authorization header; if no request has one, the web server keeps it \
                          to itself (Apache: CGIPassAuth On)";
            (unauthorized(), Usual, reason.into())
        }
        Refusal::NoRoute => (plain(404, "Not found"), Usual, "no such path".into()),
    };
    Answer {
        response,
        weight,
        reason,
        event,
    }
}

fn answer_api(error: ApiError, retry_after: u32, id: &str) -> Answer {
    if let ApiError::Shown { error, page } = error {
        let mut answer = answer_api(*error, retry_after, id);
        answer.response = *page;
        return answer;
    }
    let reason = error.to_string().into();
    let event = match &error {
        ApiError::Code(ErrorCode::Captcha, _) => Some(Event::CAPTCHA),
        ApiError::Code(ErrorCode::ResetCode, _) => Some(Event::RESET_CODE),
        ApiError::FormRefused(_) | ApiError::Refused(_) => Some(Event::LOGIN),
        ApiError::TooOften => Some(Event::LIMITED),
        _ => None,
    };
    let (response, weight) = match error {
        ApiError::AccountsReadOnly(error) => {
            let text = "Accounts cannot be changed here, they are kept in a directory";
            return Answer {
                response: plain(403, text),
                weight: Weight::Refused,
                reason: error.to_string().into(),
                event,
            };
        }
        ApiError::Accounts(error) => {
            return failed(&error, error.passes(), retry_after, id);
        }
        ApiError::Guard(error) => {
            let passes = matches!(&error, GuardError::Database(_));
            return failed(&error, passes, retry_after, id);
        }
        ApiError::Mail(error) => return failed(&error, true, retry_after, id),
        ApiError::Storage(error) => {
            let passes = matches!(&error, StorageError::Database(_));
            return failed(&error, passes, retry_after, id);
        }
        ApiError::Pairing(error) => return answer_pairing(&error, retry_after, id),
        ApiError::NotConfigured(what) => return not_configured(what),
        ApiError::Closed { secret } => (
            plain(
                403,
                match secret {
                    false => "This server takes new accounts by invitation only",
                    true => "This server takes new accounts by invitation or by its secret only",
                },
            ),
            Weight::Refused,
        ),
        ApiError::Code(code @ ErrorCode::ResetCode, _) => (coded(code), Weight::Suspicious),
        ApiError::Code(code, _) => (coded(code), Weight::Refused),
        ApiError::FormIncomplete => (plain(400, "Missing data"), Weight::Refused),
        ApiError::FormRefused(_) => (plain(403, "Bad credentials"), Weight::Suspicious),
        ApiError::Modified => (
            plain(412, "The collection was changed meanwhile"),
            Weight::Refused,
        ),
        ApiError::NotFound(_) => (plain(404, "Not found"), Weight::Usual),
        ApiError::Refused(_) => (unauthorized(), Weight::Suspicious),
        ApiError::TooOften => (too_often(), Weight::Suspicious),
        ApiError::TooLarge => (plain(413, "Too many records"), Weight::Refused),
        ApiError::Unreadable(why) => (plain(400, &why), Weight::Refused),
        // Taken off above.
        ApiError::Shown { page, .. } => (*page, Weight::Refused),
    };
    Answer {
        response,
        weight,
        reason,
        event,
    }
}

/// A browser that is told 401 asks its user for his password, and stops to sync until he answers;
/// told 503 it waits (spec/clients.md, 1.10 to 1.12). He may have typed the right one meanwhile.
fn too_often() -> Response {
    const SECONDS: &str = "600";
    let mut response = plain(503, "Too many attempts, please try again later");
    response.headers.push(("Retry-After", SECONDS.to_owned()));
    response
}

/// The relay's statuses (spec/clients.md, 3).
fn answer_pairing(error: &PairingError, retry_after: u32, id: &str) -> Answer {
    let (response, weight) = match error {
        PairingError::Database(_) | PairingError::Random(_) => {
            let passes = matches!(error, PairingError::Database(_));
            return failed(error, passes, retry_after, id);
        }
        PairingError::Full => {
            let mut response = plain(503, "Too many devices are pairing");
            let retry_after = ("Retry-After", retry_after.to_string());
            response.headers.push(retry_after);
            (response, Weight::Refused)
        }
        PairingError::Gone => (plain(404, "Not found"), Weight::Usual),
        PairingError::Stranger => (plain(400, "The channel was closed"), Weight::Refused),
        PairingError::TooLong => (plain(413, "The message is too long"), Weight::Refused),
    };
    Answer {
        event: None,
        response,
        weight,
        reason: error.to_string().into(),
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
        event: None,
    }
}

/// No Retry-After: coming again does not help.
fn not_configured(what: &str) -> Answer {
    let text = format!("This server is not set up for {what}");
    Answer {
        response: plain(503, &text),
        weight: Weight::Refused,
        reason: text.into(),
        event: None,
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
