//! A mail server, by SMTP (RFC 5321), with TLS from the start or STARTTLS (RFC 3207).

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use lettre::SmtpTransport;
use lettre::Transport;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::Certificate;
use lettre::transport::smtp::client::CertificateStore;
use lettre::transport::smtp::client::Tls;
use lettre::transport::smtp::client::TlsParameters;

use super::Letter;
use super::MailError;
use super::Post;
use super::compose;

/// Which mail server, and how.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Who writes: an address, perhaps with a name.
    pub sender: String,
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub tls: SmtpTls,
    /// Who may vouch for the server; absent: whom the system knows.
    pub ca: Option<PathBuf>,
    /// A name and a password, if one has to log in.
    pub login: Option<(String, String)>,
    /// How long each step may take.
    pub timeout: Duration,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not at all.
    Off,
    /// After a question in clear, and before anything else is said.
    StartTls,
    /// From the start.
    On,
}

/// A mail server.
pub struct Smtp {
    sender: Mailbox,
    server: String,
    transport: SmtpTransport,
}

impl Smtp {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// [`MailError::Address`] for the sender's, [`MailError::Certificates`] and
    /// [`MailError::Server`] when TLS cannot be set up.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let server = format!("{}:{}", settings.host, settings.port);
        let tls = match settings.tls {
            SmtpTls::Off => Tls::None,
            SmtpTls::StartTls => Tls::Required(parameters(settings, &server)?),
            SmtpTls::On => Tls::Wrapper(parameters(settings, &server)?),
        };
        let mut builder = SmtpTransport::builder_dangerous(&settings.host)
            .port(settings.port)
            .timeout(Some(settings.timeout))
            .tls(tls);
        if let Some((name, password)) = settings.login.clone() {
            builder = builder.credentials(Credentials::new(name, password));
        }
        Ok(Self {
            sender: compose::mailbox(&settings.sender)?,
            server,
            transport: builder.build(),
        })
    }

    fn failed(&self, cause: lettre::transport::smtp::Error) -> MailError {
        MailError::Server {
            server: self.server.clone(),
            cause: cause.into(),
        }
    }
}

impl Post for Smtp {
    fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = compose::compose(&self.sender, letter)?;
        let sent = self.transport.send(&message);
        sent.map(drop).map_err(|cause| self.failed(cause))
    }

    fn probe(&self) -> Result<(), MailError> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err(MailError::Server {
                server: self.server.clone(),
                cause: "it has closed the connection".into(),
            }),
            Err(cause) => Err(self.failed(cause)),
        }
    }
}

fn parameters(settings: &SmtpSettings, server: &str) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca {
        let unusable = |cause: String| MailError::Certificates {
            path: path.display().to_string(),
            cause,
        };
        let text = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificate =
            Certificate::from_pem(&text).map_err(|error| unusable(error.to_string()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|cause| MailError::Server {
        server: server.to_owned(),
        cause: cause.into(),
    })
}
