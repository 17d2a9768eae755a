//! A request and its response, as the program sees them: two values, no behaviour.
//!
//! Gateways turn bytes into a [`Request`] and a [`Response`] into bytes; everything above them
//! sees nothing of FastCGI, SCGI or HTTP. Neither value knows what Sync is.

mod headers;
mod request;
mod response;
mod web_server;

pub use headers::Headers;
pub use request::Path;
pub use request::Request;
pub use response::Body;
pub use response::Response;
pub use response::Stream;
pub use web_server::WebServer;
