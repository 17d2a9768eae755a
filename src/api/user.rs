//! Accounts, as browsers and old tools handle them once they are made (spec/user-1.0.md, 5).

use super::Api;
use super::ApiError;
use super::Node;
use super::Origin;
use super::reply;
use crate::accounts::Account;
use crate::accounts::AccountsError;
use crate::accounts::Email;
use crate::accounts::NewAccount;
use crate::accounts::NewPassword;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::causes::chain;
use crate::message::Body;
use crate::message::Response;
use crate::sync::ErrorCode;
use crate::sync::UserId;

pub(super) const UNKNOWN: ApiError = ApiError::NotFound("user");

impl Api {
    /// `GET user/1.0/<name>`: `1` when the name is taken, `0` when it is free.
    ///
    /// # Errors
    /// Those of the accounts.
    pub fn user_exists(&self, name: &UserName) -> Result<Response, ApiError> {
        let taken = self.accounts.look_up(name)?.is_some();
        Ok(reply::text(if taken { "1" } else { "0" }))
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
        let own = self.accounts.look_up(name)?.ok_or(UNKNOWN)?;
        let own = own.filter(|_| self.settings.nodes_of_users);
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
        // What was mailed to the old address is not its new owner's.
        self.codes.withdraw(account.id)?;
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
        // Wherever codes are kept: whoever holds one must not change it back.
        self.codes.withdraw(account.id)?;
        log::info!(
            "changed the password of {}, user {}",
            account.name,
            account.id
        );
        Ok(reply::text("success"))
    }
}

/// A password that is good enough for this user.
///
/// # Errors
/// Code 9.
pub(super) fn strong(password: Password, name: &UserName) -> Result<NewPassword, ApiError> {
    NewPassword::new(password, name)
        .map_err(|_| ApiError::Code(ErrorCode::WeakPassword, "the password is too weak"))
}
