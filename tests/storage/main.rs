//! What must hold for every storage: a conformance suite that any [`Storage`] can be handed, a
//! property test that holds random histories against a model in memory, the mending of what the
//! original server wrote, and its tables as they are; each on every kind of database.
//!
//! [`Storage`]: weaved::storage::Storage

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod history;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod mending;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod originals;
#[cfg(test)]
mod promise;
#[cfg(test)]
mod restoring;
#[cfg(test)]
mod starting;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
#[cfg(test)]
mod support;
