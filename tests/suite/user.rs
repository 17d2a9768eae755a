//! One account on a site, and requests in its name.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use data_encoding::BASE32_NOPAD;
use data_encoding::BASE64;
use serde_json::json;
use sha1::Digest;
use sha1::Sha1;

use super::message::HttpRequest;
use super::reply::Reply;
use super::site::Site;

/// The number of accounts made so far, for names that never repeat in a test process.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// An account, or the credentials of one that does not exist yet.
#[derive(Clone)]
pub(crate) struct User<'a> {
    pub(crate) site: &'a Site,
    pub(crate) email: String,
    /// The name in URLs and in Basic authentication.
    pub(crate) name: String,
    pub(crate) password: String,
    /// The Authorization header that requests carry.
    pub(crate) authorization: Option<String>,
}

impl<'a> User<'a> {
    /// Credentials that nobody else has; no account yet.
    pub(crate) fn invented(site: &'a Site) -> Self {
        Self::named(site, &invented_email(), "secret-pass")
    }

    pub(crate) fn named(site: &'a Site, email: &str, password: &str) -> Self {
        let name = name_of(email);
        Self {
            site,
            email: email.to_owned(),
            authorization: Some(basic(&name, password.as_bytes())),
            name,
            password: password.to_owned(),
        }
    }

    /// Signs up as a browser does.
    #[track_caller]
    pub(crate) fn sign_up(&self) -> Reply {
        let form = json!({
            "email": self.email, "password": self.password,
            "captcha-challenge": null, "captcha-response": null,
        });
        let body = form.to_string();
        self.nobody().user("PUT", "").body(&body).send()
    }

    /// The same account, asking without credentials.
    pub(crate) fn nobody(&self) -> Self {
        Self {
            authorization: None,
            ..self.clone()
        }
    }

    /// The same account with another Authorization header.
    pub(crate) fn authorized(&self, value: &str) -> Self {
        Self {
            authorization: Some(value.to_owned()),
            ..self.clone()
        }
    }

    /// The same account, asking with another password.
    pub(crate) fn with_password(&self, password: &str) -> Self {
        Self {
            password: password.to_owned(),
            ..self.authorized(&basic(&self.name, password.as_bytes()))
        }
    }

    /// A call of the user API; `tail` is what follows the name.
    pub(crate) fn user(&self, method: &str, tail: &str) -> Call<'a> {
        self.call(method, &format!("/user/1.0/{}{tail}", self.name))
    }

    /// A call of the storage API; `path` is what follows `/1.1/<name>/`.
    pub(crate) fn storage(&self, method: &str, path: &str) -> Call<'a> {
        self.call(method, &format!("/1.1/{}/{path}", self.name))
    }

    /// A call of anything in this user's name.
    pub(crate) fn call(&self, method: &str, target: &str) -> Call<'a> {
        let request = HttpRequest::new(method, target);
        let request = match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        Call {
            site: self.site,
            request,
        }
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.storage("GET", path).send()
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.storage("PUT", path).body(body).send()
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.storage("POST", path).body(body).send()
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.storage("DELETE", path).send()
    }
}

/// A request that is still being put together.
pub(crate) struct Call<'a> {
    site: &'a Site,
    pub(crate) request: HttpRequest,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.request = self.request.header(name, &value.to_string());
        self
    }

    /// A CGI variable that the web server sets.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        let pair = (name.to_owned(), value.to_owned());
        self.request.variables.push(pair);
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.request = self.request.body(body.as_ref());
        self
    }

    #[track_caller]
    pub(crate) fn send(&self) -> Reply {
        let response = self.site.transport().send(&self.request);
        Reply::new(&self.request, response, self.site.log())
    }
}

/// An address that nobody else has in this test process.
pub(crate) fn invented_email() -> String {
    format!("user{}@example.com", MADE.fetch_add(1, Ordering::Relaxed))
}

/// The user name of an account as clients compute it (spec/clients.md, 1.2).
pub(crate) fn name_of(account: &str) -> String {
    let account = account.to_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if account.chars().all(plain) {
        return account;
    }
    BASE32_NOPAD
        .encode(&Sha1::digest(account.as_bytes()))
        .to_lowercase()
}

/// The value of an Authorization header.
pub(crate) fn basic(name: &str, password: &[u8]) -> String {
    let mut pair = format!("{name}:").into_bytes();
    pair.extend_from_slice(password);
    format!("Basic {}", BASE64.encode(&pair))
}
