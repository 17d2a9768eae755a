//! The one door: routes a request, authenticates it, calls the api, and turns whatever comes
//! of it into a response and at most one line of log.
//!
//! Not here: bytes and sockets (`gateway`, `server`), and what a call means (`api`).

mod auth;
mod cef;
mod error;
mod hints;
mod log_line;
mod route;

use std::mem;
use std::net::IpAddr;

use crate::accounts::UserName;
use crate::api::Api;
use crate::api::ApiError;
use crate::api::Condition;
use crate::api::Creation;
use crate::api::Language;
use crate::api::Node;
use crate::api::Origin;
use crate::api::Peer;
use crate::api::Root;
use crate::api::TIMESTAMP;
use crate::api::Visit;
use crate::message::Request;
use crate::message::Response;
use crate::pairing::Conditions;
use crate::pairing::Device;
use crate::sync::Format;
use crate::sync::Query;
use crate::sync::UserId;
use error::Event;
use error::Refusal;
use hints::Hints;
use log_line::LogLine;
use route::PairingCall;
use route::Route;
use route::StorageCall;
use route::UserCall;

pub use cef::Cef;
pub use cef::TARGET as CEF;

/// How the door behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether every request gets a line in the log.
    pub access_log: bool,
    /// How lines for machines that watch over many servers begin; absent: there are none.
    pub cef: Option<Cef>,
    /// The name of the page that says that the server is there.
    pub heartbeat: String,
    /// Seconds after which a client may come again after a 503.
    pub retry_after: u32,
    /// Which half of the calls there is.
    pub serves: Serves,
    /// Web servers in front of the web server, whose `X-Forwarded-...` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_log: false,
            cef: None,
            heartbeat: "__heartbeat__".to_owned(),
            retry_after: 300,
            serves: Serves::Both,
            trusted_proxies: Vec::new(),
        }
    }
}

/// Which half of the calls there is; the heartbeat always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Both.
    Both,
    /// The storage API.
    Storage,
    /// The user API and its pages.
    User,
}

/// Everything above the gateway.
pub struct Service {
    api: Api,
    settings: Settings,
    hints: Hints,
}

impl Service {
    /// The calls, and how the door to them behaves.
    #[must_use]
    pub fn new(api: Api, settings: Settings) -> Self {
        Self {
            api,
            settings,
            hints: Hints::default(),
        }
    }

    /// The calls.
    #[must_use]
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// Answers a request, whatever it is.
    #[must_use]
    pub fn handle(&self, mut request: Request) -> Response {
        let line = LogLine::begin();
        self.hints.see(&request);
        let route = route::find(&request, &self.settings.heartbeat);
        let served = route.and_then(|route| match (&route, self.settings.serves) {
            (Route::Storage(..), Serves::User) => Err(Refusal::NoRoute),
            (
                Route::Captcha | Route::User(..) | Route::Page(_) | Route::Pairing(_),
                Serves::Storage,
            ) => Err(Refusal::NoRoute),
            _ => Ok(route),
        });
        let served = match served {
            Err(Refusal::NoRoute) if self.is_public_url(&request) => Ok(Route::Welcome),
            other => other,
        };
        let result = served.and_then(|route| self.call(route, &mut request));
        let mut response = result.unwrap_or_else(|refusal| {
            match refusal {
                Refusal::NoCredentials => self.hints.no_credentials(&request),
                Refusal::NoRoute => self.hints.nowhere(&request),
                _ => {}
            }
            let answer = error::answer(refusal, self.settings.retry_after, &line.id());
            let client = self.origin(&request).client;
            if let Some(event) = answer.event {
                self.tell(event, &request, client);
            }
            line.refused(
                &request,
                client,
                answer.response.status,
                answer.weight,
                &answer.reason,
            );
            answer.response
        });
        if !response.headers.iter().any(|(name, _)| *name == TIMESTAMP) {
            response
                .headers
                .push((TIMESTAMP, self.api.hosts.time().to_string()));
        }
        response
            .headers
            .push(("Cache-Control", "no-store".to_owned()));
        if self.settings.access_log {
            line.access(&request, self.origin(&request).client, response.status);
        }
        response
    }

    fn call(&self, route: Route, request: &mut Request) -> Result<Response, Refusal> {
        match route {
            Route::Captcha => {
                let language = request.headers.text("accept-language");
                Ok(self.api.captcha_page(Language::accepted(language))?)
            }
            Route::Echo => Ok(self.echo(request)),
            Route::Heartbeat => Ok(self.api.heartbeat()),
            Route::Pairing(call) => Ok(self.pairing(call, request)?),
            Route::Storage(name, call) => {
                let client = self.origin(request).client;
                let user = auth::authenticate(&self.api, &name, request, client)?;
                Ok(self.storage(user.account.id, call, request)?)
            }
            Route::User(name, call) => self.user(&name, call, request),
            Route::Welcome => Ok(self.welcome(request)?),
            Route::Page(page) => Ok(self.api.page(page, &self.visit(request))?),
        }
    }

