//! A web server that passes requests on to weaved's own HTTP server and does one thing wrong.
//!
//! It calls itself nginx, so that the directives of nginx are expected in what is said of it.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;

/// What the proxy does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AnswersOtherKinds,
    AsksForAPassword,
    CutsBodies,
    DecodesSlashes,
    DropsAuthorization,
    DropsConditions,
    DropsQueries,
    DropsThePort,
    IsDown,
    Nothing,
    Redirects,
    RefusesBodies,
    RefusesDeletes,
    RefusesLongUrls,
    ReplacesErrors,
    StripsFields,
    /// Takes this much off the front of every path, and answers 404 to all others.
    Serves(&'static str),
}

/// Serves until the test process ends; every connection has one request and a thread.
pub(crate) struct Proxy {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        Self {
            listener: TcpListener::bind(("127.0.0.1", 0)).unwrap(),
            tls: None,
        }
    }

    pub(crate) fn with_tls(mut self, config: ServerConfig) -> Self {
        self.tls = Some(Arc::new(config));
        self
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// What a user types.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/", self.port())
    }

    /// Begins to serve, before the weaved on this port.
    pub(crate) fn start(self, weaved: u16, fault: Fault) {
        thread::spawn(move || {
            for stream in self.listener.incoming() {
                let (stream, tls) = (stream.unwrap(), self.tls.clone());
                // A client that leaves is no failure of the test.
                thread::spawn(move || match tls {
                    None => serve(stream, weaved, fault, false),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        serve(StreamOwned::new(connection, stream), weaved, fault, true)
                    }
                });
            }
        });
    }
}

/// A head and a body, of a request or of an answer.
struct Message {
    first: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn read(from: impl Read) -> io::Result<Self> {
        let mut from = BufReader::new(from);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut message = Self {
            first: lines.remove(0),
            fields: Vec::new(),
            body: Vec::new(),
        };
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            message
                .fields
                .push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = message.field("content-length").unwrap_or("0");
        message.body = vec![0; length.parse().unwrap()];
        from.read_exact(&mut message.body)?;
        Ok(message)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    }

    fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| !known.starts_with(name));
    }

    fn write(&mut self, mut to: impl Write) -> io::Result<()> {
        for name in ["content-length", "connection", "server", "expect"] {
            self.remove(name);
        }
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = self.body.len();
        text.push_str(&format!(
            "server: nginx/1.22.1\r\ncontent-length: {length}\r\n"
        ));
        text.push_str("connection: close\r\n\r\n");
        to.write_all(text.as_bytes())?;
        to.write_all(&self.body)?;
        to.flush()
    }

    fn answer(status: &str, more: &[(&str, &str)]) -> Self {
        let mut fields = vec![("content-type".to_owned(), "text/html".to_owned())];
        fields.extend(more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        Self {
            first: format!("HTTP/1.1 {status}"),
            fields,
            body: format!("<html>\n<h1>{status}</h1>\n</html>\n").into_bytes(),
        }
    }
}

fn serve(mut stream: impl Read + Write, weaved: u16, fault: Fault, is_tls: bool) -> io::Result<()> {
    let request = Message::read(&mut stream)?;
    let mut answer = match refuse(&request, fault) {
        Some(answer) => answer,
        None => {
            let to = TcpStream::connect(("127.0.0.1", weaved))?;
            change_request(request, fault, is_tls).write(&to)?;
            change_answer(Message::read(&to)?, fault)
        }
    };
    answer.write(&mut stream)
}

/// What the proxy answers by itself.
fn refuse(request: &Message, fault: Fault) -> Option<Message> {
    let target = request.first.split(' ').nth(1).unwrap_or_default();
    let is_large = request.body.len() > 1 << 20;
    match fault {
        Fault::AsksForAPassword => {
            let realm = ("www-authenticate", "Basic realm=\"Keep out\"");
            Some(Message::answer("401 Unauthorized", &[realm]))
        }
        Fault::IsDown => Some(Message::answer("502 Bad Gateway", &[])),
        Fault::Redirects => {
            let to = format!("https://www.example.net{target}");
            Some(Message::answer(
                "301 Moved Permanently",
                &[("location", &to)],
            ))
        }
        Fault::RefusesBodies if is_large => {
            Some(Message::answer("413 Request Entity Too Large", &[]))
        }
        Fault::RefusesDeletes if request.first.starts_with("DELETE") => {
            Some(Message::answer("405 Not Allowed", &[]))
        }
        Fault::RefusesLongUrls if target.len() > 1000 => {
            Some(Message::answer("414 Request-URI Too Large", &[]))
        }
        Fault::Serves(prefix) if !target.starts_with(prefix) => {
            Some(Message::answer("404 Not Found", &[]))
        }
        _ => None,
    }
}

fn change_request(mut request: Message, fault: Fault, is_tls: bool) -> Message {
    if is_tls {
        let https = ("x-forwarded-proto".to_owned(), "https".to_owned());
        request.fields.push(https);
    }
    match fault {
        Fault::CutsBodies => request.body.truncate(1 << 20),
        Fault::DecodesSlashes => request.first = request.first.replace("%2F", "/"),
        Fault::DropsAuthorization => request.remove("authorization"),
        Fault::DropsConditions => request.remove("x-"),
        Fault::DropsQueries => {
            if let Some((path, rest)) = request.first.split_once('?') {
                let version = rest.split(' ').nth(1).unwrap();
                request.first = format!("{path} {version}");
            }
        }
        Fault::DropsThePort => {
            for (name, value) in &mut request.fields {
                if name == "host" {
                    *value = "127.0.0.1".to_owned();
                }
            }
        }
        _ => {}
    }
    request
}

fn change_answer(mut answer: Message, fault: Fault) -> Message {
    let is_error = !answer.first.contains(" 200 ");
    match fault {
        Fault::AnswersOtherKinds => {
            for (name, value) in &mut answer.fields {
                if name == "content-type" {
                    *value = "text/html".to_owned();
                }
            }
        }
        Fault::ReplacesErrors if is_error => {
            let status = answer.first.split_once(' ').unwrap().1.to_owned();
            let login = answer.field("www-authenticate").map(str::to_owned);
            let time = answer.field("x-weave-timestamp").unwrap_or("0").to_owned();
            answer = Message::answer(&status, &[("x-weave-timestamp", &time)]);
            answer
                .fields
                .extend(login.map(|l| ("www-authenticate".to_owned(), l)));
        }
        Fault::StripsFields => answer.remove("x-weave"),
        _ => {}
    }
    answer
}
