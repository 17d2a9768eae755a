//! Who gets an account: one door for the browser's sign-up and for that of the pages
//! (spec/user-1.0.md, 5, "create").
//!
//! The checks come in the original's order. What opens a door that is closed, or replaces a
//! captcha, are [`Proofs`].

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use subtle::ConstantTimeEq;

use super::Api;
use super::ApiError;
use super::INVITATION;
use super::Origin;
use super::Question;
use super::reply;
use super::user::strong;
use crate::accounts::Credential;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::Password;
use crate::accounts::State;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::causes::chain;
use crate::guard::Deed;
use crate::guard::InvitationCode;
use crate::message::Response;
use crate::sync::ErrorCode;
use crate::sync::Timestamp;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Whoever has an invitation, or knows the secret.
    Closed,
    /// Everybody until there is an account, and then whoever has an invitation, or knows the
    /// secret.
    First,
    /// Everybody.
    #[default]
    Open,
}

/// Somebody who wants an account.
#[derive(Debug)]
pub struct Registering<'a> {
    /// The name, for the usual clients the hash of the address.
    pub name: &'a UserName,
    /// The address, as it was typed; may be empty where names need none.
    pub email: &'a str,
    /// The password, as it was typed.
    pub password: Password,
    /// Why he may.
    pub proof: Proofs<'a>,
}

/// What somebody shows to get an account. What is not there, or empty, was not shown.
#[derive(Clone, Copy, Default)]
pub struct Proofs<'a> {
    /// The header `X-Weave-Secret`.
    pub secret: Option<&'a [u8]>,
    /// What came with the question.
    pub challenge: Option<&'a str>,
    /// The answer to the question, or an invitation.
    pub response: Option<&'a str>,
}

/// Shows nothing of what is secret.
impl fmt::Debug for Proofs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proofs(***)")
    }
}

/// What a client sends to make an account.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The header `X-Weave-Secret`.
    pub secret: Option<&'a [u8]>,
}

const INVALID_EMAIL: ApiError = ApiError::Code(ErrorCode::Email, "no valid e-mail address");

const TAKEN: ApiError = ApiError::Code(ErrorCode::Overwrite, "the account exists");

