//! What the calls of the protocol mean: one file a group of calls.
//!
//! A call takes values that are parsed and a user who is authenticated, and answers a
//! [`Response`](crate::message::Response) or an [`ApiError`]. Not here: routing, credentials,
//! and what an error looks like on the wire (`web`).

mod captcha;
mod echo;
mod error;
mod heartbeat;
mod hosts;
mod idle;
mod info;
mod language;
mod login;
mod mails;
mod origin;
mod pages;
mod pairing;
mod registration;
mod reply;
mod reset;
mod storage;
mod texts;
mod user;

use std::sync::Arc;

pub use captcha::Asked;
pub use captcha::Challenge;
pub use captcha::INVITATION;
pub use captcha::Question;
pub use error::ApiError;
pub use hosts::Hosted;
pub use hosts::Hosts;
pub use info::Info;
pub use language::Language;
pub use login::Regulars;
pub use mails::Mails;
pub use origin::Difference;
pub use origin::Origin;
pub use pages::Page;
pub use pages::Root;
pub use pages::Visit;
pub use pairing::Peer;
pub use registration::Creation;
pub use registration::Proofs;
pub use registration::Registering;
pub use registration::Registration;
pub use reply::TIMESTAMP;
pub use storage::Condition;

use crate::accounts::Accounts;
use crate::accounts::LastUse;
use crate::accounts::ResetCodes;
use crate::guard::Guard;
use crate::pairing::Relay;

/// The calls, and what they work on.
pub struct Api {
    /// The users' records, and how much of them may be.
    pub hosts: Hosts,
    /// The users.
    pub accounts: Arc<dyn Accounts>,
    /// Codes for forgotten passwords.
    pub codes: Arc<ResetCodes>,
    /// Who may try what.
    pub guard: Arc<Guard>,
    /// When the users were here last.
    pub last_use: LastUse,
    /// Mails under way.
    pub mails: Mails,
    /// Who was let in lately.
    pub regulars: Regulars,
    /// Through which devices pair; absent: they cannot.
    pub relay: Option<Arc<Relay>>,
    /// How the calls behave.
    pub settings: Settings,
}

/// How the calls behave.
#[derive(Debug, Default)]
pub struct Settings {
    /// Whether a question is asked before an account is made.
    pub captcha: bool,
    /// What `node/weave` answers.
    pub node: Node,
    /// Whether a user's own node comes before that one.
    pub nodes_of_users: bool,
    /// Who may make an account.
    pub registration: Registration,
    /// What `X-Weave-Secret` must be, if it is to open anything.
    pub secret: Option<String>,
    /// Where people find the pages, as configured; ends in `/`.
    pub url: Option<String>,
    /// Whether an account needs an address, of which its name is the hash.
    pub strict_names: bool,
}

/// What `node/weave` answers for an existing user (decisions, 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Node {
    /// The URL under which the request came.
    #[default]
    Derived,
    /// `null`: no node.
    Null,
    /// This URL, which ends in `/`.
    Url(String),
}
