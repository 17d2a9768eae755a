//! What must hold for every storage: a conformance suite that any [`Storage`] can be handed, a
//! property test that holds random histories against a model in memory, and the mending of
//! files that the original server wrote to.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod history;
#[cfg(test)]
mod mending;
#[cfg(test)]
mod promise;
#[cfg(test)]
mod support;
