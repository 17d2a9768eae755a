//! What the whole-program tests share: the real binary, real web servers, and clients that speak
//! to them.
//!
//! [`Site`] is what most tests use: a running weaved, reached in one [`Way`] (FastCGI, SCGI or
//! HTTP directly, or through lighttpd), with [`User`]s on it. Nothing here uses weaved's own
//! code: what is tested must not be its own judge.

#![allow(
    dead_code,
    unused_imports,
    reason = "every test crate includes this module and uses its own part of it"
)]

mod cgi;
mod endpoint;
mod fastcgi;
mod http;
mod lighttpd;
mod log;
mod message;
mod reply;
mod scgi;
mod site;
mod user;
mod warden;
mod weaved;

pub(crate) use endpoint::Endpoint;
pub(crate) use fastcgi::FastCgi;
pub(crate) use http::Http;
pub(crate) use lighttpd::Lighttpd;
pub(crate) use log::Log;
pub(crate) use message::HttpRequest;
pub(crate) use message::HttpResponse;
pub(crate) use message::Transport;
pub(crate) use reply::Reply;
pub(crate) use reply::Time;
pub(crate) use scgi::Scgi;
pub(crate) use site::SECRET;
pub(crate) use site::Setup;
pub(crate) use site::Site;
pub(crate) use site::Way;
pub(crate) use user::Call;
pub(crate) use user::User;
pub(crate) use user::basic;
pub(crate) use user::name_of;
pub(crate) use weaved::Gateway;
pub(crate) use weaved::Home;
pub(crate) use weaved::Options;
pub(crate) use weaved::WEAVED;
pub(crate) use weaved::Weaved;
pub(crate) use weaved::run;
