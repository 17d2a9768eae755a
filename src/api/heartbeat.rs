//! Whether the server answers at all.

use super::Api;
use super::reply;
use crate::message::Response;

impl Api {
    /// `GET /__heartbeat__`: 200 and nothing, without a look at any database.
    #[must_use]
    pub fn heartbeat(&self) -> Response {
        reply::text("")
    }
}
