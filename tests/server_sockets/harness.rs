//! A server in a thread, and clients of it.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;
use weaved::server::Address;
use weaved::server::Connections;
use weaved::server::Handler;
use weaved::server::Listener;
use weaved::server::Local;
use weaved::server::Options;
use weaved::server::ServeError;
use weaved::server::Server;
use weaved::server::Stop;
use weaved::server::Waits;
use weaved::server::listen;

use crate::lines::Lines;

/// Longer than any test should take.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// As long as a time-out that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(60);

/// Nothing times out, `threads` threads.
pub(crate) fn patient(threads: usize) -> Options {
    Options {
        allowed_peers: Vec::new(),
        drain: LONG,
        quiet: LONG,
        threads,
        tick: Duration::from_millis(10),
        waits: Waits {
            body: LONG,
            body_total: LONG,
            crowded: LONG,
            crowded_head: LONG,
            drain_total: LONG,
            head: LONG,
            head_total: LONG,
            idle_total: LONG,
            write: LONG,
            write_total: LONG,
        },
    }
}

/// Lines of the log so far that contain `word`, with their levels.
pub(crate) fn logged(word: &str) -> Vec<String> {
    let lines = LOG.0.lock().unwrap();
    lines
        .iter()
        .filter(|line| line.contains(word))
        .cloned()
        .collect()
}

/// Begins to keep the lines of the log; all tests of the program share them.
pub(crate) fn keep_log() {
    let _ = log::set_logger(&LOG);
    log::set_max_level(log::LevelFilter::Debug);
}

static LOG: Log = Log(Mutex::new(Vec::new()));

struct Log(Mutex<Vec<String>>);

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

/// A handler that is a function.
pub(crate) struct Answers<F>(pub(crate) F);

impl<F: Fn(Request) -> Response + Send + Sync> Handler for Answers<F> {
    fn handle(&self, request: Request) -> Response {
        (self.0)(request)
    }
}

/// Says back what was asked.
pub(crate) fn echo() -> Arc<dyn Handler> {
    Arc::new(Answers(|request: Request| say(&request.query)))
}

pub(crate) fn say(text: &str) -> Response {
    Response {
        status: 200,
        headers: Vec::new(),
        body: Body::Bytes(text.as_bytes().to_vec()),
    }
}

pub(crate) fn lines() -> Connections {
    Arc::new(|| Box::new(Lines::default()))
}

/// A running server; dropped, it is stopped at once.
pub(crate) struct Running {
    pub(crate) local: Local,
    pub(crate) stop: Stop,
    done: mpsc::Receiver<Result<(), ServeError>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn tcp(options: Options, handler: Arc<dyn Handler>) -> Self {
        let address = Address::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        Self::on(listen(&address, 128).unwrap(), options, handler)
    }

    pub(crate) fn on(listener: Listener, options: Options, handler: Arc<dyn Handler>) -> Self {
        let local = listener.local().clone();
        let stop = Stop::default();
        let server = Server {
            listener,
            connections: lines(),
            handler,
            options,
        };
        let (sender, done) = mpsc::channel();
        let told = stop.clone();
        let thread = thread::spawn(move || {
            let _ = sender.send(server.run(&told));
        });
        Self {
            local,
            stop,
            done,
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.local {
            Local::Tcp(address) => *address,
            Local::Unix(path) => panic!("not TCP: {}", path.display()),
        }
    }

    pub(crate) fn connect(&self) -> Client<TcpStream> {
        Client::tcp(TcpStream::connect(self.address()).unwrap())
    }

    /// Waits for the end of the server.
    pub(crate) fn ends(&self) {
        self.done.recv_timeout(LONG).unwrap().unwrap();
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.done.try_recv(), Err(mpsc::TryRecvError::Empty))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop_at_once();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One connection to a server.
pub(crate) struct Client<S>(pub(crate) S);

impl Client<TcpStream> {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Sends a request and reads one line.
    pub(crate) fn ask(&mut self, text: &str) -> io::Result<String> {
        self.0.write_all(format!("{text}\n").as_bytes())?;
        self.line()
    }

    /// Reads one line; the end of the connection before it is an error.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            self.0.read_exact(&mut byte)?;
            if byte == *b"\n" {
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            line.push(byte[0]);
        }
    }

    /// Whether the server has closed the connection, once it says anything.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}
