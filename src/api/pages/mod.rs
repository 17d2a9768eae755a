//! Pages for people, under the mount prefix: plain HTML that needs no scripts.
//!
//! Those that the original had outside its API (spec/user-1.0.md, 7) keep their addresses and
//! fields; the others are ours. Whoever is refused on a page is refused as in a call: the reason
//! goes to the log ([`ApiError::Shown`]), and guesses count.
//!
//! A form comes from us or is not looked at: browsers say from where they send one
//! ([`Visit::is_ours`]), and what is done in a session carries a token of it besides. Forms that
//! ask for a name and a password need no more: who knows these needs nobody else's browser.

mod account;
mod delete;
mod frame;
mod reset;
mod root;
mod session;
mod sign_up;

use serde::de::DeserializeOwned;

use super::Api;
use super::ApiError;
use super::Language;
use super::Origin;
use crate::accounts::Account;
use crate::accounts::BadName;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::api::texts::pages::Texts;
use crate::message::Request;
use crate::message::Response;
use frame::Message;

pub use root::Root;

/// A page with a form, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `weave-account`: what somebody has here, and what he can change.
    Account,
    /// `weave-delete-account`.
    Delete,
    /// `weave-password-reset`.
    Reset,
    /// `weave-sign-up`.
    SignUp,
}

/// Somebody who looks at a page, or sends a form of it.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// How he came.
    pub origin: Origin<'a>,
    /// What he reads.
    pub language: Language,
    /// What he asks for.
    pub request: &'a Request,
}

/// The longest name or address that is looked for, in bytes: longer than any mail's
/// (RFC 5321, 4.5.3.1).
const MAX_ACCOUNT: usize = 512;

impl Api {
    /// Answers a page, or a form of it.
    ///
    /// # Errors
    /// [`ApiError::Shown`] for what the visitor did wrong, and those of the accounts, of the
    /// storage and of the guard.
    pub fn page(&self, page: Page, visit: &Visit<'_>) -> Result<Response, ApiError> {
        if visit.request.method != "POST" {
            return match page {
                Page::Account => self.account_page(visit),
                Page::Delete => self.delete_page(visit),
                Page::Reset => self.reset_page(visit),
                Page::SignUp => self.sign_up_page(visit),
            };
        }
        if !visit.is_ours(self.settings.url.as_deref()) {
            let error = ApiError::Unreadable("the form was sent from another site".to_owned());
            return Err(self.problem(visit, 403, error, |texts| texts.foreign));
        }
        let answer = match page {
            Page::Account => self.account_form(visit),
            Page::Delete => self.delete_form(visit),
            Page::Reset => self.reset_form(visit),
            Page::SignUp => self.sign_up_form(visit),
        };
        answer.map_err(|error| match error {
            ApiError::TooOften => {
                let shown = self.problem(visit, 429, error, |texts| texts.too_often);
                match shown {
                    ApiError::Shown { error, mut page } => {
                        page.headers.push(("Retry-After", "600".to_owned()));
                        ApiError::Shown { error, page }
                    }
                    other => other,
                }
            }
            ApiError::AccountsReadOnly(_) | ApiError::NotConfigured(_) => {
                self.problem(visit, 403, error, |texts| texts.not_here)
            }
            other => other,
        })
    }

    /// An error with a page of its own for the visitor.
    fn problem(
        &self,
        visit: &Visit<'_>,
        status: u16,
        error: ApiError,
        text: impl FnOnce(&Texts) -> &'static str,
    ) -> ApiError {
        let frame = self.frame(visit);
        let text = text(frame.texts);
        let message = Message {
            title: frame.texts.home,
            frame,
            text,
            is_problem: true,
            url: None,
        };
        shown(error, frame::show(status, &message))
    }

    /// Who this is, if the password is his own; `account` is a name or an address.
    fn log_in_by_form(
        &self,
        account: &str,
        password: String,
        visit: &Visit<'_>,
    ) -> Result<Account, ApiError> {
        let name = self.name_of(account).map_err(|BadName| {
            ApiError::FormRefused("no name can be made of what was entered".to_owned())
        })?;
        match self.log_in(&name, &Password::new(password), visit.origin.client) {
            Err(ApiError::Refused(reason)) => {
                Err(ApiError::FormRefused(format!("{name}: {reason}")))
            }
            other => other,
        }
    }

    /// The name of whom somebody means. Beyond ASCII the clients make another name of an address
    /// than the original server.
    fn name_of(&self, account: &str) -> Result<UserName, BadName> {
        let account = account.trim();
        if account.len() > MAX_ACCOUNT {
            return Err(BadName);
        }
        let name = names::server_name(account)?;
        let other = names::client_name(account)?;
        let is_known = other == name || matches!(self.accounts.look_up(&name), Ok(Some(_)));
        Ok(if is_known { name } else { other })
    }
}

impl Visit<'_> {
    /// The fields of the form that was sent; what a field says that is not known here is passed
    /// over, and what is missing is empty.
    fn form<T: DeserializeOwned + Default>(&self) -> T {
        serde_urlencoded::from_bytes(&self.request.body).unwrap_or_default()
    }

    /// Whether the form that was sent comes from a page of ours, as far as the browser tells.
    ///
    /// Old ones tell nothing: what a stranger's page could do with them is asked otherwise. An
    /// `Origin` is compared with the host that was asked, and with the configured one, in case a
    /// proxy has put another name into the place of the former.
    fn is_ours(&self, url: Option<&str>) -> bool {
        let headers = &self.request.headers;
        match headers.text("sec-fetch-site") {
            Some("same-origin" | "none") => return true,
            Some(_) => return false,
            None => {}
        }
        let Some(origin) = headers.text("origin") else {
            return true;
        };
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let sent = Origin {
            scheme,
            host: Some(authority),
            prefix: "",
            client: None,
        };
        let is_same = |known: Origin<'_>| {
            let (sent, known) = (sent.name_and_port(), known.name_and_port());
            sent.is_some() && sent == known
        };
        let configured = url.and_then(|url| url.split_once("://"));
        let configured = configured.is_some_and(|(scheme, rest)| {
            is_same(Origin {
                scheme,
                host: rest.split('/').next(),
                prefix: "",
                client: None,
            })
        });
        // Where TLS ends in front of the web server nothing tells us of it.
        let asked = Origin {
            scheme,
            ..self.origin
        };
        configured || is_same(asked)
    }
}

/// An error that the visitor sees as a page.
fn shown(error: ApiError, page: Result<Response, ApiError>) -> ApiError {
    match page {
        Ok(page) => ApiError::Shown {
            error: Box::new(error),
            page: Box::new(page),
        },
        Err(broken) => broken,
    }
}
