//! The relay's calls (spec/clients.md, 3). None needs credentials: who pairs has none yet.
//!
//! A device that does not say who it is has no business on a channel, and closes it, as a third
//! one does: somebody guesses names of channels. That is slow: whoever meets no channel, or one of
//! others, too often has to wait, as after wrong passwords. The two devices of a channel do not.

use std::net::IpAddr;

use super::Api;
use super::ApiError;
use super::reply;
use crate::guard::Deed;
use crate::message::Body;
use crate::message::Response;
use crate::pairing::ChannelId;
use crate::pairing::Conditions;
use crate::pairing::Device;
use crate::pairing::Held;
use crate::pairing::Look;
use crate::pairing::PairingError;
use crate::pairing::Put;
use crate::pairing::Relay;
use crate::pairing::Tag;

/// How much of a report's reason is written to the log, in bytes.
const MAX_REASON: usize = 64;

/// Who speaks to the relay.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// What it calls itself, if that can be what a browser does.
    pub device: Option<&'a Device>,
    /// Where it is, as far as that can be told.
    pub client: Option<IpAddr>,
}

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
    pub fn open_channel(&self, peer: Peer<'_>) -> Result<Response, ApiError> {
        let relay = self.relay()?;
        let device = peer.device.ok_or_else(nobody)?;
        let channel = relay.open_channel(device, peer.client)?;
        let mut response = json(format!("\"{channel}\"").into_bytes());
        response
            .headers
            .push(("X-KeyExchange-Channel", channel.to_string()));
        Ok(response)
    }

    /// `GET /jpake/<channel>`
    ///
    /// # Errors
    /// Without a device, which closes the channel; [`ApiError::TooOften`], and those of the relay.
    pub fn get_channel(
        &self,
        channel: ChannelId,
        peer: Peer<'_>,
        known: Conditions<'_>,
    ) -> Result<Response, ApiError> {
        let look = match peer.device {
            Some(device) => self.relay()?.look(channel, device, known)?,
            None => Look::Outside,
        };
        let get = |relay: &Relay, device: &Device| relay.get(channel, device, known);
        let held = match look {
            Look::Held(held) => held,
            Look::Message => self.as_member(peer, get)?,
            Look::Gone | Look::Outside => self.as_outsider(channel, peer, get)?,
        };
        Ok(match held {
            Held::Message(message, tag) => tagged(json(message), &tag),
            Held::Nothing => json(b"{}".to_vec()),
            Held::Same(tag) => tagged(bare(304), &tag),
        })
    }

    /// `PUT /jpake/<channel>`
    ///
    /// # Errors
    /// Those of [`Self::get_channel`].
    pub fn put_channel(
        &self,
        channel: ChannelId,
        peer: Peer<'_>,
        conditions: Conditions<'_>,
        message: &[u8],
    ) -> Result<Response, ApiError> {
        let put = self.on_channel(channel, peer, |relay, device| {
            relay.put(channel, device, conditions, message)
        })?;
        Ok(match put {
            Put::Refused(tag) => tagged(bare(412), &tag),
            Put::Stored(tag) => tagged(bare(200), &tag),
        })
    }

    /// `DELETE /jpake/<channel>`
    ///
    /// # Errors
    /// Those of [`Self::get_channel`].
    pub fn close_channel(&self, channel: ChannelId, peer: Peer<'_>) -> Result<Response, ApiError> {
        self.on_channel(channel, peer, |relay, device| {
            relay.close(channel, Some(device))
        })?;
        Ok(bare(200))
    }

    /// `POST /jpake/report`: a device has given up, and its channel may go. A report without a
    /// channel of its own is no error, and changes nothing.
    ///
    /// # Errors
    /// Without a device, and those of the relay.
    pub fn report_pairing(
        &self,
        peer: Peer<'_>,
        channel: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Response, ApiError> {
        let relay = self.relay()?;
        let device = peer.device.ok_or_else(nobody)?;
        let channel: Option<ChannelId> = channel.and_then(|text| text.parse().ok());
        if let Some(channel) = channel
            && relay.close_own(channel, device)?
        {
            log::info!("a pairing ended: {}", readable(reason.unwrap_or_default()));
        }
        Ok(bare(200))
    }

    fn relay(&self) -> Result<&Relay, ApiError> {
        let relay = self.relay.as_deref();
        relay.ok_or(ApiError::NotFound("relay for pairing"))
    }

    /// Does something on a channel, for whoever that is.
    fn on_channel<T>(
        &self,
        channel: ChannelId,
        peer: Peer<'_>,
        work: impl FnOnce(&Relay, &Device) -> Result<T, PairingError>,
    ) -> Result<T, ApiError> {
        let look = match peer.device {
            Some(device) => self.relay()?.look(channel, device, Conditions::default())?,
            None => Look::Outside,
        };
        match look {
            Look::Gone | Look::Outside => self.as_outsider(channel, peer, work),
            Look::Held(_) | Look::Message => self.as_member(peer, work),
        }
    }

    fn as_member<T>(
        &self,
        peer: Peer<'_>,
        work: impl FnOnce(&Relay, &Device) -> Result<T, PairingError>,
    ) -> Result<T, ApiError> {
        let device = peer.device.ok_or_else(nobody)?;
        Ok(work(self.relay()?, device)?)
    }

    /// The same for a device that has not been there: it may be the second one, or a guesser.
    fn as_outsider<T>(
        &self,
        channel: ChannelId,
        peer: Peer<'_>,
        work: impl FnOnce(&Relay, &Device) -> Result<T, PairingError>,
    ) -> Result<T, ApiError> {
        let relay = self.relay()?;
        if !self.guard.may(Deed::Proof, None, peer.client)? {
            return Err(ApiError::TooOften);
        }
        let result = match peer.device {
            Some(device) => work(relay, device).map_err(ApiError::from),
            None => match relay.close(channel, None) {
                Ok(()) | Err(PairingError::Gone) => Err(nobody()),
                Err(error) => Err(error.into()),
            },
        };
        if let Err(
            ApiError::Unreadable(_)
            | ApiError::Pairing(PairingError::Gone | PairingError::Stranger),
        ) = &result
        {
            self.guard.note(Deed::Proof, None, peer.client)?;
        }
        result
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
