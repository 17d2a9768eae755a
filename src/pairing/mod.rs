//! The relay through which two devices pair (spec/clients.md, 3): channels, each of which holds
//! the last message of one device for the other.
//!
//! What goes in are a channel, a device and a message, what comes out is the other's message. All
//! of it stands in the accounts' database, so that the two devices may talk to different
//! processes and hosts. The relay reads no message: J-PAKE makes it useless to whoever listens.
//! Not here: paths, headers and statuses (`api`, `web`).
//!
//! Invariants: only the first two devices of a channel ever see or write a message; a third one
//! closes it. Of two messages that want to follow the same one, only one is taken. A poll that
//! finds nothing new is one small read and writes nothing. All rows together are bounded, and a
//! closed channel counts until its time is over, so that nobody gets around a limit by closing.

mod channel;
mod device;
mod error;
mod exchange;
mod message;
mod rows;

use std::net::IpAddr;
use std::sync::Arc;

pub use channel::ChannelId;
pub use device::Device;
pub use error::PairingError;
pub use message::Conditions;
pub use message::Held;
pub use message::Look;
pub use message::Put;
pub use message::Tag;

use crate::db::Database;
use crate::db::DbError;
use crate::sync::Clock;
use crate::sync::Timestamp;
use rows::Made;

/// How much the relay takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Channels in all, closed ones included, in the time that one lives.
    pub channels: i64,
    /// The same for one address, or one network of IPv6, when that is known. People at one place
    /// share an address.
    pub channels_of_address: i64,
    /// Seconds that a channel lives from when it was made. A browser waits 300 s for the first
    /// message and 300 s for the last (decisions, 15).
    pub life: i64,
    /// The bytes of a message; browsers send 6 kB.
    pub message: usize,
    /// Messages that a channel takes; a clean run needs 6.
    pub puts: i64,
    /// Messages that a channel gives out before it closes; a clean run needs 6 (decisions, 15).
    pub reads: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channels: 2000,
            channels_of_address: 40,
            life: 900,
            message: 64 * 1024,
            puts: 20,
            reads: 10,
        }
    }
}

/// The channels of an installation.
pub struct Relay {
    clock: Arc<dyn Clock>,
    database: Arc<Database>,
    limits: Limits,
}

/// How often a free channel is looked for; with [`Limits::channels`] once is nearly always enough.
const ATTEMPTS: usize = 100;

impl Relay {
    /// Makes the table where it is missing.
    ///
    /// # Errors
    /// [`PairingError::Database`].
    pub fn open(
        database: Arc<Database>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, PairingError> {
        rows::prepare(&database)?;
        Ok(Self {
            clock,
            database,
            limits,
        })
    }

    /// How much the relay takes.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes a channel, which this device owns; `client` is where it is, if that is known.
    ///
    /// # Errors
    /// [`PairingError::Full`] when there are too many, and those of the database.
    pub fn open_channel(
        &self,
        device: &Device,
        client: Option<IpAddr>,
    ) -> Result<ChannelId, PairingError> {
        self.sweep()?;
        for _ in 0..ATTEMPTS {
            let channel = ChannelId::random().map_err(PairingError::Random)?;
            let made = Made {
                device,
                client,
                until: self.after(self.limits.life),
            };
            match self.database.write(|session| {
                // Whoever counts at the same time may count the same: a few too many do no harm.
                if !rows::has_room(session, client, &self.limits)? {
                    return Err(PairingError::Full);
                }
                rows::insert(session, channel, &made)?;
                Ok(())
            }) {
                Ok(()) => return Ok(channel),
                // Somebody has it.
                Err(PairingError::Database(DbError::Constraint(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Err(PairingError::Full)
    }

    /// Forgets what is over; nothing is written when nothing is. Returns how many there were.
    ///
    /// # Errors
    /// [`PairingError::Database`].
    pub fn sweep(&self) -> Result<usize, PairingError> {
        Ok(rows::sweep(&self.database, self.clock.now())?)
    }

    fn after(&self, seconds: i64) -> Timestamp {
        let centis = seconds.saturating_mul(100);
        Timestamp::from_centis(self.clock.now().centis().saturating_add(centis))
    }
}
