//! Whether the way to a database server is encrypted, and how its certificate is judged.
//!
//! Off unless asked for; asked for, it is verified. This is stricter than the drivers of old,
//! whose `sslmode=require` and `ssl=true` encrypt for whoever answers. Who wants that has to
//! write `ssl_verify_cert=false`.

use std::path::Path;
use std::path::PathBuf;

use super::BadDatabaseUri;

/// Whether the way to a database server is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Everything is sent in clear: the default.
    #[default]
    Off,
    /// Encrypted, or no connection is made.
    On {
        /// What must be right about the server's certificate.
        verify: Verify,
        /// A file (PEM) of the authorities that may vouch for the server; absent: the system's.
        ca: Option<PathBuf>,
        /// How this client shows who it is, if the server wants to know.
        client: Option<ClientCertificate>,
    },
}

/// What must be right about a server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// A known authority vouches for the server, and it bears the name in the URI: the default.
    #[default]
    Name,
    /// The authority in the named file vouches for the server, whatever its name.
    Chain,
    /// Nothing: who can stand in between can read and change everything.
    Nothing,
}

/// A certificate of this client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file (PEM) with the certificate and those that lead to its authority.
    pub chain: PathBuf,
    /// The file (PEM) with the private key, without a passphrase.
    pub key: PathBuf,
}

impl Tls {
    /// The files that are named.
    pub(in crate::config) fn files(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::Off => Vec::new(),
            Self::On { ca, client, .. } => {
                let client = client.iter_mut();
                let client = client.flat_map(|client| [&mut client.chain, &mut client.key]);
                ca.iter_mut().chain(client).collect()
            }
        }
    }
}

/// What the options of a URI say about TLS, each as it was written.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// `sslmode`, `ssl_mode`, `ssl`, `ssl_disabled`.
    pub(super) mode: Option<Mode>,
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// `ssl_verify_cert`.
    pub(super) verify_cert: Option<bool>,
    /// `ssl_verify_identity`, `ssl_check_hostname`.
    pub(super) verify_name: Option<bool>,
}

/// What a URI asks for in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Off,
    On,
    Chain,
}

impl Mode {
    /// Reads a word of libpq's or MySQL's, or a truth.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        match &*text.to_ascii_lowercase() {
            "disable" | "disabled" | "false" | "0" => Ok(Self::Off),
            "require" | "required" | "verify-full" | "verify_full" | "verify_identity" | "true"
            | "1" => Ok(Self::On),
            "verify-ca" | "verify_ca" => Ok(Self::Chain),
            "allow" | "prefer" | "preferred" => Err(
                "encrypts only if nobody in between objects, which protects nothing: write \
                 verify-full to have TLS, or disable"
                    .to_owned(),
            ),
            _ => Err(
                "is none of disable, verify-ca, verify-full (or require, which means verify-full \
                 here)"
                    .to_owned(),
            ),
        }
    }
}

/// How a driver calls its options, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// What to write to have TLS.
    pub(super) on: &'static str,
    /// What to write to have none.
    pub(super) off: &'static str,
    pub(super) ca: &'static str,
    pub(super) cert: &'static str,
    pub(super) key: &'static str,
}

impl Wishes {
    /// What the wishes amount to.
    pub(super) fn settle(self, names: &Names) -> Result<Tls, BadDatabaseUri> {
        let wrong = |name, wanted: String| BadDatabaseUri::Option { name, wanted };
        let client = match (self.cert, self.key) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some(ClientCertificate { chain, key }),
            (Some(_), None) => return Err(wrong(names.cert, format!("needs {} too", names.key))),
            (None, Some(_)) => return Err(wrong(names.key, format!("needs {} too", names.cert))),
        };
        // Whoever names a file of certificates wants them used.
        let implied = self.ca.is_some() || client.is_some();
        let unverified = self.verify_cert == Some(false);
        let unnamed = self.verify_name == Some(false);
        match self.mode {
            Some(Mode::Off) => return Ok(Tls::Off),
            None if (unverified || unnamed) && !implied => {
                let name = if unverified { CERT } else { IDENTITY };
                let text = format!(
                    "says what not to verify, but not to encrypt: add {}",
                    names.on
                );
                return Err(wrong(name, text));
            }
            None if !implied && self.verify_cert.is_none() && self.verify_name.is_none() => {
                return Ok(Tls::Off);
            }
            _ => {}
        }
        let verify = if unverified {
            Verify::Nothing
        } else if unnamed || self.verify_name.is_none() && self.mode == Some(Mode::Chain) {
            Verify::Chain
        } else {
            Verify::Name
        };
        let ca = self.ca.filter(|ca| ca != Path::new("system"));
        if verify == Verify::Chain && ca.is_none() {
            // Some public authority vouches for everybody who has any name at all.
            let text = "must name the authority's file when the server's name is not verified";
            return Err(wrong(names.ca, text.to_owned()));
        }
        Ok(Tls::On { verify, ca, client })
    }
}

/// Whether the certificate is verified at all; not an option of libpq's, but taken for both.
pub(super) const CERT: &str = "ssl_verify_cert";

/// Whether the name in it is.
pub(super) const IDENTITY: &str = "ssl_verify_identity";