    fn storage(
        &self,
        user: UserId,
        call: StorageCall,
        request: &Request,
    ) -> Result<Response, ApiError> {
        let storage = self.api.hosts.of(self.origin(request));
        let body = &request.body;
        match call {
            StorageCall::Info(info) => storage.info(user, info),
            StorageCall::GetCollection(collection) => {
                let format = Format::accepted(request.headers.text("accept"));
                storage.get_collection(user, &collection, Query::parse(&request.query)?, format)
            }
            StorageCall::PostCollection(collection) => {
                storage.post_collection(user, &collection, body, condition(request)?)
            }
            StorageCall::DeleteCollection(collection) => {
                let query = Query::parse(&request.query)?;
                storage.delete_collection(user, &collection, &query, condition(request)?)
            }
            StorageCall::GetRecord(collection, id) => storage.get_record(user, &collection, &id),
            StorageCall::PutRecord(collection, id) => {
                storage.put_record(user, &collection, &id, body, condition(request)?)
            }
            StorageCall::DeleteRecord(collection, id) => {
                storage.delete_record(user, &collection, &id, condition(request)?)
            }
            StorageCall::DeleteAll => {
                storage.delete_storage(user, request.headers.get("x-confirm-delete").is_some())
            }
        }
    }

    fn pairing(&self, call: PairingCall, request: &Request) -> Result<Response, ApiError> {
        let api = &self.api;
        let headers = &request.headers;
        let device = headers.get("x-keyexchange-id").and_then(Device::new);
        let peer = Peer {
            device: device.as_ref(),
            client: self.origin(request).client,
        };
        // What is no text is no tag of ours: a condition all the same.
        let tags = |name| {
            let value = headers.get(name)?;
            Some(std::str::from_utf8(value).unwrap_or_default())
        };
        let conditions = Conditions {
            matching: tags("if-match"),
            none_matching: tags("if-none-match"),
        };
        match call {
            PairingCall::About => api.about_pairing(),
            PairingCall::Close(channel) => api.close_channel(channel, peer),
            PairingCall::Get(channel) => api.get_channel(channel, peer, conditions),
            PairingCall::Open => api.open_channel(peer),
            PairingCall::Put(channel) => api.put_channel(channel, peer, conditions, &request.body),
            PairingCall::Report => {
                let channel = headers.text("x-keyexchange-cid");
                let reason = headers.text("x-keyexchange-log");
                api.report_pairing(peer, channel, reason)
            }
        }
    }

    fn user(
        &self,
        name: &UserName,
        call: UserCall,
        request: &mut Request,
    ) -> Result<Response, Refusal> {
        let api = &self.api;
        let client = self.origin(request).client;
        let user = || auth::authenticate(api, name, request, client);
        match call {
            UserCall::Create => {
                let secret = request.headers.get("x-weave-secret");
                Ok(api.create_user(
                    name,
                    Creation {
                        body: &request.body,
                        secret,
                    },
                    self.origin(request),
                )?)
            }
            UserCall::Delete => Ok(api.delete_user(&user()?.account)?),
            UserCall::Exists => Ok(api.user_exists(name)?),
            UserCall::Node => {
                let origin = self.origin(request);
                let node = api.node(name, origin)?;
                self.hints.node(api.node_of(origin), origin);
                Ok(node)
            }
            UserCall::RequestReset => {
                let language = Language::accepted(request.headers.text("accept-language"));
                Ok(api.request_reset(name, self.origin(request), language)?)
            }
            UserCall::SetEmail => {
                let user = user()?;
                Ok(api.set_email(&user.account, &request.body, &user.password)?)
            }
            UserCall::SetPassword => {
                if let Some(code) = request.headers.get("x-weave-password-reset") {
                    let code = String::from_utf8_lossy(code).into_owned();
                    let body = mem::take(&mut request.body);
                    return Ok(api.reset_password(name, &code, body, client)?);
                }
                let user = user()?;
                let body = mem::take(&mut request.body);
                Ok(api.set_password(&user.account, body, &user.password)?)
            }
            UserCall::WithdrawReset => {
                let user = user()?;
                let withdrawn = api.withdraw_reset(&user.account, self.origin(request))?;
                self.tell(Event::RESET_CLEARED, request, client);
                Ok(withdrawn)
            }
        }
    }

