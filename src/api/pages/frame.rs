//! What stands around every page, and how a page goes out.
//!
//! A page loads nothing, runs nothing and is shown in nobody's frame; its one style is known by
//! its digest. Links are relative, so that they work under any prefix: all pages are on one level,
//! and only the root may be opened with or without the slash at its end.

use askama::Template;
use data_encoding::BASE64;
use sha2::Digest;
use sha2::Sha256;

use super::Visit;
use crate::api::Api;
use crate::api::ApiError;
use crate::api::Registration;
use crate::api::texts::pages::Texts;
use crate::message::Body;
use crate::message::Response;

/// The style of all pages.
const STYLE: &str = include_str!("../../../templates/style.css");

/// What stands around every page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) texts: &'static Texts,
    pub(super) offers: Offers,
    /// What has to stand before a link to a page.
    pub(super) base: String,
    /// The link to the root, after `base`.
    pub(super) home: &'static str,
}

/// What can be done here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offers {
    /// Accounts are changed here, and not in a directory.
    pub(super) changes: bool,
    /// Passwords are set anew by mail.
    pub(super) reset: bool,
    /// Accounts are made, perhaps with an invitation.
    pub(super) sign_up: bool,
}

impl Frame {
    #[expect(clippy::unused_self, reason = "the template asks the frame")]
    pub(super) const fn style(&self) -> &'static str {
        STYLE
    }
}

impl Api {
    /// The frame of a page beside the root.
    pub(super) fn frame(&self, visit: &Visit<'_>) -> Frame {
        let changes = self.accounts.accepts_changes();
        let is_closed = self.settings.registration != Registration::Open;
        let offers = Offers {
            changes,
            reset: self.resets(visit.origin),
            // Whether a closed server has given invitations to anybody is asked on the page.
            sign_up: changes || !is_closed,
        };
        Frame {
            texts: Texts::of(visit.language),
            offers,
            base: String::new(),
            home: "./",
        }
    }
}

/// A page as it goes out.
pub(super) fn show(status: u16, page: &impl Template) -> Result<Response, ApiError> {
    let text = page
        .render()
        .map_err(|error| ApiError::Unreadable(format!("cannot write the page: {error}")))?;
    let style = BASE64.encode(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    Ok(Response {
        status,
        headers: vec![
            ("Content-Type", "text/html; charset=UTF-8".to_owned()),
            ("Content-Security-Policy", policy),
            // Other sites learn nothing, not even of a code in the address; our own forms are
            // known by it.
            ("Referrer-Policy", "same-origin".to_owned()),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            ("X-Frame-Options", "DENY".to_owned()),
        ],
        body: Body::Bytes(text.into_bytes()),
    })
}

/// What is told on a page of its own.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) frame: Frame,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) is_problem: bool,
    /// The URL for the browser, where that is what one needs next.
    pub(super) url: Option<String>,
}
