//! An HTTP client that tells precisely what went wrong.
//!
//! In: a method, a URL, fields and a body. Out: what was answered, whatever its status, or a
//! [`Trouble`] in the words of somebody who looks after a server. Redirects are not followed:
//! clients do not take their credentials along. HTTP and TLS are the libraries' matter.

use std::io;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::CertificateError;
use rustls::crypto::CryptoProvider;
use ureq::Agent;
use ureq::http::Request;
use ureq::http::Response;
use ureq::tls::Certificate;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

use super::Url;
use crate::message::WebServer;

/// How much of an answer is read, in bytes; ours are smaller.
const MAX_ANSWER: u64 = 1 << 20;

/// How long one address may take to answer a connection, at most.
const CONNECT: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    response: Response<()>,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("{0}")]
    Certificate(BadCertificate),
    #[error("the answer is no HTTP")]
    NotHttp,
    #[error("this port does not speak TLS")]
    NotTls,
    #[error("no answer in time")]
    TimedOut,
    #[error("TLS fails: {0}")]
    Tls(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCertificate {
    #[error("the certificate has expired")]
    Expired,
    #[error("the certificate is not valid yet")]
    NotYet,
    #[error("the certificate is not trusted: {0}")]
    Other(String),
    #[error("the certificate is not trusted: nobody known here has issued it")]
    Untrusted,
    #[error("the certificate is for another name")]
    WrongName,
}

/// Makes requests to one server.
pub(super) struct Client {
    agent: Agent,
    /// Whether there is nobody to trust, so that every certificate is refused.
    pub(super) knows_nobody: bool,
}

/// Whom to trust.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trust<'a> {
    /// Everybody: only for looking on after a certificate was refused.
    Everybody,
    /// Whom this machine trusts, and the certificates of a file.
    Known(Option<&'a Path>),
}

impl Client {
    pub(super) fn new(trust: Trust<'_>, timeout: Duration) -> Result<Self, String> {
        let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        let (tls, known) = match trust {
            Trust::Everybody => (tls.disable_verification(true), None),
            Trust::Known(more) => {
                let known = roots(more)?;
                let roots = RootCerts::new_with_certs(&known);
                (tls.root_certs(roots), Some(known.len()))
            }
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(timeout))
            .tls_config(tls.build())
            .user_agent("weaved-doctor")
            .build();
        Ok(Self {
            agent: config.new_agent(),
            knows_nobody: known == Some(0),
        })
    }

    /// A GET.
    pub(super) fn get(&self, url: &str) -> Result<Reply, Trouble> {
        self.send("GET", url, &[], None)
    }

    /// Any request.
    pub(super) fn send(
        &self,
        method: &str,
        url: &str,
        fields: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Reply, Trouble> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let bad = |error: ureq::http::Error| Trouble::Broken(error.to_string());
        let answer = match body {
            Some(body) => self.agent.run(request.body(body).map_err(bad)?),
            None => self.agent.run(request.body(()).map_err(bad)?),
        };
        let (parts, mut body) = answer.map_err(|error| trouble(&error))?.into_parts();
        let limited = body.with_config().limit(MAX_ANSWER);
        let body = limited.read_to_vec().map_err(|error| trouble(&error))?;
        Ok(Reply {
            status: parts.status.as_u16(),
            response: Response::from_parts(parts, ()),
            body,
        })
    }
}

impl Reply {
    /// A field of the answer, as far as it is text.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Whether a Sync server made this answer: web servers do not know the field.
    pub(super) fn is_ours(&self) -> bool {
        self.field("x-weave-timestamp").is_some()
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Who answered.
    pub(super) fn web_server(&self) -> WebServer {
        WebServer::named(self.field("server").unwrap_or_default().as_bytes())
    }
}

/// The certificates to trust.
fn roots(more: Option<&Path>) -> Result<Vec<Certificate<'static>>, String> {
    let mut known = rustls_native_certs::load_native_certs().certs;
    if let Some(file) = more {
        let found = rustls_native_certs::load_certs_from_paths(Some(file), None);
        if found.certs.is_empty() {
            let why = found.errors.first().map(ToString::to_string);
            let why = why.unwrap_or_else(|| "there is none in it".to_owned());
            return Err(format!(
                "cannot read certificates of {}: {why}",
                file.display()
            ));
        }
        known.extend(found.certs);
    }
    let owned = known
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned());
    Ok(owned.collect())
}

/// Where a connection can be made to, and where not.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) open: Vec<String>,
    pub(super) closed: Vec<(String, io::ErrorKind, String)>,
}

/// Tries every address that the host has.
pub(super) fn reach(url: &Url) -> io::Result<Reach> {
    let mut reach = Reach::default();
    for address in (url.host.as_str(), url.port).to_socket_addrs()? {
        let shown = address.to_string();
        if reach.open.contains(&shown) {
            continue;
        }
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => reach.open.push(shown),
            Err(error) => reach.closed.push((shown, error.kind(), error.to_string())),
        }
    }
    Ok(reach)
}

fn trouble(error: &ureq::Error) -> Trouble {
    match error {
        ureq::Error::Io(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            match inner {
                Some(error) => tls_trouble(error),
                None if error.kind() == io::ErrorKind::TimedOut => Trouble::TimedOut,
                None => Trouble::Broken(error.to_string()),
            }
        }
        ureq::Error::Protocol(_) => Trouble::NotHttp,
        ureq::Error::Rustls(error) => tls_trouble(error),
        ureq::Error::Timeout(_) => Trouble::TimedOut,
        other => Trouble::Broken(other.to_string()),
    }
}

fn tls_trouble(error: &rustls::Error) -> Trouble {
    match error {
        rustls::Error::InvalidCertificate(bad) => Trouble::Certificate(match bad {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                BadCertificate::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                BadCertificate::NotYet
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                BadCertificate::WrongName
            }
            CertificateError::UnknownIssuer => BadCertificate::Untrusted,
            other => BadCertificate::Other(other.to_string()),
        }),
        rustls::Error::InvalidMessage(_) => Trouble::NotTls,
        other => Trouble::Tls(other.to_string()),
    }
}
