//! The relay's calls (spec/clients.md, 3). None needs credentials: who pairs has none yet.
//!
//! A device that does not say who it is has no business on a channel, and closes it, as a third
//! one does: somebody guesses names of channels.

use std::net::IpAddr;

use super::Api;
use super::ApiError;
use super::reply;
use crate::message::Body;
use crate::message::Response;
use crate::pairing::ChannelId;
use crate::pairing::Conditions;
use crate::pairing::Device;
use crate::pairing::Held;
use crate::pairing::PairingError;
use crate::pairing::Put;
use crate::pairing::Relay;
use crate::pairing::Tag;

/// How much of a report's reason is written to the log, in bytes.
const MAX_REASON: usize = 64;

impl Api {
    /// `GET /jpake/`: what this is, for people who look.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] where there is no relay, as for all calls here.
    pub fn about_pairing(&self) -> Result<Response, ApiError> {
        self.relay()?;
        Ok(reply::text(
            "Browsers pair here: set services.sync.jpake.serverURL in about:config to this URL.",
        ))
    }

    /// `GET /jpake/new_channel`
    ///
    /// # Errors
    /// Without a device, and those of the relay.
    pub fn open_channel(
        &self,
        device: Option<&Device>,
        client: Option<IpAddr>,
    ) -> Result<Response, ApiError> {
        let device = device.ok_or_else(nobody)?;
        let channel = self.relay()?.open_channel(device, client)?;
        let mut response = json(format!("\"{channel}\"").into_bytes());
        response
            .headers
            .push(("X-KeyExchange-Channel", channel.to_string()));
        Ok(response)
    }

    /// `GET /jpake/<channel>`
    ///
    /// # Errors
    /// Without a device, which closes the channel, and those of the relay.
    pub fn get_channel(
        &self,
        channel: ChannelId,
        device: Option<&Device>,
        known: Conditions<'_>,
    ) -> Result<Response, ApiError> {
        let device = self.somebody(channel, device)?;
        Ok(match self.relay()?.get(channel, device, known)? {
            Held::Message(message, tag) => tagged(json(message), &tag),
            Held::Nothing => json(b"{}".to_vec()),
            Held::Same(tag) => tagged(bare(304), &tag),
        })
    }

    /// `PUT /jpake/<channel>`
    ///
    /// # Errors
    /// Without a device, which closes the channel, and those of the relay.
    pub fn put_channel(
        &self,
        channel: ChannelId,
        device: Option<&Device>,
        conditions: Conditions<'_>,
        message: &[u8],
    ) -> Result<Response, ApiError> {
        let device = self.somebody(channel, device)?;
        Ok(
            match self.relay()?.put(channel, device, conditions, message)? {
                Put::Refused(tag) => tagged(bare(412), &tag),
                Put::Stored(tag) => tagged(bare(200), &tag),
            },
        )
    }

    /// `DELETE /jpake/<channel>`
    ///
    /// # Errors
    /// Without a device, which closes the channel all the same, and those of the relay.
    pub fn close_channel(
        &self,
        channel: ChannelId,
        device: Option<&Device>,
    ) -> Result<Response, ApiError> {
        let device = self.somebody(channel, device)?;
        self.relay()?.close(channel, Some(device))?;
        Ok(bare(200))
    }

    /// `POST /jpake/report`: a device has given up, and its channel may go. A report without a
    /// channel of its own is no error, and changes nothing.
    ///
    /// # Errors
    /// Without a device, and those of the relay.
    pub fn report_pairing(
        &self,
        device: Option<&Device>,
        channel: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Response, ApiError> {
        let device = device.ok_or_else(nobody)?;
        let channel: Option<ChannelId> = channel.and_then(|text| text.parse().ok());
        if let Some(channel) = channel
            && self.relay()?.close_own(channel, device)?
        {
            log::info!("a pairing ended: {}", readable(reason.unwrap_or_default()));
        }
        Ok(bare(200))
    }

    fn relay(&self) -> Result<&Relay, ApiError> {
        let relay = self.relay.as_deref();
        relay.ok_or(ApiError::NotFound("relay for pairing"))
    }

    /// The device, or the end of the channel.
    fn somebody<'a>(
        &self,
        channel: ChannelId,
        device: Option<&'a Device>,
    ) -> Result<&'a Device, ApiError> {
        if let Some(device) = device {
            return Ok(device);
        }
        match self.relay()?.close(channel, None) {
            Ok(()) | Err(PairingError::Gone) => Err(nobody()),
            Err(error) => Err(error.into()),
        }
    }
}

fn nobody() -> ApiError {
    ApiError::Unreadable("X-KeyExchange-Id must have 256 characters".to_owned())
}

/// What a browser says about a failure, such as `jpake.error.timeout`; from others anything may
/// come.
fn readable(reason: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fine = !reason.is_empty() && reason.len() <= MAX_REASON && reason.bytes().all(plain);
    if fine { reason } else { "no usual reason" }
}

fn json(body: Vec<u8>) -> Response {
    Response {
        status: 200,
        headers: vec![("Content-Type", "application/json".to_owned())],
        body: Body::Bytes(body),
    }
}

fn bare(status: u16) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: Body::Bytes(Vec::new()),
    }
}

fn tagged(mut response: Response, tag: &Tag) -> Response {
    response.headers.push(("ETag", tag.to_string()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usual_reasons_are_logged() {
        for reason in ["jpake.error.userabort", "x"] {
            assert_eq!(readable(reason), reason);
        }
        let long = "x".repeat(65);
        for reason in ["", "a b", "a\nb", "é", &long] {
            assert_eq!(readable(reason), "no usual reason");
        }
    }
}
