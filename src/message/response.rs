//! One response, as every gateway sends it.

use std::fmt;
use std::io;

/// A status, header fields and a body.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status code, 100 to 599.
    pub status: u16,
    /// Header fields as they go out. Gateways add Content-Length and whatever their protocol
    /// asks for; a Connection, Date, Server, Status or Transfer-Encoding field does not belong
    /// here (spec/gateway.md, 5).
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// Writes a body; see [`Body::Stream`].
pub type Stream = Box<dyn FnOnce(&mut dyn io::Write) -> io::Result<()> + Send>;

/// What a response carries.
pub enum Body {
    /// Bytes that are all there; they go out with their length.
    Bytes(Vec<u8>),
    /// Bytes that are made while they are sent; their number is not known beforehand.
    ///
    /// The function is called once. An error that it returns and that did not come from the
    /// writer means that the body is cut: the gateway breaks the connection off, so that the
    /// client cannot take a part for the whole.
    Stream(Stream),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