    /// Tells a machine that watches over many servers.
    fn tell(&self, event: Event, request: &Request, client: Option<IpAddr>) {
        if let Some(cef) = &self.settings.cef {
            cef.write(event, request, client);
        }
    }

    fn visit<'a>(&self, request: &'a Request) -> Visit<'a> {
        Visit {
            origin: self.origin(request),
            language: Language::accepted(request.headers.text("accept-language")),
            request,
        }
    }

    fn welcome(&self, request: &Request) -> Result<Response, ApiError> {
        let mut visit = self.visit(request);
        let path = request.path.as_ref();
        // At the configured URL, which is below no prefix that could be told.
        let mut prefix = visit.origin.prefix.to_owned();
        for segment in path.iter().flat_map(|path| &path.segments) {
            prefix.push('/');
            prefix.push_str(&String::from_utf8_lossy(segment));
        }
        visit.origin.prefix = &prefix;
        let has_slash = path.is_some_and(|path| path.trailing_slash);
        let last = prefix.rsplit('/').next().filter(|last| !last.is_empty());
        let last = last.filter(|_| !has_slash);
        self.api.welcome(Root { last }, &visit)
    }

    fn echo(&self, request: &Request) -> Response {
        let segments = request.path.iter().flat_map(|path| &path.segments);
        let below: Vec<&str> = segments
            .skip(3)
            .map(|segment| std::str::from_utf8(segment).unwrap_or_default())
            .collect();
        self.api.echo(request, &below, self.origin(request))
    }

    /// Whether somebody looks at the configured URL itself. Below a mount that is found out from
    /// each request, a path with no API in it says nothing (spec/gateway.md, 4).
    fn is_public_url(&self, request: &Request) -> bool {
        let Node::Url(url) = self.api.node_of(self.origin(request)) else {
            return false;
        };
        let Some(path) = request.path.as_ref() else {
            return false;
        };
        let is_get = matches!(request.method.as_str(), "GET" | "HEAD");
        let public = url.split_once("://").and_then(|(_, rest)| {
            let (_, path) = rest.split_once('/')?;
            Some(path.trim_matches('/').split('/').map(str::as_bytes))
        });
        is_get && path.prefix.is_empty() && public.is_some_and(|p| p.eq(path.segments.iter()))
    }

    /// How the client reached us; a proxy's word counts only if it is trusted.
    fn origin<'a>(&self, request: &'a Request) -> Origin<'a> {
        let peer: Option<IpAddr> = request.peer.parse().ok();
        let peer = peer.map(|peer| peer.to_canonical());
        let trusted = peer.is_some_and(|peer| self.trusts(peer));
        let forwarded = |name| {
            let text = request.headers.text(name).filter(|_| trusted)?;
            Some(text.split(',').next().unwrap_or_default().trim())
        };
        let https = forwarded("x-forwarded-proto")
            .map_or(request.https, |proto| proto.eq_ignore_ascii_case("https"));
        let host = forwarded("x-forwarded-host").or_else(|| request.headers.text("host"));
        let path = request.path.as_ref();
        Origin {
            scheme: if https { "https" } else { "http" },
            host: host.filter(|host| is_host(host)),
            prefix: path.map_or("", |path| path.prefix.as_str()),
            client: self.client(request, peer),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let mut proxies = self.settings.trusted_proxies.iter();
        proxies.any(|proxy| proxy.to_canonical() == address)
    }

    /// Where the client is: the last address on the way that is no trusted proxy's. What stands
    /// before it in `X-Forwarded-For` anybody could have written.
    fn client(&self, request: &Request, peer: Option<IpAddr>) -> Option<IpAddr> {
        let mut client = peer;
        let told = request.headers.get("x-forwarded-for");
        // One by one: what a client has put before them must not make all of them unreadable.
        let mut told = told
            .into_iter()
            .flat_map(|told| told.rsplit(|byte| *byte == b','));
        while let Some(proxy) = client.filter(|client| self.trusts(*client)) {
            let before = told.next().and_then(|text| std::str::from_utf8(text).ok());
            let before = before.and_then(|text| text.trim().parse::<IpAddr>().ok());
            let Some(before) = before else {
                return Some(proxy);
            };
            client = Some(before.to_canonical());
        }
        client
    }
}

/// Whether a Host header can stand in a URL: a name or an address, and perhaps a port.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}

/// Reads `X-If-Unmodified-Since`.
fn condition(request: &Request) -> Result<Condition, ApiError> {
    const NAME: &str = "x-if-unmodified-since";
    let Some(value) = request.headers.get(NAME) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value).unwrap_or_default();
    let time = text.parse().map_err(|_| {
        ApiError::Unreadable("X-If-Unmodified-Since is not a number of seconds".to_owned())
    })?;
    Ok(Some(time))
}
