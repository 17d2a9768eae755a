//! Accounts and their records on their way out and in: exports, backups, and what comes from
//! other servers.
//!
//! [`Writer`] and [`Archive`] are the open format, one JSON object a line (`archive`). [`arrive`]
//! makes sure that an account is here, [`Moved`] tells what became of it. What is moved in is
//! safe to repeat: accounts that are here stay as they are, and records are put back as
//! [`Storage::restore`](crate::storage::Storage::restore) does.
//!
//! [`Elsewhere`] is a server of another kind, as it lies there ([`FSyncMs`], [`WeaveMinimal`],
//! [`ServerFull`]), which is only read, and [`move_in`] brings its people here.
//!
//! Not here: where archives lie and what is said to people (`cli`).

mod archive;
mod arrival;
mod elsewhere;
mod error;
mod fitness;
mod fsyncms;
mod lines;
mod report;
mod rows;
mod server_full;
mod weave_minimal;

pub use archive::Archive;
pub use archive::Records;
pub use archive::Writer;
pub use arrival::Arrival;
pub use arrival::Passenger;
pub use arrival::arrive;
pub use arrival::come_already;
pub use arrival::let_in;
pub use elsewhere::Destination;
pub use elsewhere::Elsewhere;
pub use elsewhere::Person;
pub use elsewhere::Take;
pub use elsewhere::move_in;
pub use elsewhere::rehearse;
pub use error::ArchiveError;
pub use error::ElsewhereError;
pub use fitness::unfit;
pub use fsyncms::FSyncMs;
pub use report::Counts;
pub use report::Moved;
pub use report::Outcome;
pub use server_full::ServerFull;
pub use weave_minimal::WeaveMinimal;
