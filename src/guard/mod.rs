//! What keeps strangers out, and is shared by all processes: it stands in the accounts' database.
//!
//! What goes in are names, addresses and texts, what comes out is whether something may be done.
//! A [`Guard`] knows nothing of HTTP, pages or records; what is refused, and how it looks, is
//! `api`'s and `web`'s.
//!
//! Invariants: what is sealed here opens in every process that uses the database, and in no other
//! installation. What may be done once is done once, whichever processes are asked at once.

mod attempts;
mod challenges;
mod error;
mod invitations;
mod key;
mod seal;
mod spent;
mod table;

use std::sync::Arc;

use zeroize::Zeroizing;

pub use attempts::Deed;
pub use attempts::Limits;
pub use attempts::Rate;
pub use challenges::Challenge;
pub use error::GuardError;
pub use invitations::Invitation;
pub use invitations::InvitationCode;

use crate::db::Database;
use crate::sync::Clock;
use crate::sync::Timestamp;
use table::Table;

/// The tables whose rows end.
const TABLES: [Table; 3] = [attempts::TABLE, invitations::TABLE, spent::TABLE];

/// Who may try what, for all processes of an installation.
pub struct Guard {
    clock: Arc<dyn Clock>,
    database: Arc<Database>,
    key: Zeroizing<[u8; 32]>,
    limits: Limits,
}

impl Guard {
    /// Makes the tables where they are missing, and the key when this is the first start.
    ///
    /// # Errors
    /// [`GuardError::Database`], and [`GuardError::Random`] when no key can be made.
    pub fn open(
        database: Arc<Database>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, GuardError> {
        let key = key::prepare(&database)?;
        for table in &TABLES {
            table.make(&database)?;
        }
        Ok(Self {
            clock,
            database,
            key,
            limits,
        })
    }

    /// Deletes what has ended; for quiet moments.
    ///
    /// # Errors
    /// [`GuardError::Database`].
    pub fn sweep(&self) -> Result<(), GuardError> {
        let now = self.now();
        Ok(self.database.write(|session| {
            let mut tables = TABLES.iter();
            tables.try_for_each(|table| table.sweep(session, now))
        })?)
    }

    /// The time by which everything here ends.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
