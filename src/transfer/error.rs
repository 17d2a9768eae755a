//! What can be wrong with an archive.

use std::io;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// What is there is not what was written: it was damaged, or changed by hand.
    #[error("the checksum at the end does not fit: the archive was damaged or changed")]
    Checksum,
    /// There is no end line.
    #[error("the archive is cut off: it has no end")]
    Cut,
    /// The file cannot be read.
    #[error("the archive cannot be read")]
    Io(#[source] io::Error),
    /// A line that no archive has there.
    #[error("line {number} is none that an archive has there: {what}")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// It does not begin like an archive.
    #[error("this is no archive of weaved")]
    NoArchive,
    /// It was written by a later weaved.
    #[error("the archive is of version {0}, which this weaved does not know")]
    Version(u64),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
