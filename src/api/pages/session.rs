//! Who is signed in: a cookie that says it and that nobody else could have made. Nothing is kept
//! here but that somebody has signed out.
//!
//! A session ends when nothing was done in it for a while, and some hours after its beginning
//! whatever was done. Its seal covers the stored hash as well, so that another password ends all sessions, in all
//! processes. (A directory shows no hash: there they end by themselves.) It has no `Path`: a
//! browser then sends it to where it came from, whatever the web server calls that place.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use super::Visit;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::hash::StoredHash;
use crate::api::Api;
use crate::api::ApiError;
use crate::guard::GuardError;
use crate::sync::Timestamp;

const COOKIE: &str = "weave-session";

/// How long somebody stays signed in after he did something, in seconds.
const SECONDS: i64 = 30 * 60;

/// How long somebody stays signed in at most, in seconds.
const MOST: i64 = 12 * 60 * 60;

/// When a session began, in seconds since 1970, and what tells it from others of that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Birth(i64, u32);

impl Birth {
    fn new(now: i64) -> Result<Self, ApiError> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(GuardError::Random)?;
        Ok(Self(now, u32::from_le_bytes(random)))
    }

    /// When the session ends, whatever is done.
    const fn last(self) -> i64 {
        self.0.saturating_add(MOST)
    }
}

impl fmt::Display for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Birth {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (seconds, number) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self(seconds.parse()?, number.parse()?))
    }
}

/// Somebody who is signed in.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) account: Account,
    /// When he signed in, and a number that no other session has.
    pub(super) birth: Birth,
    /// What a form of his has to carry.
    pub(super) token: String,
}

impl Api {
    /// Goes on with a session, or begins one: the session, and the field that the browser is to be
    /// sent.
    pub(super) fn go_on(
        &self,
        account: Account,
        birth: Option<Birth>,
        visit: &Visit<'_>,
    ) -> Result<(Session, (&'static str, String)), ApiError> {
        let now = self.guard.now().seconds();
        let birth = match birth {
            Some(birth) => birth,
            None => Birth::new(now)?,
        };
        let end = (now + SECONDS).min(birth.last());
        let seal = self.session_seal(&account, birth, end)?;
        let value = format!("{birth}:{end}:{}:{seal}", account.name);
        let secure = match visit.origin.scheme {
            "https" => "; Secure",
            _ => "",
        };
        let cookie =
            format!("{COOKIE}={value}; Max-Age={SECONDS}; HttpOnly; SameSite=Strict{secure}");
        let token = self.form_token(&account, birth);
        let session = Session {
            account,
            birth,
            token,
        };
        Ok((session, ("Set-Cookie", cookie)))
    }

    /// Who is signed in, if anybody is.
    pub(super) fn session(&self, visit: &Visit<'_>) -> Result<Option<Session>, ApiError> {
        let Some((birth, end, name, seal)) = visit.cookie() else {
            return Ok(None);
        };
        if end <= self.guard.now().seconds() {
            return Ok(None);
        }
        let Some(account) = self.accounts.find(&name)? else {
            return Ok(None);
        };
        let text = self.session_text(&account, birth, end)?;
        if account.state != State::Active || !self.guard.is_sealed("session", &text, seal) {
            return Ok(None);
        }
        if self.guard.is_spent(&session_id(&account, birth))? {
            return Ok(None);
        }
        let token = self.form_token(&account, birth);
        Ok(Some(Session {
            account,
            birth,
            token,
        }))
    }

    /// Ends a session, wherever its cookie may be.
    pub(super) fn end_session(&self, session: &Session) -> Result<(), ApiError> {
        let until = Timestamp::from_centis(session.birth.last().saturating_mul(100));
        self.guard
            .spend(&session_id(&session.account, session.birth), until)?;
        Ok(())
    }

    /// The same for the whole session: the form in another window stays good while it goes on.
    fn form_token(&self, account: &Account, birth: Birth) -> String {
        self.guard.seal("form", &session_id(account, birth))
    }

    fn session_seal(&self, account: &Account, birth: Birth, end: i64) -> Result<String, ApiError> {
        let text = self.session_text(account, birth, end)?;
        Ok(self.guard.seal("session", &text))
    }

    fn session_text(&self, account: &Account, birth: Birth, end: i64) -> Result<String, ApiError> {
        let hash = match self.accounts.stored_hash(account.id) {
            // Deleted a moment ago: nobody has such a session.
            Err(AccountsError::NotFound) => None,
            other => other?,
        };
        let hash = hash.as_ref().map_or("", StoredHash::as_str);
        Ok(format!(
            "{birth} {end} {} {} {hash}",
            account.id, account.name
        ))
    }
}

/// By what a session is known that was ended.
fn session_id(account: &Account, birth: Birth) -> String {
    format!("session {} {birth}", account.id)
}

/// What makes a browser forget the session.
pub(super) fn end_of_session() -> (&'static str, String) {
    let cookie = format!("{COOKIE}=; Max-Age=0; HttpOnly; SameSite=Strict");
    ("Set-Cookie", cookie)
}

impl Visit<'_> {
    fn cookie(&self) -> Option<(Birth, i64, UserName, &str)> {
        let header = self.request.headers.text("cookie")?;
        let mut cookies = header.split(';').map(str::trim);
        let value = cookies.find_map(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('='))?;
        let (birth, rest) = value.split_once(':')?;
        let (end, rest) = rest.split_once(':')?;
        let (name, seal) = rest.split_once(':')?;
        let name = UserName::new(name).ok()?;
        Some((birth.parse().ok()?, end.parse().ok()?, name, seal))
    }
}
