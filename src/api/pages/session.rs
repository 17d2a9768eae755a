//! Who is signed in: a cookie that says it and that nobody else could have made. Nothing is kept
//! here.
//!
//! Its seal covers the stored hash as well, so that another password ends all sessions, in all
//! processes. (A directory shows no hash: there they end by themselves.) It has no `Path`: a
//! browser then sends it to where it came from, whatever the web server calls that place.

use super::Visit;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::api::Api;
use crate::api::ApiError;

const COOKIE: &str = "weave-session";

/// How long somebody stays signed in after he did something, in seconds.
const SECONDS: i64 = 30 * 60;

/// Somebody who is signed in.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) account: Account,
    /// What a form of his has to carry.
    pub(super) token: String,
}

impl Api {
    /// Signs somebody in: the session, and the field that his browser is to be sent.
    pub(super) fn begin_session(
        &self,
        account: Account,
        visit: &Visit<'_>,
    ) -> Result<(Session, (&'static str, String)), ApiError> {
        let end = self.guard.now().seconds() + SECONDS;
        let seal = self.session_seal(&account, end)?;
        let value = format!("{end}:{}:{seal}", account.name);
        let secure = match visit.origin.scheme {
            "https" => "; Secure",
            _ => "",
        };
        let cookie =
            format!("{COOKIE}={value}; Max-Age={SECONDS}; HttpOnly; SameSite=Strict{secure}");
        let token = self.guard.seal("form", &seal);
        Ok((Session { account, token }, ("Set-Cookie", cookie)))
    }

    /// Who is signed in, if anybody is.
    pub(super) fn session(&self, visit: &Visit<'_>) -> Result<Option<Session>, ApiError> {
        let Some((end, name, seal)) = visit.cookie() else {
            return Ok(None);
        };
        if end <= self.guard.now().seconds() {
            return Ok(None);
        }
        let Some(account) = self.accounts.find(&name)? else {
            return Ok(None);
        };
        let text = self.session_text(&account, end)?;
        if account.state != State::Active || !self.guard.is_sealed("session", &text, seal) {
            return Ok(None);
        }
        let token = self.guard.seal("form", seal);
        Ok(Some(Session { account, token }))
    }

    fn session_seal(&self, account: &Account, end: i64) -> Result<String, ApiError> {
        let text = self.session_text(account, end)?;
        Ok(self.guard.seal("session", &text))
    }

    fn session_text(&self, account: &Account, end: i64) -> Result<String, ApiError> {
        let hash = match self.accounts.stored_hash(account.id) {
            // Deleted a moment ago: nobody has such a session.
            Err(AccountsError::NotFound) => None,
            other => other?,
        };
        let hash = hash.as_ref().map_or("", StoredHash::as_str);
        Ok(format!("{end} {} {} {hash}", account.id, account.name))
    }
}

/// What makes a browser forget the session.
pub(super) fn end_of_session() -> (&'static str, String) {
    let cookie = format!("{COOKIE}=; Max-Age=0; HttpOnly; SameSite=Strict");
    ("Set-Cookie", cookie)
}

impl Visit<'_> {
    fn cookie(&self) -> Option<(i64, UserName, &str)> {
        let header = self.request.headers.text("cookie")?;
        let mut cookies = header.split(';').map(str::trim);
        let value = cookies.find_map(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('='))?;
        let (end, rest) = value.split_once(':')?;
        let (name, seal) = rest.split_once(':')?;
        Some((end.parse().ok()?, UserName::new(name).ok()?, seal))
    }
}
