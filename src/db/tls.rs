//! TLS to a database server, as a URI asks for it.

use std::fmt;
use std::path::Path;
#[cfg(feature = "mysql")]
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject;

use crate::config::ClientCertificate;
use crate::config::Tls;
use crate::config::Verify;

/// Why TLS cannot be set up as it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// The certificate and the key of this client do not fit each other, or are of no known kind.
    #[error("the certificate {chain} and the key {key} cannot be used together: {cause}")]
    Client {
        chain: String,
        key: String,
        cause: rustls::Error,
    },
    /// A file that is not what it should be.
    #[error("cannot read {what} from {path}: {cause}")]
    File {
        what: &'static str,
        path: String,
        cause: pem::Error,
    },
    /// No authority is known at all.
    #[error(
        "this system knows no certificate authority: install the package ca-certificates, or name \
         the authority's file in the URI"
    )]
    NoAuthority,
    /// The file of authorities has none that can be used.
    #[error("there is no usable certificate in {0}")]
    NoCertificate(String),
    /// Refused by the library.
    #[error("{0}")]
    Setup(String),
}

/// The settings for a connection; none when it shall not be encrypted.
pub(super) fn client_config(tls: &Tls) -> Result<Option<ClientConfig>, TlsError> {
    let Tls::On { verify, ca, client } = tls else {
        return Ok(None);
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(setup)?;
    let builder = match verify {
        Verify::Name => builder.with_root_certificates(authorities(ca.as_deref())?),
        Verify::Chain | Verify::Nothing => {
            let chain = match verify {
                Verify::Chain => Some(authorities(ca.as_deref())?),
                _ => None,
            };
            let lenient = Lenient::new(chain, provider)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(lenient))
        }
    };
    let config = match client {
        Some(client) => {
            let (chain, key) = own(client)?;
            let named = |cause| TlsError::Client {
                chain: client.chain.display().to_string(),
                key: client.key.display().to_string(),
                cause,
            };
            builder.with_client_auth_cert(chain, key).map_err(named)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Some(config))
}

/// Who may vouch for a server: those of the file, or those that the system knows.
fn authorities(file: Option<&Path>) -> Result<Arc<RootCertStore>, TlsError> {
    let found = match file {
        Some(file) => certificates(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        return Err(file.map_or(TlsError::NoAuthority, |file| {
            TlsError::NoCertificate(file.display().to_string())
        }));
    }
    Ok(Arc::new(roots))
}

/// The file in which the system keeps the authorities that it knows, where there is one.
#[cfg(feature = "mysql")]
pub(super) fn system_bundle() -> Option<PathBuf> {
    /// Debian's and Alpine's; Red Hat's; SUSE's; BSD's.
    const USUAL: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    USUAL
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|cause| TlsError::File {
            what: "certificates",
            path: file.display().to_string(),
            cause,
        })
}

type OwnCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn own(client: &ClientCertificate) -> Result<OwnCertificate, TlsError> {
    let chain = certificates(&client.chain)?;
    let key = PrivateKeyDer::from_pem_file(&client.key).map_err(|cause| TlsError::File {
        what: "a private key without a passphrase",
        path: client.key.display().to_string(),
        cause,
    })?;
    Ok((chain, key))
}

/// Judges a server's certificate without its name, or not at all.
#[derive(Debug)]
struct Lenient {
    /// Absent: nothing is judged.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Lenient {
    fn new(
        roots: Option<Arc<RootCertStore>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let build = |roots| {
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()
        };
        let chain = roots.map(build).transpose().map_err(setup)?;
        Ok(Self { chain, provider })
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let judged =
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judged {
            // The name is judged last, when all else was found right.
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName
                | rustls::CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

fn setup(cause: impl fmt::Display) -> TlsError {
    TlsError::Setup(cause.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A folder with certificates, keys, and files that are neither.
    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            for name in ["one", "other"] {
                let key = rcgen::KeyPair::generate().unwrap();
                let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
                let certificate = params.self_signed(&key).unwrap().pem();
                fs::write(files.path(&format!("{name}.pem")), certificate).unwrap();
                fs::write(files.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
            }
            fs::write(files.path("empty"), "").unwrap();
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// The settings with an authority, and with a certificate and a key of one's own.
        fn config(
            &self,
            verify: Verify,
            ca: Option<&str>,
            client: Option<(&str, &str)>,
        ) -> Result<bool, String> {
            let tls = Tls::On {
                verify,
                ca: ca.map(|name| self.path(name)),
                client: client.map(|(chain, key)| ClientCertificate {
                    chain: self.path(chain),
                    key: self.path(key),
                }),
            };
            let config = client_config(&tls).map_err(|error| error.to_string())?;
            let config = config.unwrap();
            Ok(config.client_auth_cert_resolver.has_certs())
        }
    }

    #[test]
    fn without_tls_there_is_nothing_to_set() {
        assert!(client_config(&Tls::Off).unwrap().is_none());
    }

    #[test]
    fn files_are_read() {
        let files = Files::new();
        for verify in [Verify::Name, Verify::Chain, Verify::Nothing] {
            let alone = files.config(verify, Some("one.pem"), None);
            assert_eq!(alone, Ok(false), "{verify:?}");
            let client = Some(("other.pem", "other.key"));
            let both = files.config(verify, Some("one.pem"), client);
            assert_eq!(both, Ok(true), "{verify:?}");
        }
    }

    #[test]
    fn files_that_will_not_do_are_named() {
        let files = Files::new();
        let name = Verify::Name;
        for (ca, client, expected) in [
            ("missing", None, "cannot read certificates from "),
            ("empty", None, "there is no usable certificate in "),
            ("one.key", None, "there is no usable certificate in "),
            (
                "one.pem",
                Some(("missing", "one.key")),
                "cannot read certificates from ",
            ),
            (
                "one.pem",
                Some(("one.pem", "one.pem")),
                "cannot read a private key without a passphrase from ",
            ),
            (
                "one.pem",
                Some(("one.pem", "other.key")),
                "cannot be used together: ",
            ),
        ] {
            let text = files.config(name, Some(ca), client).unwrap_err();
            assert!(text.contains(expected), "{text}");
            assert!(text.contains(files.0.path().to_str().unwrap()), "{text}");
        }
    }
}
