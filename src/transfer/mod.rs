//! Accounts and their records on their way out and in: exports, backups, and what comes from
//! other servers.
//!
//! [`Writer`] and [`Archive`] are the open format, one JSON object a line (`archive`). [`arrive`]
//! makes sure that an account is here, [`Moved`] tells what became of it. What is moved in is
//! safe to repeat: accounts that are here stay as they are, and records are put back as
//! [`Storage::restore`](crate::storage::Storage::restore) does.
//!
//! Not here: where archives lie and what is said to people (`cli`).

mod archive;
mod arrival;
mod error;
mod fitness;
mod lines;
mod report;

pub use archive::Archive;
pub use archive::Records;
pub use archive::Writer;
pub use arrival::Arrival;
pub use arrival::Passenger;
pub use arrival::arrive;
pub use error::ArchiveError;
pub use fitness::unfit;
pub use report::Counts;
pub use report::Moved;
pub use report::Outcome;
