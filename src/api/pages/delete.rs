//! `weave-delete-account`: the name and the password, which says who may (spec/user-1.0.md, 7).

use askama::Template;
use serde::Deserialize;

use super::Visit;
use super::frame::Frame;
use super::frame::Message;
use super::frame::show;
use super::shown;
use crate::accounts::AccountsError;
use crate::api::Api;
use crate::api::ApiError;
use crate::message::Response;

#[derive(Template)]
#[template(path = "delete.html")]
struct DeletePage<'a> {
    frame: Frame,
    problem: Option<&'a str>,
    username: &'a str,
}

/// The fields of the form. Whatever else a body holds is passed over and never kept: anybody may
/// send it, as large as bodies get.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    username: String,
    password: String,
}

impl Api {
    pub(super) fn delete_page(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let page = DeletePage {
            frame: self.frame(visit),
            problem: None,
            username: "",
        };
        show(200, &page)
    }

    pub(super) fn delete_form(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let form: Form = visit.form();
        let frame = self.frame(visit);
        let refuse = |error, status, problem| {
            let page = DeletePage {
                frame: frame.clone(),
                problem: Some(problem),
                username: &form.username,
            };
            shown(error, show(status, &page))
        };
        if form.username.is_empty() || form.password.is_empty() {
            let text = frame.texts.missing_data;
            return Err(refuse(ApiError::FormIncomplete, 400, text));
        }
        if !self.accounts.accepts_changes() {
            return Err(AccountsError::ReadOnly.into());
        }
        match self.log_in_by_form(&form.username, form.password.clone(), visit) {
            Ok(account) => self.remove(&account)?,
            Err(error @ ApiError::FormRefused(_)) => {
                return Err(refuse(error, 403, frame.texts.bad_credentials));
            }
            Err(error) => return Err(error),
        }
        let message = Message {
            title: frame.texts.delete,
            text: frame.texts.deleted,
            frame: frame.clone(),
            is_problem: false,
            url: None,
        };
        show(200, &message)
    }
}
