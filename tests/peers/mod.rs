//! Clients and web servers that behave badly: connections by hand, in the protocol of a site.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::suite::Endpoint;
use crate::suite::HttpRequest;
use crate::suite::Site;

/// One connection.
pub(crate) struct Peer(TcpStream);

impl Peer {
    /// Connects to what clients of this site connect to.
    pub(crate) fn new(site: &Site) -> Self {
        Self(site.endpoint().connect_tcp().unwrap())
    }

    /// One that takes as little as possible into the buffers of the system.
    pub(crate) fn narrow(site: &Site) -> Self {
        let Endpoint::Tcp(address) = site.endpoint() else {
            panic!("not TCP");
        };
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        socket.connect(&(*address).into()).unwrap();
        Self(socket.into())
    }

    /// Whether all of it could be sent.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Reads an answer up to the end of the connection.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let result = self.0.read_to_end(&mut bytes);
        Answer(bytes, result.map(drop))
    }

    /// Reads some of an answer.
    #[track_caller]
    pub(crate) fn take(&mut self, length: usize) {
        self.0.read_exact(&mut vec![0; length]).unwrap();
    }

    /// Waits until the other side closes; it must not say anything before.
    #[track_caller]
    pub(crate) fn await_end(&mut self) {
        self.0
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        match self.0.read(&mut [0]) {
            Ok(0) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => panic!("no end, but {other:?}"),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        let _gone_already = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Leaves with a reset instead of an end, as a process that is killed may.
    pub(crate) fn reset(self) {
        let socket = Socket::from(self.0);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// What came, up to the end of the connection.
pub(crate) struct Answer(Vec<u8>, io::Result<()>);

impl Answer {
    /// A status of 200 and a clean end.
    #[track_caller]
    pub(crate) fn is_ok(&self) -> &Self {
        let text = self.text();
        let head = text.get(..text.len().min(100)).unwrap_or(&text);
        assert!(self.1.is_ok(), "{:?} after {head:?}", self.1);
        let ok = ["Status: 200", "HTTP/1.1 200"];
        assert!(ok.iter().any(|ok| head.contains(ok)), "{head:?}");
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// The request in the protocol of the site, on a connection that is not kept.
pub(crate) fn bytes(site: &Site, request: HttpRequest) -> Vec<u8> {
    let request = if site.way().speaks_http() {
        request.header("Connection", "close")
    } else {
        request
    };
    site.transport().bytes(&request)
}
