//! `[pairing]`: the relay through which devices pair (spec/clients.md, 3).

use super::keys::Key;
use super::keys::Table;
use super::keys::used;
use super::reader::Count;
use super::reader::Scope;

/// The relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Whether there is one. Default true.
    pub wanted: bool,
    /// Pairings in 15 minutes. Default 2000.
    pub channels: u32,
    /// Pairings in 15 minutes from one address, where that is known. Default 40.
    pub channels_per_address: u32,
}

impl Default for Pairing {
    fn default() -> Self {
        Self {
            wanted: true,
            channels: 2000,
            channels_per_address: 40,
        }
    }
}

/// The keys of `[pairing]`.
pub(super) static TABLE: Table = Table {
    name: "pairing",
    text: "The relay through which devices pair.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "use",
        "true",
        "Whether there is a relay at /jpake, below the public URL. Browsers find it by \
         services.sync.jpake.serverURL.",
    ),
    used(
        "channels",
        "2000",
        "Pairings that may be begun in 15 minutes. Each takes up to 88 KB of the accounts' \
         database.",
    ),
    used(
        "channels_per_address",
        "40",
        "The same from one address of IPv4, or one /64 of IPv6, where that is known.",
    ),
];

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> Pairing {
    let default = Pairing::default();
    // More would make it likely that somebody guesses one of a million channels.
    let count = |example| Count::new("pairings", 1, 20_000, example);
    let pairing = Pairing {
        wanted: scope.flag("use", default.wanted),
        channels: scope.number("channels", default.channels, count(2000)),
        channels_per_address: scope.number(
            "channels_per_address",
            default.channels_per_address,
            count(40),
        ),
    };
    scope.tell_unused();
    pairing
}
