//! `weave-account`: what somebody has here, and what he can change.
//!
//! Whoever has left his browser open loses no account by it: a change of the password or of the
//! address asks for the password once more.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use askama::Template;
use jiff::Timestamp as Moment;
use serde::Deserialize;

use super::Visit;
use super::frame::Frame;
use super::frame::show;
use super::session::Birth;
use super::session::Session;
use super::session::end_of_session;
use super::shown;
use crate::accounts::Account;
use crate::accounts::Password;
use crate::accounts::names;
use crate::api::Api;
use crate::api::ApiError;
use crate::message::Body;
use crate::message::Response;
use crate::storage::Dump;
use crate::storage::StorageError;
use crate::storage::Usage;
use crate::sync::CollectionName;
use crate::sync::ErrorCode;
use crate::sync::Query;
use crate::sync::Timestamp;
use crate::sync::UserId;
use crate::transfer::Passenger;
use crate::transfer::Writer;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    problem: Option<&'a str>,
    notice: Option<&'a str>,
    username: &'a str,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: Frame,
    problem: Option<&'a str>,
    notice: Option<&'a str>,
    email: &'a str,
    name: &'a str,
    /// What a password manager knows him by.
    entered: &'a str,
    token: &'a str,
    rows: Vec<Row>,
}

/// A collection, as it is shown.
struct Row {
    name: String,
    records: u64,
    size: String,
    changed: String,
}

/// The fields of all forms of the page; `do` says which one was sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    #[serde(rename = "do")]
    deed: String,
    token: String,
    username: String,
    password: String,
    new: String,
    again: String,
    email: String,
    collection: String,
    sure: String,
}

/// Whose page it is, and when he signed in; absent: just now.
struct Who {
    account: Account,
    birth: Option<Birth>,
}

impl From<Session> for Who {
    fn from(session: Session) -> Self {
        Self {
            account: session.account,
            birth: Some(session.birth),
        }
    }
}

/// What is told on the page.
#[derive(Clone, Copy, Default)]
struct Told<'a> {
    problem: Option<&'a str>,
    notice: Option<&'a str>,
}

impl<'a> Told<'a> {
    const fn problem(text: &'a str) -> Self {
        Self {
            problem: Some(text),
            notice: None,
        }
    }

    const fn notice(text: &'a str) -> Self {
        Self {
            problem: None,
            notice: Some(text),
        }
    }
}

impl Api {
    pub(super) fn account_page(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        match self.session(visit)? {
            Some(session) => self.account_of(session.into(), visit, 200, Told::default()),
            None => self.sign_in(visit, 200, "", Told::default()),
        }
    }

    fn sign_in(
        &self,
        visit: &Visit<'_>,
        status: u16,
        username: &str,
        told: Told<'_>,
    ) -> Result<Response, ApiError> {
        let page = SignIn {
            frame: self.frame(visit),
            problem: told.problem,
            notice: told.notice,
            username,
        };
        show(status, &page)
    }

    /// The page, with which the session goes on.
    fn account_of(
        &self,
        who: Who,
        visit: &Visit<'_>,
        status: u16,
        told: Told<'_>,
    ) -> Result<Response, ApiError> {
        let (session, cookie) = self.go_on(who.account, who.birth, visit)?;
        let Session { account, token, .. } = session;
        let email = account.email.as_deref();
        // Once the address is another one, the name alone still leads here.
        let entered = email.filter(|email| names::matches(email, &account.name));
        let page = AccountPage {
            frame: self.frame(visit),
            problem: told.problem,
            notice: told.notice,
            email: email.unwrap_or("–"),
            entered: entered.unwrap_or(account.name.as_str()),
            name: account.name.as_str(),
            token: &token,
            rows: self.rows(account.id)?,
        };
        let mut response = show(status, &page)?;
        response.headers.push(cookie);
        Ok(response)
    }

    fn rows(&self, user: UserId) -> Result<Vec<Row>, StorageError> {
        let mut found: BTreeMap<String, (Usage, Timestamp)> = BTreeMap::new();
        for (_, storage) in self.hosts.storages() {
            for (name, changed) in storage.collections(user)?.value.iter() {
                let row = found.entry(name.clone()).or_default();
                row.1 = row.1.max(*changed);
            }
            for (name, usage) in storage.usage(user)?.value {
                let row = found.entry(name).or_default();
                row.0.records += usage.records;
                row.0.bytes += usage.bytes;
            }
        }
        let rows = found.into_iter().map(|(name, (usage, changed))| Row {
            name,
            records: usage.records,
            size: size(usage.bytes),
            changed: date(changed),
        });
        Ok(rows.collect())
    }

    pub(super) fn account_form(&self, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let form: Form = visit.form();
        let texts = self.frame(visit).texts;
        if form.deed == "sign-in" {
            return match self.log_in_by_form(&form.username, form.password, visit) {
                Ok(account) => {
                    let who = Who {
                        account,
                        birth: None,
                    };
                    self.account_of(who, visit, 200, Told::default())
                }
                Err(error @ ApiError::FormRefused(_)) => {
                    let told = Told::problem(texts.bad_credentials);
                    let page = self.sign_in(visit, 403, &form.username, told);
                    Err(shown(error, page))
                }
                Err(error) => Err(error),
            };
        }
        let session = self.session(visit)?;
        let Some(session) = session.filter(|session| is_same(&session.token, &form.token)) else {
            return self.sign_in(visit, 403, "", Told::problem(texts.expired));
        };
        match form.deed.as_str() {
            "sign-out" => {
                self.end_session(&session)?;
                let mut response = self.sign_in(visit, 200, "", Told::notice(texts.signed_out))?;
                response.headers.push(end_of_session());
                Ok(response)
            }
            "download" => self.download(&session.account),
            "wipe" => self.wipe_by_form(&form, session.into(), visit),
            "password" | "email" => self.change_by_form(form, session.into(), visit),
            _ => self.account_of(session.into(), visit, 400, Told::default()),
        }
    }

