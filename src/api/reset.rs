//! A forgotten password: a mail with a code, and the code for another password
//! (spec/user-1.0.md, 5 and 6).
//!
//! The link in the mail begins with the configured URL, never with the one that somebody asked by:
//! he could have asked for another's mail with a Host of his own.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread;

use super::Api;
use super::ApiError;
use super::Language;
use super::Origin;
use super::reply;
use super::texts::letters;
use super::user::UNKNOWN;
use super::user::strong;
use crate::accounts::Account;
use crate::accounts::Accounts;
use crate::accounts::Email;
use crate::accounts::Password;
use crate::accounts::ResetCode;
use crate::accounts::ResetCodes;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::causes::chain;
use crate::guard::Deed;
use crate::guard::Guard;
use crate::mail::Letter;
use crate::mail::Post;
use crate::message::Response;
use crate::sync::ErrorCode;

const NOT_CONFIGURED: ApiError = ApiError::NotConfigured("password reset");

const WRONG_CODE: ApiError = ApiError::Code(ErrorCode::ResetCode, "reset code: wrong or over");

/// What a mail with a code takes.
#[derive(Clone)]
struct Desk {
    accounts: Arc<dyn Accounts>,
    codes: Arc<ResetCodes>,
    guard: Arc<Guard>,
    post: Arc<dyn Post>,
    /// Where the pages are, with a slash at its end.
    url: String,
}

impl Api {
    /// `GET user/1.0/<name>/password_reset`: mails a code.
    ///
    /// # Errors
    /// [`ApiError::NotConfigured`], code 3 for an unknown user, code 12 for one without an
    /// address, and those of the accounts, of the guard and of the post.
    pub fn request_reset(
        &self,
        name: &UserName,
        origin: Origin<'_>,
        language: Language,
    ) -> Result<Response, ApiError> {
        let desk = self.desk(origin)?;
        let account = self.accounts.find(name)?.ok_or(ApiError::Code(
            ErrorCode::UserName,
            "there is no such account",
        ))?;
        desk.mail(&account, origin.client, language)?;
        Ok(reply::text("success"))
    }

    /// The same for a page, which must not tell whether there is such an account, nor by the time
    /// that it takes: the mail is made and sent after the answer, and only the log tells how that
    /// went. `account` is a name or an address.
    ///
    /// # Errors
    /// [`ApiError::NotConfigured`], and [`ApiError::TooOften`] when many are under way.
    pub fn request_reset_later(
        &self,
        account: &str,
        origin: Origin<'_>,
        language: Language,
    ) -> Result<(), ApiError> {
        let desk = self.desk(origin)?;
        let place = self.mails.board().ok_or(ApiError::TooOften)?;
        let (account, client) = (account.to_owned(), origin.client);
        let mail = move || {
            let _place = place;
            if let Err(error) = desk.mail_to(&account, client, language) {
                log::warn!("no mail with a reset code: {}", chain(&error));
            }
        };
        let started = thread::Builder::new().name("mail".to_owned()).spawn(mail);
        started.map(drop).map_err(|error| {
            log::error!("cannot start a thread for a mail: {error}");
            ApiError::TooOften
        })
    }

    /// Whether a password can be reset here.
    #[must_use]
    pub fn resets(&self, origin: Origin<'_>) -> bool {
        self.desk(origin).is_ok()
    }

    /// `DELETE user/1.0/<name>/password_reset`: makes the user's codes void.
    ///
    /// # Errors
    /// [`ApiError::NotConfigured`], and those of the accounts.
    pub fn withdraw_reset(
        &self,
        account: &Account,
        origin: Origin<'_>,
    ) -> Result<Response, ApiError> {
        self.desk(origin)?;
        self.codes.withdraw(account.id)?;
        Ok(reply::text("success"))
    }

