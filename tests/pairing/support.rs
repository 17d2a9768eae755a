//! A fresh database, and relays of several processes at it.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use weaved::db::Database;
use weaved::db::PoolOptions;
use weaved::pairing::ChannelId;
use weaved::pairing::Conditions;
use weaved::pairing::Device;
use weaved::pairing::Held;
use weaved::pairing::Limits;
use weaved::pairing::PairingError;
use weaved::pairing::Put;
use weaved::pairing::Relay;
use weaved::sync::Clock;
use weaved::sync::Timestamp;

use crate::suite::Ground;
use crate::suite::Kind;

/// A fresh database, and the time.
pub(crate) struct Room {
    ground: Ground,
    clock: Arc<Hand>,
}

/// A clock that is set by hand, in seconds.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_centis(self.0.load(Ordering::SeqCst) * 100)
    }
}

impl Room {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            ground: Ground::fresh(kind),
            clock: Arc::new(Hand(AtomicI64::new(1_000_000_000))),
        }
    }

    /// What another process has: its own connections and memory.
    pub(crate) fn relay(&self) -> Relay {
        self.relay_with(Limits::default())
    }

    pub(crate) fn relay_with(&self, limits: Limits) -> Relay {
        let uri = self.ground.uri().parse().unwrap();
        let options = PoolOptions {
            timeout: Duration::from_secs(30),
            ..PoolOptions::default()
        };
        let database = Arc::new(Database::open(&uri, &options).unwrap());
        Relay::open(database, Arc::<Hand>::clone(&self.clock), limits).unwrap()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(crate) fn rows(&self) -> i64 {
        self.ground.number("SELECT COUNT(*) FROM weaved_channels")
    }
}

/// The device with this number.
pub(crate) fn device(number: u32) -> Device {
    Device::new(format!("{number:0256x}").as_bytes()).unwrap()
}

pub(crate) fn open(relay: &Relay, device: &Device) -> ChannelId {
    relay.open_channel(device, None).unwrap()
}

/// GET without a condition.
pub(crate) fn get(
    relay: &Relay,
    channel: ChannelId,
    device: &Device,
) -> Result<Held, PairingError> {
    relay.get(channel, device, Conditions::default())
}

/// PUT without a condition.
pub(crate) fn put(
    relay: &Relay,
    channel: ChannelId,
    device: &Device,
    message: &[u8],
) -> Result<Put, PairingError> {
    relay.put(channel, device, Conditions::default(), message)
}

/// The tag of a message that was stored.
#[track_caller]
pub(crate) fn stored(put: Result<Put, PairingError>) -> String {
    match put {
        Ok(Put::Stored(tag)) => tag.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The message that was given out.
#[track_caller]
pub(crate) fn message(got: Result<Held, PairingError>) -> Vec<u8> {
    match got {
        Ok(Held::Message(message, _)) => message,
        other => panic!("{other:?}"),
    }
}

/// Whether there is no channel any more.
#[track_caller]
pub(crate) fn is_gone(relay: &Relay, channel: ChannelId, device: &Device) -> bool {
    match get(relay, channel, device) {
        Ok(_) => false,
        Err(PairingError::Gone) => true,
        Err(error) => panic!("{error:?}"),
    }
}

/// The condition that another message is there than this one.
pub(crate) fn unless(tag: &str) -> Conditions<'_> {
    Conditions {
        none_matching: Some(tag),
        ..Conditions::default()
    }
}