impl Api {
    /// `PUT user/1.0/<name>`: makes an account.
    ///
    /// # Errors
    /// Code 6, and those of [`Api::register`].
    pub fn create_user(
        &self,
        name: &UserName,
        creation: Creation<'_>,
        origin: Origin<'_>,
    ) -> Result<Response, ApiError> {
        // That the name is taken goes before whatever is wrong with the body.
        if self.accounts.look_up(name)?.is_some() {
            return Err(TAKEN);
        }
        let Ok(body) = serde_json::from_slice::<Application<'_>>(creation.body) else {
            return Err(NO_OBJECT);
        };
        let text = |raw: Option<&RawValue>| match raw {
            Some(raw) => text_of(raw),
            None => Ok(None),
        };
        let email = match body.email {
            Some(raw) if raw.get() != "null" => text_of(raw)?.ok_or(INVALID_EMAIL)?,
            _ => String::new(),
        };
        let password = Password::new(text(body.password)?.unwrap_or_default());
        let (challenge, response) = (text(body.challenge)?, text(body.response)?);
        let name = self.register(
            Registering {
                name,
                email: &email,
                password,
                proof: Proofs {
                    secret: creation.secret,
                    challenge: challenge.as_deref(),
                    response: response.as_deref(),
                },
            },
            origin,
        )?;
        Ok(reply::text(name.as_str()))
    }

    /// Makes an account for somebody who asks for one.
    ///
    /// # Errors
    /// Codes 2, 3, 4, 7, 9, 12 and 15, [`ApiError::Closed`], [`ApiError::TooOften`], and those of
    /// the accounts and of the guard.
    pub fn register(&self, new: Registering<'_>, origin: Origin<'_>) -> Result<UserName, ApiError> {
        let Registering { name, .. } = new;
        if self.accounts.look_up(name)?.is_some() {
            return Err(TAKEN);
        }
        let email = self.read_email(new.email, name)?;
        if new.password.is_empty() {
            return Err(ApiError::Code(
                ErrorCode::NoPassword,
                "no password was given",
            ));
        }
        let password = strong(new.password, name)?;
        let pass = self.admit(&new.proof, origin.client)?;
        let made = self.add(&NewAccount {
            name: name.clone(),
            email,
            credential: Credential::Password(password),
            state: State::Active,
            node: None,
        });
        let returned = match &pass {
            Pass::First => self.guard.release(FIRST),
            Pass::Invitation(code) if made.is_err() => self.guard.give_back(code),
            _ => Ok(()),
        };
        let noted = returned.and_then(|()| match made {
            Ok(_) => self.guard.note(Deed::SignUp, None, origin.client),
            Err(_) => Ok(()),
        });
        // The account is there, or is not, whatever became of this.
        if let Err(error) = noted {
            log::warn!("cannot note a sign-up: {}", chain(&error));
        }
        let id = made?;
        log::info!("made account {name}, user {id}, {pass}");
        Ok(name.clone())
    }

    /// Whether somebody may make an account, and why.
    fn admit(&self, proof: &Proofs<'_>, client: Option<IpAddr>) -> Result<Pass, ApiError> {
        let response = proof
            .response
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let secret = proof.secret.filter(|_| self.settings.secret.is_some());
        if response.is_some() || secret.is_some() {
            self.ensure_may(Deed::Proof, None, client)?;
        }
        if let Some(secret) = secret {
            if self.knows_secret(secret) {
                return Ok(Pass::Secret);
            }
            // Then he may still have something else.
            self.guard.note(Deed::Proof, None, client)?;
        }
        self.ensure_may(Deed::SignUp, None, client)?;
        let (is_open, captcha) = (self.is_open()?, self.settings.captcha);
        if is_open && !captcha {
            return self.enter();
        }
        let Some(response) = response else {
            // A browser that has shown the field says then that something is to be entered.
            return Err(match captcha || proof.challenge == Some(INVITATION) {
                true => ApiError::Code(ErrorCode::Captcha, "the question was not answered"),
                false => self.closed(),
            });
        };
        if let Some(code) = InvitationCode::read(response)
            && self.guard.use_invitation(&code)?
        {
            return Ok(Pass::Invitation(code));
        }
        let is_right = |seed: &[u8]| Question::of(seed).is_answered_by(response);
        if captcha
            && let Some(token) = proof.challenge
            && self.guard.answers(token, is_right)?
        {
            return match is_open {
                true => self.enter(),
                false => Err(self.closed()),
            };
        }
        self.guard.note(Deed::Proof, None, client)?;
        let why = "neither the answer to the question nor an invitation";
        Err(ApiError::Code(ErrorCode::Captcha, why))
    }

    /// Lets somebody in where the door is open. Where only the first one may, nobody else gets in
    /// before it is known whether he has made an account.
    fn enter(&self) -> Result<Pass, ApiError> {
        if self.settings.registration != Registration::First {
            return Ok(Pass::Open);
        }
        let now = self.guard.now().centis();
        let until = Timestamp::from_centis(now.saturating_add(PATIENCE));
        if !self.guard.spend(FIRST, until)? {
            return Err(self.closed());
        }
        // Once more: he may just have been here.
        match self.is_open() {
            Ok(true) => Ok(Pass::First),
            looked => {
                self.guard.release(FIRST)?;
                Err(looked.err().unwrap_or_else(|| self.closed()))
            }
        }
    }

    fn closed(&self) -> ApiError {
        ApiError::Closed {
            secret: self.settings.secret.is_some(),
        }
    }

    fn read_email(&self, text: &str, name: &UserName) -> Result<Option<Email>, ApiError> {
        if text.is_empty() {
            return match self.settings.strict_names {
                true => Err(INVALID_EMAIL),
                false => Ok(None),
            };
        }
        let email = Email::new(text).map_err(|_| INVALID_EMAIL)?;
        if self.settings.strict_names && !names::matches(text, name) {
            let why = "the user name is not the hash of the e-mail address";
            return Err(ApiError::Code(ErrorCode::EmailMismatch, why));
        }
        Ok(Some(email))
    }

    fn knows_secret(&self, given: &[u8]) -> bool {
        let secret = self.settings.secret.as_ref();
        secret.is_some_and(|secret| secret.as_bytes().ct_eq(given).into())
    }
}

/// What is used up while the first account is being made.
const FIRST: &str = "first account";

/// How long that may take, in centiseconds, before the next one may try.
const PATIENCE: i64 = 60 * 100;

/// Why somebody may make an account.
enum Pass {
    First,
    Invitation(InvitationCode),
    Open,
    Secret,
}

/// For the log.
impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first one: from now on by invitation",
            Self::Invitation(_) => "by invitation",
            Self::Open => "registration is open",
            Self::Secret => "by the secret",
        })
    }
}

const NO_OBJECT: ApiError = ApiError::Code(ErrorCode::Json, "the body is no JSON object");

/// The members of a sign-up's body that count. A repeated one: the last wins.
///
/// Everything else is passed over and never built: anybody may send it, as large as bodies get.
#[derive(Default)]
struct Application<'a> {
    challenge: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    password: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
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
                "captcha-challenge" => found.challenge = Some(map.next_value()?),
                "captcha-response" => found.response = Some(map.next_value()?),
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