    /// `POST user/1.0/<name>/password` with a reset code, which is used up by it.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for an unknown user, code 10 for a code that is wrong or over, code
    /// 9, and those of the accounts and of the guard.
    pub fn reset_password(
        &self,
        name: &UserName,
        code: &str,
        body: Vec<u8>,
        client: Option<IpAddr>,
    ) -> Result<Response, ApiError> {
        // First: nobody learns from a refusal who has an account.
        self.ensure_may(Deed::Proof, None, client)?;
        let account = self.accounts.find(name)?.ok_or(UNKNOWN)?;
        let password = Password::from_utf8(body)
            .map_err(|_| ApiError::Code(ErrorCode::WeakPassword, "the password is not UTF-8"));
        let password = password.and_then(|password| strong(password, &account.name));
        let now = self.guard.now();
        let code = ResetCode::parse(code);
        // A right code is not used up by a password that is too weak.
        let is_right = match (&code, &password) {
            (Some(code), Ok(_)) => self.codes.take(account.id, code, now)?,
            (Some(code), Err(_)) => self.codes.knows(account.id, code, now)?,
            (None, _) => false,
        };
        let (Some(code), true) = (code, is_right) else {
            self.guard.note(Deed::Proof, None, client)?;
            return Err(WRONG_CODE);
        };
        if let Err(error) = self.accounts.set_password(account.id, &password?, None) {
            // Nothing was set: he shall try again.
            if let Err(error) = self.codes.give_back(account.id, &code, now) {
                log::warn!("cannot give a reset code back: {}", chain(&error));
            }
            return Err(error.into());
        }
        // Who has guessed before, and then helped himself, gets in at once.
        if let Err(error) = self.guard.welcome(account.name.as_str(), client) {
            log::warn!("cannot note a new password: {}", chain(&error));
        }
        log::info!(
            "changed the password of {}, user {}, by a reset code",
            account.name,
            account.id
        );
        Ok(reply::text("success"))
    }

    /// Notes that somebody has shown what is not right.
    pub(super) fn note_failure(&self, client: Option<IpAddr>) -> Result<(), ApiError> {
        Ok(self.guard.note(Deed::Proof, None, client)?)
    }

    fn desk(&self, origin: Origin<'_>) -> Result<Desk, ApiError> {
        let hosted = self.hosts.of(origin);
        let url = hosted.url.as_ref().or(self.settings.url.as_ref());
        match (&hosted.post, url) {
            (Some(post), Some(url)) if self.accounts.accepts_changes() => Ok(Desk {
                accounts: Arc::clone(&self.accounts),
                codes: Arc::clone(&self.codes),
                guard: Arc::clone(&self.guard),
                post: Arc::clone(post),
                url: url.clone(),
            }),
            _ => Err(NOT_CONFIGURED),
        }
    }
}

impl Desk {
    /// Mails a code to whoever this is, if there is such an account with an address.
    fn mail_to(
        &self,
        account: &str,
        client: Option<IpAddr>,
        language: Language,
    ) -> Result<(), ApiError> {
        let account = account.trim();
        for name in [names::server_name(account), names::client_name(account)] {
            let Ok(name) = name else { continue };
            if let Some(account) = self.accounts.find(&name)? {
                return self.mail(&account, client, language);
            }
        }
        Err(ApiError::NotFound("user"))
    }

    /// Mails a code, unless one was mailed a short time ago.
    fn mail(
        &self,
        account: &Account,
        client: Option<IpAddr>,
        language: Language,
    ) -> Result<(), ApiError> {
        const NO_ADDRESS: ApiError =
            ApiError::Code(ErrorCode::Email, "the account has no e-mail address");
        let address = account.email.as_deref().unwrap_or_default();
        let address = Email::new(address).map_err(|_| NO_ADDRESS)?;
        let name = account.name.as_str();
        if !self.guard.may(Deed::Mail, Some(name), client)? {
            log::info!("no mail to {name}: there were enough of them");
            return Ok(());
        }
        self.guard.note(Deed::Mail, Some(name), client)?;
        let code = self.codes.make(account.id, self.guard.now())?;
        // Nothing in either needs to be escaped.
        let link = format!(
            "{}weave-password-reset?username={name}&key={}",
            self.url,
            code.as_str()
        );
        let text = letters::reset(language, &link, self.codes.lifetime());
        let sent = self.post.send(&Letter {
            to: address.as_str(),
            subject: text.subject,
            text: &text.text,
        });
        if sent.is_err() {
            // Nobody has it: he may try again as soon as he likes.
            self.guard.forgive(Deed::Mail, Some(name), client)?;
        }
        sent?;
        log::info!("mailed a reset code to {name}, user {}", account.id);
        Ok(())
    }
}
