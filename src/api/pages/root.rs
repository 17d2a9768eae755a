//! The page at the server's URL: that it works, and what to enter into a browser.

use askama::Template;

use super::Visit;
use super::frame::Frame;
use super::frame::show;
use crate::api::Api;
use crate::api::ApiError;
use crate::api::Difference;
use crate::api::Node;
use crate::message::Response;

/// Where the root was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    /// The last part of its path, if there is one and no slash at its end.
    pub last: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "root.html")]
struct Welcome {
    frame: Frame,
    /// What to enter into a browser, if that can be told.
    url: Option<String>,
    /// Whether browsers are sent nowhere.
    takes_nobody: bool,
    /// By what the page was opened, if that is not where browsers are sent to.
    called: Option<String>,
    /// Where devices pair, if they do.
    relay: Option<String>,
    /// Whether new accounts need an invitation.
    invited: bool,
}

impl Api {
    /// `GET /`: that the server works, and what to type into a browser.
    ///
    /// # Errors
    /// Those of the accounts.
    pub fn welcome(&self, root: Root<'_>, visit: &Visit<'_>) -> Result<Response, ApiError> {
        let origin = visit.origin;
        let called = match self.node_of(origin) {
            Node::Url(url) => origin
                .differs(url)
                // Where TLS ends in front of the web server this is how it should be.
                .filter(|difference| *difference != Difference::SchemeOrUntold)
                .and_then(|_| origin.url()),
            Node::Derived | Node::Null => None,
        };
        let mut frame = self.frame(visit);
        if let Some(last) = root.last {
            frame.base = format!("{last}/");
            frame.home = "";
        }
        let url = self.node_url(origin);
        let relay = self.relay.as_ref().and(url.as_ref());
        show(
            200,
            &Welcome {
                relay: relay.map(|url| format!("{url}jpake/")),
                url,
                takes_nobody: *self.node_of(origin) == Node::Null,
                called,
                // A page that tells that the server works must not fail with the accounts.
                invited: matches!(self.is_open(), Ok(false)),
                frame,
            },
        )
    }
}
