//! Accounts, as the browsers' sign-up and old tools handle them (spec/user-1.0.md, 5).

use std::fmt;

use serde::Deserialize;
use serde::de::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq;

use super::Api;
use super::ApiError;
use super::Node;
use super::Origin;
use super::Registration;
use super::reply;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::accounts::Credential;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::NewPassword;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::causes::chain;
use crate::message::Body;
use crate::message::Response;
use crate::sync::ErrorCode;
use crate::sync::UserId;

/// What a client sends to make an account.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The header `X-Weave-Secret`.
    pub secret: Option<&'a [u8]>,
}

pub(super) const UNKNOWN: ApiError = ApiError::NotFound("user");

const NO_OBJECT: ApiError = ApiError::Code(ErrorCode::Json, "the body is no JSON object");

/// The members of a sign-up's body that count. A repeated one: the last wins.
///
/// Everything else is passed over and never built: anybody may send it, as large as bodies get.
#[derive(Default)]
struct Application<'a> {
    email: Option<&'a RawValue>,
    password: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Application<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ApplicationVisitor)
    }
}

struct ApplicationVisitor;

impl<'de> Visitor<'de> for ApplicationVisitor {
    type Value = Application<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Application::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "email" => found.email = Some(map.next_value()?),
                "password" => found.password = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// The text of a JSON string; absent for any other value.
fn text_of(raw: &RawValue) -> Result<Option<String>, ApiError> {
    if !raw.get().starts_with('"') {
        return Ok(None);
    }
    let text = serde_json::from_str(raw.get()).map_err(|_| NO_OBJECT)?;
    Ok(Some(text))
}

impl Api {
    /// `GET user/1.0/<name>`: `1` when the name is taken, `0` when it is free.
    ///
    /// # Errors
    /// Those of the accounts.
    pub fn user_exists(&self, name: &UserName) -> Result<Response, ApiError> {
        let taken = self.accounts.find(name)?.is_some();
        Ok(reply::text(if taken { "1" } else { "0" }))
    }

    /// `PUT user/1.0/<name>`: makes an account; the checks come in the original's order.
    ///
    /// # Errors
    /// Codes 2, 3, 4, 6, 7, 9, 12 and 15, [`ApiError::Closed`], and those of the accounts.
    pub fn create_user(
        &self,
        name: &UserName,
        creation: Creation<'_>,
    ) -> Result<Response, ApiError> {
        if self.accounts.find(name)?.is_some() {
            return Err(ApiError::Code(ErrorCode::Overwrite, "the account exists"));
        }
        let Ok(body) = serde_json::from_slice::<Application<'_>>(creation.body) else {
            return Err(NO_OBJECT);
        };
        let email = self.read_email(body.email, name)?;
        let password = match body.password.map(text_of).transpose()?.flatten() {
            Some(text) if !text.is_empty() => Password::new(text),
            _ => {
                return Err(ApiError::Code(
                    ErrorCode::NoPassword,
                    "no password was given",
                ));
            }
        };
        let password = strong(password, name)?;
        if !self.knows_secret(creation.secret) {
            if self.settings.captcha {
                return Err(ApiError::Code(
                    ErrorCode::Captcha,
                    "there is no captcha to solve",
                ));
            }
            if self.settings.registration == Registration::Closed {
                return Err(ApiError::Closed);
            }
        }
        let credential = Credential::Password(password);
        let id = self.add(&NewAccount {
            name: name.clone(),
            email,
            credential,
        })?;
        log::info!("made account {name}, user {id}");
        Ok(reply::text(name.as_str()))
    }

    /// Makes an account under an id that no records belong to, also not somebody's who is gone.
    ///
    /// # Errors
    /// Codes 3 and 4, and those of the accounts and of the storage.
    pub fn add(&self, account: &NewAccount) -> Result<UserId, ApiError> {
        let floor = self.hosts.highest_user()?.0;
        let id = self.accounts.create(account, floor)?;
        // Nobody takes him for somebody who left before he came.
        self.last_use.note(id, self.guard.now());
        Ok(id)
    }

    fn read_email(
        &self,
        value: Option<&RawValue>,
        name: &UserName,
    ) -> Result<Option<Email>, ApiError> {
        const INVALID: ApiError = ApiError::Code(ErrorCode::Email, "no valid e-mail address");
        let text = match value {
            Some(raw) if raw.get() != "null" => text_of(raw)?.ok_or(INVALID)?,
            _ => String::new(),
        };
        if text.is_empty() {
            return if self.settings.strict_names {
                Err(INVALID)
            } else {
                Ok(None)
            };
        }
        let email = Email::new(&text).map_err(|_| INVALID)?;
        if self.settings.strict_names && !names::matches(&text, name) {
            let why = "the user name is not the hash of the e-mail address";
            return Err(ApiError::Code(ErrorCode::EmailMismatch, why));
        }
        Ok(Some(email))
    }

    fn knows_secret(&self, given: Option<&[u8]>) -> bool {
        match (&self.settings.secret, given) {
            (Some(secret), Some(given)) => secret.as_bytes().ct_eq(given).into(),
            _ => false,
        }
    }

    /// `DELETE user/1.0/<name>`: removes the account and all its records.
    ///
    /// # Errors
    /// Those of the accounts and of the storage.
    pub fn delete_user(&self, account: &Account) -> Result<Response, ApiError> {
        self.remove(account)?;
        Ok(reply::text("1"))
    }

