//! The two pages that the original had outside its API (spec/user-1.0.md, 7).

use std::time::Instant;

use serde::Deserialize;

use super::Api;
use super::ApiError;
use super::reply;
use crate::accounts::Login;
use crate::accounts::Password;
use crate::accounts::names;
use crate::message::Response;

/// Posts to itself, so that it works under any prefix.
const DELETE_FORM: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Delete a Sync account</title>
<h1>Delete a Sync account</h1>
<p>This removes the account and everything stored in it from this server. What is in your
browsers stays there.</p>
<form method=\"post\">
<p><label>E-mail address or user name <input name=\"username\" required></label></p>
<p><label>Password <input name=\"password\" type=\"password\" required></label></p>
<p><button>Delete the account</button></p>
</form>
</html>
";

/// The fields of the form. Whatever else a body holds is passed over and never kept: anybody may
/// send it, as large as bodies get.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DeleteAccount {
    username: String,
    password: String,
}

impl Api {
    /// `GET /weave-delete-account`: a form.
    #[must_use]
    pub fn delete_account_form(&self) -> Response {
        let mut response = reply::text(DELETE_FORM);
        response.headers = vec![
            ("Content-Type", "text/html; charset=UTF-8".to_owned()),
            (
                "Content-Security-Policy",
                "default-src 'none'; frame-ancestors 'none'".to_owned(),
            ),
            ("Referrer-Policy", "no-referrer".to_owned()),
        ];
        response
    }

    /// `POST /weave-delete-account`: the name and the password, which says who may.
    ///
    /// # Errors
    /// [`ApiError::FormIncomplete`], [`ApiError::FormRefused`], and those of the accounts and of
    /// the storage.
    pub fn delete_account(&self, body: &[u8], now: Instant) -> Result<Response, ApiError> {
        let form: DeleteAccount = serde_urlencoded::from_bytes(body).unwrap_or_default();
        if form.username.is_empty() || form.password.is_empty() {
            return Err(ApiError::FormIncomplete);
        }
        let (name, password) = (form.username, form.password);
        let account = name.trim();
        let Ok(mut name) = names::server_name(account) else {
            return Err(ApiError::FormRefused(
                "no name can be made of this".to_owned(),
            ));
        };
        // Beyond ASCII the clients make another name of an address than the original server.
        if let Ok(other) = names::client_name(account)
            && self.accounts.find(&name)?.is_none()
        {
            name = other;
        }
        match self
            .accounts
            .authenticate(&name, &Password::new(password), now)?
        {
            Login::Accepted(account) => {
                self.remove(&account)?;
                Ok(reply::text("Account removed."))
            }
            Login::Refused(reason) => Err(ApiError::FormRefused(format!("{name}: {reason}"))),
        }
    }
}
