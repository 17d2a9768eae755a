//! The responder that does nothing: weaved's own gateway and server, and a fixed answer.
//!
//! Runs in a process of its own, as weaved does: this very program with other arguments. An
//! answer is made in the way in which weaved makes one of its size: whole, or in pieces.

use std::io;
use std::io::Write;
use std::sync::Arc;

use weaved::gateway;
use weaved::gateway::Protocol;
use weaved::message::Body;
use weaved::message::Request;
use weaved::message::Response;
use weaved::server;
use weaved::server::Address;
use weaved::server::Handler;
use weaved::server::Server;
use weaved::server::Stop;

use crate::site;
use crate::site::Shape;

/// The argument that makes this program the baseline.
const ARGUMENT: &str = "--baseline";

/// Above so many bytes weaved streams, a piece at a time (`weaved::api`).
const WHOLE: usize = 256 * 1024;

/// The size of a piece.
const PIECE: usize = 60 * 1024;

/// What a baseline is told.
pub(crate) struct Options {
    /// The bytes of every answer's body.
    pub(crate) length: usize,
}

impl Options {
    /// As arguments of this program.
    pub(crate) fn arguments(&self) -> [String; 2] {
        [ARGUMENT.to_owned(), self.length.to_string()]
    }

    /// From arguments, if they are a baseline's.
    pub(crate) fn read(arguments: &[String]) -> Option<Self> {
        match arguments {
            [first, length] if first == ARGUMENT => Some(Self {
                length: length.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &Options) -> io::Result<()> {
    let address = Address::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    };
    let listener = server::listen(&address, 1024).map_err(io::Error::other)?;
    writeln!(io::stderr(), "listening on {}", listener.local())?;
    let gateway = Arc::new(gateway::Options {
        mount: site::MOUNT.parse().map_err(io::Error::other)?,
        ..gateway::Options::default()
    });
    let server = Server {
        listener,
        connections: Arc::new(move || Protocol::Fcgi.connection(&gateway)),
        handler: Arc::new(Fixed(vec![b'.'; options.length].into())),
        options: server::Options {
            threads: Shape::USUAL.threads,
            ..server::Options::default()
        },
    };
    server.run(&Stop::default()).map_err(io::Error::other)
}

/// Answers the same to everybody.
struct Fixed(Arc<[u8]>);

impl Handler for Fixed {
    fn handle(&self, _request: Request) -> Response {
        let body = if self.0.len() < WHOLE {
            Body::Bytes(self.0.to_vec())
        } else {
            let bytes = Arc::clone(&self.0);
            Body::Stream(Box::new(move |out| {
                bytes
                    .chunks(PIECE)
                    .try_for_each(|piece| out.write_all(piece))
            }))
        };
        // As many fields as weaved sends with a frequent answer.
        Response {
            status: 200,
            headers: vec![
                ("Content-Type", "application/json".to_owned()),
                ("X-Weave-Timestamp", "1322000000.12".to_owned()),
                ("Cache-Control", "no-store".to_owned()),
            ],
            body,
        }
    }
}
