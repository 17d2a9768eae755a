//! `weave-sign-up`: an account, for those who do not make it in the browser.

use askama::Template;
use serde::Deserialize;

use super::Visit;
use super::frame::Frame;
use super::frame::Message;
use super::frame::show;
use super::shown;
use crate::accounts::Password;
use crate::accounts::names;
use crate::api::Api;
use crate::api::ApiError;
use crate::api::Asked;
use crate::api::INVITATION;
use crate::api::Proofs;
use crate::api::Registering;
use crate::guard::Deed;
use crate::message::Response;
use crate::sync::ErrorCode;

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUp<'a> {
    frame: Frame,
    problem: Option<&'a str>,
    email: &'a str,
    /// Whether a name has to be an address.
    strict: bool,
    asked: Option<Field>,
}

/// What is asked besides.
struct Field {
    question: String,
    challenge: String,
    or_invitation: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    email: String,
    password: String,
    again: String,
    challenge: String,
    response: String,
}

impl Api {
    pub(super) fn sign_up_page(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        self.sign_up(visit, 200, "", None)
    }

    fn sign_up(
        &self,
        visit: &Visit<'_>,
        status: u16,
        email: &str,
        problem: Option<&str>,
    ) -> Result<Response, ApiError> {
        let frame = self.frame(visit);
        if !self.accounts.accepts_changes() {
            let message = Message {
                title: frame.texts.sign_up,
                text: frame.texts.sign_up_closed,
                frame,
                is_problem: true,
                url: None,
            };
            return show(403, &message);
        }
        let asked = match self.asked()? {
            Asked::Captcha(challenge) => Some(Field {
                question: challenge.question.in_words(visit.language),
                challenge: challenge.token,
                or_invitation: true,
            }),
            Asked::Invitation => Some(Field {
                question: frame.texts.invitation.to_owned(),
                challenge: INVITATION.to_owned(),
                or_invitation: false,
            }),
            Asked::Nothing => None,
        };
        let page = SignUp {
            frame,
            problem,
            email,
            strict: self.settings.strict_names,
            asked,
        };
        show(status, &page)
    }

    pub(super) fn sign_up_form(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let form: Form = visit.form();
        let texts = self.frame(visit).texts;
        let email = form.email.trim();
        let refuse = |error: ApiError, text| {
            let status = match error {
                ApiError::Closed { .. } => 403,
                _ => 400,
            };
            shown(error, self.sign_up(visit, status, email, Some(text)))
        };
        if form.password != form.again {
            return Err(refuse(ApiError::FormIncomplete, texts.differ));
        }
        // As the browser makes it, where the account is used.
        let Ok(name) = names::client_name(email) else {
            return Err(refuse(ApiError::FormIncomplete, texts.missing_data));
        };
        self.ensure_may(Deed::Proof, None, visit.origin.client)?;
        let is_address = email.contains('@');
        let new = Registering {
            name: &name,
            email: if is_address { email } else { "" },
            password: Password::new(form.password),
            proof: Proofs {
                secret: None,
                challenge: Some(&*form.challenge),
                response: Some(&*form.response),
            },
        };
        match self.register(new, visit.origin) {
            Ok(_) => {
                let frame = self.frame(visit);
                let message = Message {
                    title: texts.sign_up,
                    text: texts.account_made,
                    is_problem: false,
                    url: self.node_url(visit.origin),
                    frame,
                };
                show(200, &message)
            }
            Err(error) => Err(match &error {
                ApiError::Code(code, _) => {
                    if *code == ErrorCode::Overwrite {
                        // Who asks for one name after the other is slowed down.
                        self.note_failure(visit.origin.client)?;
                    }
                    let text = match code {
                        ErrorCode::Captcha => texts.bad_answer,
                        ErrorCode::Overwrite | ErrorCode::UserName => texts.taken,
                        ErrorCode::NoPassword => texts.no_password,
                        ErrorCode::WeakPassword => texts.weak,
                        _ => texts.bad_email,
                    };
                    refuse(error, text)
                }
                ApiError::Closed { .. } => refuse(error, texts.sign_up_closed),
                _ => error,
            }),
        }
    }
}
