//! `weave-password-reset`: a mail for who has forgotten his password, and the page that its link
//! leads to (spec/user-1.0.md, 7).
//!
//! Whether there is an account is not told: a name that nobody has is answered like any other,
//! and a code for it like a wrong one.

use askama::Template;
use serde::Deserialize;

use super::Visit;
use super::frame::Frame;
use super::frame::Message;
use super::frame::show;
use super::shown;
use crate::api::Api;
use crate::api::ApiError;
use crate::message::Response;
use crate::sync::ErrorCode;

#[derive(Template)]
#[template(path = "reset_request.html")]
struct RequestPage<'a> {
    frame: Frame,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    frame: Frame,
    problem: Option<&'a str>,
    username: &'a str,
    key: &'a str,
}

/// The fields of a form or of a link.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    username: Option<String>,
    key: Option<String>,
    password: Option<String>,
    confirm: Option<String>,
    /// In links of the original's.
    error: Option<String>,
}

impl Api {
    pub(super) fn reset_page(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let query = visit.request.query.as_str();
        let link: Form = serde_urlencoded::from_str(query).unwrap_or_default();
        if link.key.is_none() && link.error.is_none() && !query.is_empty() {
            return Err(ApiError::Unreadable("no key in the link".to_owned()));
        }
        if !self.resets(visit.origin) {
            let error = ApiError::NotConfigured("password reset");
            return Err(self.problem(visit, 404, error, |texts| texts.not_here));
        }
        let frame = self.frame(visit);
        if query.is_empty() {
            let page = RequestPage {
                frame,
                problem: None,
            };
            return show(200, &page);
        }
        let page = ResetPage {
            frame,
            problem: None,
            username: link.username.as_deref().unwrap_or_default(),
            key: link.key.as_deref().unwrap_or_default(),
        };
        show(200, &page)
    }

    pub(super) fn reset_form(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let form: Form = visit.form();
        if !self.resets(visit.origin) {
            return Err(ApiError::NotConfigured("password reset"));
        }
        let is_request = form.password.is_none() && form.confirm.is_none();
        match (&form.username, &form.key) {
            (Some(username), None) if is_request => self.mail_by_form(username, visit),
            (_, Some(key)) => self.reset_by_form(&form, key, visit),
            _ => Err(ApiError::Unreadable("no key in the form".to_owned())),
        }
    }

    fn mail_by_form(&self, username: &str, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let frame = self.frame(visit);
        if username.trim().is_empty() {
            let problem = Some(frame.texts.no_name);
            let page = show(400, &RequestPage { frame, problem });
            return Err(shown(ApiError::FormIncomplete, page));
        }
        self.request_reset_later(username, visit.origin, visit.language)?;
        let message = Message {
            title: frame.texts.forgotten,
            text: frame.texts.mail_sent,
            frame,
            is_problem: false,
            url: None,
        };
        show(200, &message)
    }

    fn reset_by_form(
        &self,
        form: &Form,
        key: &str,
        visit: &Visit<'_>,
    ) -> Result<Response, ApiError> {
        let frame = self.frame(visit);
        let texts = frame.texts;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (username, password) = (text(&form.username), text(&form.password));
        let refuse = |error, problem| {
            let page = ResetPage {
                frame: frame.clone(),
                problem: Some(problem),
                username: &username,
                key,
            };
            // The original's status for its form with a message.
            shown(error, show(200, &page))
        };
        let incomplete = || ApiError::FormIncomplete;
        if username.trim().is_empty() {
            return Err(refuse(incomplete(), texts.no_name));
        }
        if password.is_empty() {
            return Err(refuse(incomplete(), texts.no_password));
        }
        if password != text(&form.confirm) {
            return Err(refuse(incomplete(), texts.differ));
        }
        let wrong = || ApiError::Code(ErrorCode::ResetCode, "reset code: wrong or over");
        let Ok(name) = self.name_of(&username) else {
            return Err(refuse(wrong(), texts.wrong_key));
        };
        let body = password.into_bytes();
        match self.reset_password(&name, key, body, visit.origin.client) {
            Ok(_) => {
                let message = Message {
                    title: texts.new_password,
                    text: texts.password_changed,
                    frame,
                    is_problem: false,
                    url: None,
                };
                show(200, &message)
            }
            Err(ApiError::NotFound(_)) => {
                // As a wrong code counts, so does one for nobody.
                self.note_failure(visit.origin.client)?;
                Err(refuse(wrong(), texts.wrong_key))
            }
            Err(error @ ApiError::Code(ErrorCode::WeakPassword, _)) => {
                Err(refuse(error, texts.weak))
            }
            Err(error @ ApiError::Code(..)) => Err(refuse(error, texts.wrong_key)),
            Err(error) => Err(error),
        }
    }
}
