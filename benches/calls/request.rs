//! One call as bytes, made once; only its number is written before each use.
//!
//! In: method, path, fields, body. Out: a [`Template`] for HTTP, or for FastCGI as lighttpd
//! speaks it (spec/gateway.md, 3).

use data_encoding::BASE64;

use crate::fastcgi;
use crate::site;
use crate::site::Account;

/// Stands in paths and bodies for the number of the request, in as many digits.
pub(crate) const NUMBER: &str = "########";

/// A call of the storage API.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    account: Account,
    /// The path and query below the account.
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Request {
    fn new(method: &'static str, path: &str, body: Option<&str>) -> Self {
        let request = Self {
            method,
            account: Account::FIRST,
            path: path.to_owned(),
            headers: Vec::new(),
            body: body.map(str::to_owned),
        };
        // What Pale Moon sends.
        request
            .header("Host", "sync.example")
            .header(
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:6.2) Goanna/20240401",
            )
            .header("Accept", "*/*;q=0.9,*/*;q=0.2")
            .header("Accept-Language", "en-US,en;q=0.5")
            .header("Accept-Encoding", "gzip, deflate")
            .by(Account::FIRST)
            .header("Connection", "keep-alive")
            .header("Pragma", "no-cache")
            .header("Cache-Control", "no-cache")
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path, None)
    }

    pub(crate) fn put(path: &str, body: &str) -> Self {
        Self::new("PUT", path, Some(body)).header("Content-Type", "text/plain")
    }

    pub(crate) fn post(path: &str, body: &str) -> Self {
        Self::new("POST", path, Some(body)).header("Content-Type", "text/plain")
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new("DELETE", path, None)
    }

    /// The same call of another account.
    pub(crate) fn by(mut self, account: Account) -> Self {
        let credentials = format!("{}:{}", account.name(), site::PASSWORD);
        let credentials = BASE64.encode(credentials.as_bytes());
        self.account = account;
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    /// The path and query below the mount.
    fn target(&self) -> String {
        format!("/1.1/{}/{}", self.account.name(), self.path)
    }

    /// Sets a field, in place of an earlier one of the same name.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// As a browser sends it.
    pub(crate) fn http(&self) -> Template {
        let mut text = format!(
            "{} {}{} HTTP/1.1\r\n",
            self.method,
            site::MOUNT,
            self.target()
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(self.body.as_deref().unwrap_or_default());
        Template::new(text.into_bytes())
    }

    /// As lighttpd sends it on: a connection for each request.
    pub(crate) fn fastcgi(&self) -> Template {
        let target = self.target();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let body = self.body.as_deref().unwrap_or_default();
        let mut variables: Vec<(String, String)> = [
            ("CONTENT_LENGTH", body.len().to_string()),
            ("SCRIPT_NAME", site::MOUNT.to_owned()),
            ("PATH_INFO", path.to_owned()),
            ("PATH_TRANSLATED", format!("/var/www{path}")),
            ("SCRIPT_FILENAME", format!("/var/www{}", site::MOUNT)),
            ("DOCUMENT_ROOT", "/var/www".to_owned()),
            ("REQUEST_URI", format!("{}{target}", site::MOUNT)),
            ("QUERY_STRING", query.to_owned()),
            ("REQUEST_METHOD", self.method.to_owned()),
            ("REDIRECT_STATUS", "200".to_owned()),
            ("SERVER_PROTOCOL", "HTTP/1.1".to_owned()),
            ("SERVER_SOFTWARE", "lighttpd/1.4.69".to_owned()),
            ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
            ("REQUEST_SCHEME", "http".to_owned()),
            ("SERVER_PORT", "8080".to_owned()),
            ("SERVER_ADDR", "127.0.0.1".to_owned()),
            ("SERVER_NAME", "sync.example".to_owned()),
            ("REMOTE_ADDR", "127.0.0.1".to_owned()),
            ("REMOTE_PORT", "40000".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        for (name, value) in &self.headers {
            let name = name.to_ascii_uppercase().replace('-', "_");
            let name = match name.as_str() {
                "CONTENT_TYPE" => name,
                _ => format!("HTTP_{name}"),
            };
            variables.push((name, value.clone()));
        }
        Template::new(fastcgi::request(&variables, body.as_bytes()))
    }
}

/// The bytes of a request, with places for its number.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    fn new(bytes: Vec<u8>) -> Self {
        let places = bytes
            .windows(NUMBER.len())
            .enumerate()
            .filter(|(_, window)| *window == NUMBER.as_bytes())
            .map(|(place, _)| place);
        Self {
            places: places.collect(),
            bytes,
        }
    }

    /// The request with this number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:08}");
        for place in &self.places {
            let place = *place..*place + NUMBER.len();
            if let Some(place) = self.bytes.get_mut(place) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &self.bytes
    }
}