    fn wipe_by_form(&self, form: &Form, who: Who, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let texts = self.frame(visit).texts;
        if form.sure != "yes" {
            let told = Told::problem(texts.missing_data);
            return self.account_of(who, visit, 400, told);
        }
        if form.collection.is_empty() {
            self.hosts.delete_all(who.account.id)?;
        } else {
            let collection: Result<CollectionName, _> = form.collection.parse();
            let Ok(collection) = collection else {
                return self.account_of(who, visit, 400, Told::default());
            };
            for (_, storage) in self.hosts.storages() {
                storage.delete(who.account.id, &collection, &Query::default(), None)?;
            }
        }
        log::info!(
            "deleted data of {}, user {}",
            who.account.name,
            who.account.id
        );
        self.account_of(who, visit, 200, Told::notice(texts.wiped))
    }

    fn change_by_form(
        &self,
        form: Form,
        who: Who,
        visit: &Visit<'_>,
    ) -> Result<Response, ApiError> {
        let texts = self.frame(visit).texts;
        let Who { account, birth } = who;
        let page =
            |account, status, told| self.account_of(Who { account, birth }, visit, status, told);
        if form.deed == "password" && form.new != form.again {
            return page(account, 400, Told::problem(texts.differ));
        }
        let proof = Password::new(form.password);
        let account = match self.log_in(&account.name, &proof, visit.origin.client) {
            Ok(account) => account,
            Err(ApiError::Refused(reason)) => {
                let error = ApiError::FormRefused(format!("{}: {reason}", account.name));
                let page = page(account, 403, Told::problem(texts.bad_credentials));
                return Err(shown(error, page));
            }
            Err(error) => return Err(error),
        };
        let (changed, done) = match form.deed.as_str() {
            "password" => {
                let new = form.new.into_bytes();
                (
                    self.set_password(&account, new, &proof),
                    texts.password_changed,
                )
            }
            _ => {
                let email = form.email.as_bytes();
                (self.set_email(&account, email, &proof), texts.email_changed)
            }
        };
        match changed {
            Ok(_) => {
                let name = &account.name;
                let account = self
                    .accounts
                    .find(name)?
                    .ok_or(ApiError::NotFound("user"))?;
                page(account, 200, Told::notice(done))
            }
            Err(error @ ApiError::Code(code, _)) => {
                let text = match code {
                    ErrorCode::WeakPassword => texts.weak,
                    _ => texts.bad_email,
                };
                Err(shown(error, page(account, 400, Told::problem(text))))
            }
            Err(error) => Err(error),
        }
    }

    /// Everything that a user has, as the open archive that `weaved user import` reads; without
    /// what is known of his password.
    fn download(&self, account: &Account) -> Result<Response, ApiError> {
        let mut dumps: Vec<(Option<String>, Box<dyn Dump>)> = Vec::new();
        for (host, storage) in self.hosts.storages() {
            dumps.push((host.map(str::to_owned), storage.dump()?));
        }
        let (now, user) = (self.guard.now(), account.id);
        let passenger = Passenger {
            name: account.name.clone(),
            email: account.email.clone(),
            hash: None,
            state: account.state,
            node: account.node.clone(),
        };
        let name = format!("attachment; filename=\"sync-{}.jsonl\"", account.name);
        let write = move |out: &mut dyn std::io::Write| {
            let mut writer = Writer::begin(out, now)?;
            writer.account(&passenger)?;
            for (host, dump) in &mut dumps {
                let mut result = Ok(());
                let read = dump.each(user, &mut |stored| match writer
                    .record(stored, host.as_deref())
                {
                    Ok(_) => ControlFlow::Continue(()),
                    Err(error) => {
                        result = Err(error);
                        ControlFlow::Break(())
                    }
                });
                result?;
                read.map_err(std::io::Error::other)?;
            }
            writer.finish().map(drop)
        };
        Ok(Response {
            status: 200,
            headers: vec![
                ("Content-Type", "application/x-ndjson".to_owned()),
                ("Content-Disposition", name),
                ("X-Content-Type-Options", "nosniff".to_owned()),
            ],
            body: Body::Stream(Box::new(write)),
        })
    }
}

/// In constant time.
fn is_same(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq;

    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    }
}

/// A point in time for people, in UTC.
fn date(time: Timestamp) -> String {
    let Ok(moment) = Moment::from_second(time.seconds()) else {
        return time.to_string();
    };
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_dates_are_for_people() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1025, "2 KB"),
            (1 << 20, "1.0 MB"),
            (1_600_000, "1.5 MB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
        let time = Timestamp::from_centis(132_200_000_000);
        assert_eq!(date(time), "2011-11-22 22:13");
    }
}
