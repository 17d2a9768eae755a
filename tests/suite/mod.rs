//! What the whole-program tests share: the real binary, real web servers, and clients that speak
//! to them.
//!
//! [`Site`] is what most tests use: a running weaved, reached in one [`Way`] (FastCGI, SCGI or
//! HTTP directly, or through a real web server), with [`User`]s on it. Nothing here uses weaved's own
//! code: what is tested must not be its own judge.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "every test crate includes this module and uses its own part of it"
)]

pub(crate) mod apache;
mod browser;
pub(crate) mod caddy;
mod cgi;
mod database;
mod endpoint;
mod fastcgi;
mod front;
mod home;
mod http;
pub(crate) mod lighttpd;
mod little;
mod log;
mod message;
pub(crate) mod nginx;
mod page;
mod reply;
mod scgi;
mod site;
mod smtp_sink;
mod spawn_fcgi;
mod tls;
mod user;
mod warden;
mod way;
mod weaved;
mod wizard;

pub(crate) use browser::Browser;
pub(crate) use database::Backend;
pub(crate) use database::DatabaseServer;
pub(crate) use database::Durability;
pub(crate) use database::Ground;
pub(crate) use database::Hold;
pub(crate) use database::Kind;
pub(crate) use database::Lock;
pub(crate) use database::ServedDatabase;
pub(crate) use database::on_every_database;
pub(crate) use database::on_every_server;
pub(crate) use endpoint::Endpoint;
pub(crate) use fastcgi::FastCgi;
pub(crate) use front::Behind;
pub(crate) use front::Front;
pub(crate) use front::adapted;
pub(crate) use front::ended_within;
pub(crate) use front::free_port;
pub(crate) use front::shipped;
pub(crate) use home::Home;
pub(crate) use http::Http;
pub(crate) use little::Chunks;
pub(crate) use little::lives_a_little;
pub(crate) use little::lives_a_little_with;
pub(crate) use log::Log;
pub(crate) use message::HttpRequest;
pub(crate) use message::HttpResponse;
pub(crate) use message::Transport;
pub(crate) use page::Visitor;
pub(crate) use page::encoded;
pub(crate) use reply::Reply;
pub(crate) use reply::Time;
pub(crate) use scgi::Scgi;
pub(crate) use site::SECRET;
pub(crate) use site::Setup;
pub(crate) use site::Site;
pub(crate) use smtp_sink::Mail;
pub(crate) use smtp_sink::SmtpSink;
pub(crate) use smtp_sink::Wants;
pub(crate) use tls::Certificate;
pub(crate) use tls::Https;
pub(crate) use user::Call;
pub(crate) use user::User;
pub(crate) use user::basic;
pub(crate) use user::name_of;
pub(crate) use warden::Warden;
pub(crate) use way::Facts;
pub(crate) use way::PREFIX;
pub(crate) use way::Rows;
pub(crate) use way::Server;
pub(crate) use way::Way;
pub(crate) use way::every_way;
pub(crate) use weaved::Gateway;
pub(crate) use weaved::Listen;
pub(crate) use weaved::Options;
pub(crate) use weaved::WEAVED;
pub(crate) use weaved::Weaved;
pub(crate) use weaved::children;
pub(crate) use weaved::run;
pub(crate) use weaved::signal;
pub(crate) use wizard::Wizard;
pub(crate) use wizard::sign_up_with;
