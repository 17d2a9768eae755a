//! A mail to somebody who does not come any more, before what he has is deleted.

use super::Api;
use super::ApiError;
use super::Language;
use super::texts::letters;
use crate::accounts::Account;
use crate::accounts::Day;
use crate::accounts::Email;
use crate::mail::Letter;

impl Api {
    /// Whether somebody takes mails, and it is known what to name in them.
    #[must_use]
    pub const fn can_mail(&self) -> bool {
        let plain = self.hosts.plain();
        plain.post.is_some() && (plain.url.is_some() || self.settings.url.is_some())
    }

    /// Mails that what an account has goes on `day`; answers whether it has an address for that.
    ///
    /// Nobody knows which language is his: he gets all of them.
    ///
    /// # Errors
    /// [`ApiError::NotConfigured`] where nobody takes mails, and those of who takes them.
    pub fn warn_of_deletion(&self, account: &Account, day: Day) -> Result<bool, ApiError> {
        let plain = self.hosts.plain();
        let url = plain.url.as_ref().or(self.settings.url.as_ref());
        let (Some(post), Some(url)) = (&plain.post, url) else {
            return Err(ApiError::NotConfigured("mail"));
        };
        let Some(address) = account
            .email
            .as_deref()
            .and_then(|text| Email::new(text).ok())
        else {
            return Ok(false);
        };
        let texts = [Language::English, Language::German]
            .map(|language| letters::idle(language, address.as_str(), url, day));
        let [english, german] = &texts;
        post.send(&Letter {
            to: address.as_str(),
            subject: &format!("{} / {}", english.subject, german.subject),
            text: &format!("{}\n--\n\n{}", english.text, german.text),
        })?;
        log::info!(
            "warned {}, user {}, of a deletion",
            account.name,
            account.id
        );
        Ok(true)
    }
}
