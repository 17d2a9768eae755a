//! Archives: what is written is read back, and what was cut or damaged is found out before
//! anything is done with it; accounts that arrive from elsewhere.

#[cfg(test)]
mod archives;
#[cfg(test)]
mod arrivals;
#[cfg(test)]
mod moving;
#[cfg(test)]
#[path = "../suite/mod.rs"]
mod suite;
