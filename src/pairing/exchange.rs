//! What devices do with a channel that is there.
//!
//! ```text
//!              get, put by a second device       get, put by a third one, or by nobody;
//!              ┌──────────────┐                  a close; too many messages; its time
//! made by one ─┘              └► shared by two ─────────────────────────► closed
//! ```

use super::ChannelId;
use super::Conditions;
use super::Device;
use super::Held;
use super::Look;
use super::PairingError;
use super::Put;
use super::Relay;
use super::Tag;
use super::rows;
use super::rows::Channel;
use super::rows::Standing;
use crate::db::Session;

/// What a change came to. It is a value of a transaction that is committed, because also what is
/// refused may have closed the channel.
type Outcome<T> = Result<T, Ended>;

/// Why there is no channel for a device.
enum Ended {
    Gone,
    Stranger,
}

impl From<Ended> for PairingError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Gone => Self::Gone,
            Ended::Stranger => Self::Stranger,
        }
    }
}

impl Relay {
    /// What a device is to a channel, and what needs no message: one small read. A waiting device
    /// polls once a second, and this must be all of it.
    ///
    /// # Errors
    /// [`PairingError::Database`].
    pub fn look(
        &self,
        channel: ChannelId,
        device: &Device,
        known: Conditions<'_>,
    ) -> Result<Look, PairingError> {
        let now = self.clock.now();
        let there = self
            .database
            .read(|session| rows::read(session, channel, now))?;
        Ok(match there {
            None => Look::Gone,
            Some(there) if there.standing(device) == Standing::Member => {
                without_message(&there, known).map_or(Look::Message, Look::Held)
            }
            Some(_) => Look::Outside,
        })
    }

    /// The message in a channel, unless the device knows it. A message that is given out counts.
    ///
    /// # Errors
    /// [`PairingError::Gone`], [`PairingError::Stranger`], and those of the database.
    pub fn get(
        &self,
        channel: ChannelId,
        device: &Device,
        known: Conditions<'_>,
    ) -> Result<Held, PairingError> {
        match self.look(channel, device, known)? {
            Look::Gone => return Err(PairingError::Gone),
            Look::Held(held) => return Ok(held),
            Look::Message | Look::Outside => {}
        }
        self.change(channel, device, |session, there| {
            if let Some(held) = without_message(there, known) {
                return Ok(held);
            }
            let message = rows::message(session, channel)?;
            let tag = there.tag.clone().unwrap_or_else(|| Tag::of(&message));
            if there.lent.saturating_add(1) >= self.limits.reads {
                rows::close(session, channel)?;
            } else {
                rows::lend(session, channel)?;
            }
            Ok(Held::Message(message, tag))
        })
    }

    /// Puts a message into a channel, in the place of the one that the device believes there.
    ///
    /// # Errors
    /// [`PairingError::TooLong`], after which nothing was changed; [`PairingError::Gone`] also when
    /// the channel has had too many messages; [`PairingError::Stranger`], and those of the
    /// database.
    pub fn put(
        &self,
        channel: ChannelId,
        device: &Device,
        conditions: Conditions<'_>,
        message: &[u8],
    ) -> Result<Put, PairingError> {
        if message.len() > self.limits.message {
            return Err(PairingError::TooLong);
        }
        let tag = Tag::of(message);
        let put = self.change(channel, device, |session, there| {
            if !conditions.allow(there.tag.as_ref()) {
                return Ok(Some(Put::Refused(tag.clone())));
            }
            if there.puts >= self.limits.puts {
                rows::close(session, channel)?;
                return Ok(None);
            }
            rows::store(session, channel, message, &tag)?;
            Ok(Some(Put::Stored(tag.clone())))
        })?;
        put.ok_or(PairingError::Gone)
    }

    /// Closes a channel for everybody. That needs no membership: whoever is no member closes it
    /// by coming. `None` is somebody who does not say who he is.
    ///
    /// # Errors
    /// [`PairingError::Gone`], [`PairingError::Stranger`], and those of the database.
    pub fn close(&self, channel: ChannelId, device: Option<&Device>) -> Result<(), PairingError> {
        let Some(device) = device else {
            return self.shut(channel);
        };
        self.change(channel, device, |session, _| {
            Ok(rows::close(session, channel)?)
        })
    }

    /// Closes a channel if this device is one of its two; answers whether it is.
    ///
    /// # Errors
    /// Those of the database.
    pub fn close_own(&self, channel: ChannelId, device: &Device) -> Result<bool, PairingError> {
        let now = self.clock.now();
        self.database.write(|session| {
            let there = rows::lock(session, channel, now)?;
            let own = there.is_some_and(|there| there.standing(device) == Standing::Member);
            if own {
                rows::close(session, channel)?;
            }
            Ok(own)
        })
    }

    fn shut(&self, channel: ChannelId) -> Result<(), PairingError> {
        let now = self.clock.now();
        let there = self.database.write(|session| {
            let there = rows::lock(session, channel, now)?.is_some();
            if there {
                rows::close(session, channel)?;
            }
            Ok::<_, PairingError>(there)
        })?;
        there.then_some(()).ok_or(PairingError::Gone)
    }

    /// Runs `work` on a channel that nobody else changes meanwhile, as one of its two devices.
    fn change<T>(
        &self,
        channel: ChannelId,
        device: &Device,
        mut work: impl FnMut(&mut Session<'_>, &Channel) -> Result<T, PairingError>,
    ) -> Result<T, PairingError> {
        let now = self.clock.now();
        let outcome = self.database.write(|session| {
            let Some(there) = rows::lock(session, channel, now)? else {
                return Ok(Outcome::Err(Ended::Gone));
            };
            match there.standing(device) {
                Standing::Member => {}
                Standing::New => rows::join(session, channel, device)?,
                Standing::Third => {
                    rows::close(session, channel)?;
                    return Ok(Err(Ended::Stranger));
                }
            }
            Ok::<_, PairingError>(Ok(work(session, &there)?))
        })?;
        Ok(outcome?)
    }
}

/// The answer for which no message is needed.
fn without_message(there: &Channel, known: Conditions<'_>) -> Option<Held> {
    match &there.tag {
        None => Some(Held::Nothing),
        Some(tag) if !known.is_news(Some(tag)) => Some(Held::Same(tag.clone())),
        Some(_) => None,
    }
}
