//! Somebody who opens pages and sends their forms, as a browser does.

use std::cell::RefCell;

use super::reply::Reply;
use super::site::Site;

/// A visitor with his cookie.
pub(crate) struct Visitor<'a> {
    site: &'a Site,
    /// The cookie's name and value.
    cookie: RefCell<Option<String>>,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self {
            site,
            cookie: RefCell::default(),
            headers: Vec::new(),
        }
    }

    /// Sends this with every request.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Takes the cookie of another visitor along.
    pub(crate) fn like(self, other: &Self) -> Self {
        self.cookie.replace(other.cookie.borrow().clone());
        self
    }

    pub(crate) fn set_cookie(&self, cookie: &str) {
        self.cookie.replace(Some(cookie.to_owned()));
    }

    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.borrow().clone()
    }

    /// Opens a page.
    #[track_caller]
    pub(crate) fn open(&self, page: &str) -> Reply {
        self.send("GET", page, None)
    }

    /// Sends a form; names and values are encoded here.
    #[track_caller]
    pub(crate) fn submit(&self, page: &str, fields: &[(&str, &str)]) -> Reply {
        self.send("POST", page, Some(encoded(fields)))
    }

    #[track_caller]
    fn send(&self, method: &str, page: &str, body: Option<String>) -> Reply {
        let mut call = self.site.stranger().call(method, page);
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if let Some(cookie) = &*self.cookie.borrow() {
            call = call.header("Cookie", cookie);
        }
        if let Some(body) = body {
            call = call.header("Content-Type", "application/x-www-form-urlencoded");
            call = call.body(body);
        }
        let reply = call.send();
        if let Some(set) = reply.maybe("Set-Cookie") {
            assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
            let cookie = set.split(';').next().unwrap();
            let is_over = set.contains("Max-Age=0");
            self.cookie.replace((!is_over).then(|| cookie.to_owned()));
        }
        reply
    }
}

/// Fields as a form sends them.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        bytes.collect::<String>()
    };
    let fields = fields.iter();
    let fields: Vec<_> = fields
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    fields.join("&")
}

impl Reply {
    /// The value of the first hidden field of this name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let text = self.text();
        let start = format!("name=\"{name}\" value=\"");
        let value = text.split_once(&start);
        let value = value.and_then(|(_, rest)| rest.split_once('"'));
        value.unwrap_or_else(|| self.fail(name)).0.to_owned()
    }
}
