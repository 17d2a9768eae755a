//! A mail server of the tests' own: it takes mails, and keeps them (RFC 5321).

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;

/// How long a mail may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a mail server wants before it takes a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// The name and the password to log in with, after STARTTLS.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// Whether it takes nobody's mail.
    pub(crate) nothing: bool,
    /// To whom it takes no mail.
    pub(crate) refuses: Option<&'static str>,
}

/// A mail as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) head: String,
    /// Decoded.
    pub(crate) text: String,
}

/// The mail server; it takes mails until the test ends.
pub(crate) struct SmtpSink {
    port: u16,
    letters: Arc<Letterbox>,
    certificate: NamedTempFile,
}

#[derive(Default)]
struct Letterbox {
    mails: Mutex<Vec<Mail>>,
    arrived: Condvar,
}

impl SmtpSink {
    pub(crate) fn start(wants: Wants) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let letters = Arc::new(Letterbox::default());
        let mut certificate = NamedTempFile::new().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        certificate.write_all(made.cert.pem().as_bytes()).unwrap();
        let tls = Arc::new(tls_config(&made));
        let taken = Arc::clone(&letters);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (letters, tls) = (Arc::clone(&taken), Arc::clone(&tls));
                thread::spawn(move || serve(stream, wants, &letters, tls));
            }
        });
        Self {
            port,
            letters,
            certificate,
        }
    }

    pub(crate) fn port(&self) -> String {
        self.port.to_string()
    }

    /// The file of the certificate that it shows.
    pub(crate) fn certificate(&self) -> String {
        self.certificate.path().display().to_string()
    }

    /// The mail with this number, from 0, as soon as it is there.
    #[track_caller]
    pub(crate) fn mail(&self, number: usize) -> Mail {
        let mails = self.letters.mails.lock().unwrap();
        let (mails, _) = self
            .letters
            .arrived
            .wait_timeout_while(mails, PATIENCE, |mails| mails.len() <= number)
            .unwrap();
        mails.get(number).expect("a mail arrives in time").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.letters.mails.lock().unwrap().len()
    }
}

fn tls_config(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap()
}

/// One conversation; who breaks it off is nobody's trouble here.
fn serve(stream: TcpStream, wants: Wants, letters: &Letterbox, tls: Arc<ServerConfig>) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let mut clear = Talk::new(stream, wants, false);
    let _ = clear.say("220 sink");
    if let Ok(true) = clear.go_on(letters) {
        let stream = clear.stream.into_inner();
        let connection = ServerConnection::new(tls).unwrap();
        let mut sealed = Talk::new(StreamOwned::new(connection, stream), wants, true);
        let _ = sealed.go_on(letters);
    }
}

struct Talk<S> {
    stream: BufReader<S>,
    wants: Wants,
    is_sealed: bool,
    is_known: bool,
    from: String,
    to: String,
}

impl<S: Read + Write> Talk<S> {
    fn new(stream: S, wants: Wants, is_sealed: bool) -> Self {
        Self {
            stream: BufReader::new(stream),
            wants,
            is_sealed,
            is_known: wants.login.is_none(),
            from: String::new(),
            to: String::new(),
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        stream.flush()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Answers commands; true when the rest shall be encrypted.
    fn go_on(&mut self, letters: &Letterbox) -> io::Result<bool> {
        loop {
            let line = self.line()?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.say("250-sink")?;
                    if !self.is_sealed {
                        self.say("250-STARTTLS")?;
                    }
                    if self.wants.login.is_some() {
                        self.say("250-AUTH PLAIN")?;
                    }
                    self.say("250 8BITMIME")?;
                }
                "STARTTLS" => {
                    self.say("220 go on")?;
                    return Ok(true);
                }
                "AUTH" => {
                    let given = rest.split_once(' ').map_or("", |(_, given)| given);
                    let wanted = self.wants.login.map(|(name, password)| {
                        BASE64.encode(format!("\0{name}\0{password}").as_bytes())
                    });
                    self.is_known = wanted.is_some_and(|wanted| wanted == given);
                    let answer = if self.is_known {
                        "235 welcome"
                    } else {
                        "535 wrong"
                    };
                    self.say(answer)?;
                }
                "MAIL" if self.wants.nothing || !self.is_known => self.say("550 not from you")?,
                "MAIL" => {
                    self.from = address(rest);
                    self.say("250 ok")?;
                }
                "RCPT" if self.wants.refuses == Some(&address(rest)) => {
                    self.say("550 no such user")?;
                }
                "RCPT" => {
                    self.to = address(rest);
                    self.say("250 ok")?;
                }
                "DATA" => {
                    self.say("354 go on")?;
                    let mail = self.data()?;
                    letters.mails.lock().unwrap().push(mail);
                    letters.arrived.notify_all();
                    self.say("250 taken")?;
                }
                "NOOP" | "RSET" => self.say("250 ok")?,
                "QUIT" => {
                    self.say("221 bye")?;
                    return Ok(false);
                }
                _ => self.say("502 what?")?,
            }
        }
    }

    fn data(&mut self) -> io::Result<Mail> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line == "." {
                break;
            }
            lines.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
        }
        let mail = lines.join("\n");
        Ok(Mail::read(&self.from, &self.to, &mail))
    }
}

impl Mail {
    /// A mail that was sent in base64.
    pub(crate) fn read(from: &str, to: &str, mail: &str) -> Self {
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
        assert!(
            head.contains("Content-Type: text/plain; charset=utf-8"),
            "{head}"
        );
        let body: String = body.split_ascii_whitespace().collect();
        let text = String::from_utf8(BASE64.decode(body.as_bytes()).unwrap()).unwrap();
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            head: head.to_owned(),
            text: text.replace("\r\n", "\n"),
        }
    }

    /// The link, which is alone on the third line.
    #[track_caller]
    pub(crate) fn link(&self) -> &str {
        self.text.lines().nth(2).unwrap()
    }

    /// The code in the link.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        self.link().split_once("&key=").unwrap().1
    }
}

/// The address between the angles of `FROM:<a@b>`.
fn address(text: &str) -> String {
    let address = text
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    address.map_or("", |(address, _)| address).to_owned()
}
