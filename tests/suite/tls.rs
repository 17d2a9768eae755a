//! A certificate that nobody else trusts, and a client that does.
//!
//! Both are the `openssl` command: a library for one test each would be more than that.

use std::io;
use std::io::BufReader;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

use super::endpoint::Endpoint;
use super::http;
use super::message::HttpRequest;
use super::message::HttpResponse;
use super::message::Transport;

/// A key and a certificate for 127.0.0.1, in a folder that goes with it.
pub(crate) struct Certificate(TempDir);

impl Certificate {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("weaved-tls-").tempdir();
        let certificate = Self(folder.unwrap());
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-keyout", &certificate.key(), "-out", &certificate.path()])
            .output()
            .expect("these tests need openssl: apt-get install openssl, or `make test`");
        assert!(output.status.success(), "{output:?}");
        certificate
    }

    /// The certificate's file.
    pub(crate) fn path(&self) -> String {
        self.0.path().join("cert.pem").display().to_string()
    }

    /// The key's file.
    pub(crate) fn key(&self) -> String {
        self.0.path().join("key.pem").display().to_string()
    }
}

/// Speaks HTTPS to a web server, a connection for each request.
pub(crate) struct Https {
    endpoint: Endpoint,
    mount: &'static str,
    /// The only certificate that is trusted.
    certificate: PathBuf,
}

impl Https {
    pub(crate) fn new(endpoint: &Endpoint, mount: &'static str, trusts: &Certificate) -> Self {
        Self {
            endpoint: endpoint.clone(),
            mount,
            certificate: PathBuf::from(trusts.path()),
        }
    }
}

impl Transport for Https {
    fn exchange(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        let mut openssl = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
            .arg(self.endpoint.to_string())
            .args(["-verify_ip", "127.0.0.1", "-CAfile"])
            .arg(&self.certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = openssl.stdin.take().unwrap();
        stdin.write_all(&self.bytes(request))?;
        let mut stdout = BufReader::new(openssl.stdout.take().unwrap());
        let response = http::answer(&mut stdout, request.method == "HEAD");
        openssl.kill()?;
        openssl.wait()?;
        Ok(response?.0)
    }

    fn bytes(&self, request: &HttpRequest) -> Vec<u8> {
        http::bytes(request, &self.endpoint, self.mount)
    }
}