    /// Removes an account and all its records.
    ///
    /// # Errors
    /// Those of the accounts and of the storage.
    pub fn remove(&self, account: &Account) -> Result<(), ApiError> {
        // Before anything is gone for an account that stays.
        if !self.accounts.accepts_changes() {
            return Err(AccountsError::ReadOnly.into());
        }
        // The records first: what remains when this is cut short can be deleted again. And once
        // more afterwards, and for good: another device may be writing, and was let in before.
        self.hosts.delete_all(account.id)?;
        self.accounts.delete(account.id)?;
        self.hosts.forget(account.id)?;
        if let Err(error) = self.last_use.forget(account.id) {
            log::debug!(
                "user={} keeps the day of the last use: {}",
                account.id,
                chain(&error)
            );
        }
        log::info!("removed account {}, user {}", account.name, account.id);
        Ok(())
    }

    /// `GET user/1.0/<name>/node/weave`: where the user's storage is; a bare URL, which ends in
    /// `/`, without a newline (decisions, 8).
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for an unknown user, and those of the accounts.
    pub fn node(&self, name: &UserName, origin: Origin<'_>) -> Result<Response, ApiError> {
        let account = self.accounts.find(name)?.ok_or(UNKNOWN)?;
        let own = account.node.filter(|_| self.settings.nodes_of_users);
        Ok(match own.or_else(|| self.node_url(origin)) {
            Some(url) => reply::text(&url),
            None => Response {
                status: 200,
                headers: vec![("Content-Type", "application/json".to_owned())],
                body: Body::Bytes(b"null".to_vec()),
            },
        })
    }

    /// What is configured about where storage is, for a client that came by `origin`.
    #[must_use]
    pub fn node_of(&self, origin: Origin<'_>) -> &Node {
        let own = self.hosts.of(origin).node.as_ref();
        own.unwrap_or(&self.settings.node)
    }

    /// Where storage is for a client that came by `origin`; absent where there is no node.
    pub(super) fn node_url(&self, origin: Origin<'_>) -> Option<String> {
        match self.node_of(origin) {
            Node::Url(url) => Some(url.clone()),
            Node::Derived => origin.url(),
            Node::Null => None,
        }
    }

    /// `POST user/1.0/<name>/email`: changes where mail goes; the name stays. `proof` is the
    /// password that the client has shown.
    ///
    /// # Errors
    /// Code 12, and those of the accounts.
    pub fn set_email(
        &self,
        account: &Account,
        body: &[u8],
        proof: &Password,
    ) -> Result<Response, ApiError> {
        let text = std::str::from_utf8(body).unwrap_or_default().trim();
        let email = Email::new(text)
            .map_err(|_| ApiError::Code(ErrorCode::Email, "no valid e-mail address"))?;
        self.accounts
            .set_email(account.id, Some(&email), Some(proof))?;
        Ok(reply::text(email.as_str()))
    }

    /// `POST user/1.0/<name>/password`: changes the password. `proof` is the old one, which the
    /// client has shown.
    ///
    /// # Errors
    /// Code 9, and those of the accounts.
    pub fn set_password(
        &self,
        account: &Account,
        body: Vec<u8>,
        proof: &Password,
    ) -> Result<Response, ApiError> {
        let Ok(password) = Password::from_utf8(body) else {
            return Err(ApiError::Code(
                ErrorCode::WeakPassword,
                "the password is not UTF-8",
            ));
        };
        let password = strong(password, &account.name)?;
        self.accounts
            .set_password(account.id, &password, Some(proof))?;
        log::info!(
            "changed the password of {}, user {}",
            account.name,
            account.id
        );
        Ok(reply::text("success"))
    }
}

pub(super) fn strong(password: Password, name: &UserName) -> Result<NewPassword, ApiError> {
    NewPassword::new(password, name)
        .map_err(|_| ApiError::Code(ErrorCode::WeakPassword, "the password is too weak"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, password: Option<&str>) {
        let found: Application<'_> = serde_json::from_str(body).unwrap();
        let text = found.password.and_then(|raw| text_of(raw).unwrap());
        assert_eq!(text.as_deref(), password, "{body}");
    }

    #[test]
    fn the_members_that_count_are_found_among_others() {
        check(r#"{"password":"a"}"#, Some("a"));
        check(r#"{"pass\u0077ord":"\u00e9"}"#, Some("é"));
        check(
            r#"{"password":"a","password":"b","x":[{"password":"c"}]}"#,
            Some("b"),
        );
        check(r#"{"password":1}"#, None);
        check("{}", None);
        // As deep as a body can be.
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        check(&format!(r#"{{"x":{deep},"password":"a"}}"#), Some("a"));
    }

    #[test]
    fn only_an_object_will_do() {
        for body in [
            "[]",
            r#"["a","b"]"#,
            "1",
            "null",
            "",
            r#"{"password":"a"}x"#,
        ] {
            assert!(
                serde_json::from_str::<Application<'_>>(body).is_err(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_text_that_cannot_be_decoded_is_no_json() {
        let found: Application<'_> = serde_json::from_str(r#"{"password":"\ud800"}"#).unwrap();
        assert!(text_of(found.password.unwrap()).is_err());
    }
}
