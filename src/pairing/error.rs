//! What the relay can say instead of a message.

use crate::db::DbError;

/// Why the relay did not do what a device asked.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// The accounts' database failed.
    #[error("the accounts' database failed")]
    Database(#[from] DbError),
    /// There are as many channels as may be, in all or for this address.
    #[error("there are too many channels for pairing")]
    Full,
    /// There is no such channel: it never was, its time is over, or it was closed.
    #[error("no such channel for pairing")]
    Gone,
    /// There is no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The channel belongs to two others; it is closed now.
    #[error("a third device came to a channel for pairing, which was closed")]
    Stranger,
    /// The message is longer than any browser's.
    #[error("the message is too long")]
    TooLong,
}
