//! What became of an account that was moved in.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::storage::Restored;

/// What became of an account and its records.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// Its name.
    pub name: String,
    /// What became of the account itself.
    pub account: Outcome,
    /// What became of its records.
    #[serde(flatten)]
    pub records: Counts,
    /// Records that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// What became of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was here, and stays as it is.
    Known,
    /// It was made.
    Made,
    /// It could not be made, and its records were left out; the reason is in the notes.
    Refused,
}

/// [`Restored`], to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as there")]
pub struct Counts {
    pub added: u64,
    pub expired: u64,
    pub kept: u64,
    pub same: u64,
    pub updated: u64,
}

impl Counts {
    /// How many there were.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.added + self.expired + self.kept + self.same + self.updated
    }
}

impl Moved {
    /// Of an account whose records are still to come.
    #[must_use]
    pub fn new(name: &str, account: Outcome) -> Self {
        Self {
            name: name.to_owned(),
            account,
            records: Counts::default(),
            skipped: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Adds what became of some records; those of several storages add up.
    pub fn count(&mut self, restored: Restored) {
        self.records.added += restored.added;
        self.records.expired += restored.expired;
        self.records.kept += restored.kept;
        self.records.same += restored.same;
        self.records.updated += restored.updated;
    }

    /// Adds records that were left out.
    pub fn skip(&mut self, why: &str, records: u64) {
        *self.skipped.entry(why.to_owned()).or_default() += records;
    }
}

/// One line, and one more for each note.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = match self.account {
            Outcome::Known => "was here",
            Outcome::Made => "made",
            Outcome::Refused => "left out",
        };
        let records = &self.records;
        write!(
            f,
            "{}: {account}, {} records added",
            self.name, records.added
        )?;
        for (number, what) in [
            (records.updated, "updated"),
            (records.same, "here already"),
            (records.kept, "kept as they are here, which is newer"),
            (records.expired, "expired"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        for (why, number) in &self.skipped {
            write!(f, "\n  left out: {number} with {why}")?;
        }
        for note in &self.notes {
            write!(f, "\n  {note}")?;
        }
        Ok(())
    }
}
