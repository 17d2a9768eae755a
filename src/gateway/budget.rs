//! The memory that large request bodies share, and the buffer that collects one body.
//!
//! A body grows with what arrives and is never allocated at a length that a peer merely
//! declared. What it takes above a mebibyte is reserved in a budget of the whole process first,
//! so that many large uploads at once are told to come back instead of ending the process.
//! Spec: spec/decisions.md, 9; spec/gateway.md, 2.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::Limits;
use super::Refusal;

/// Bodies up to this size, in bytes, need no reservation: the number of connections bounds them.
const FREE: usize = 1 << 20;

/// What a declared length may have allocated before its first byte came, in bytes.
const AT_ONCE: u64 = 64 << 10;

/// The memory that all bodies above a mebibyte share in one process.
#[derive(Debug)]
pub struct BodyBudget {
    left: AtomicU64,
}

impl BodyBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self {
            left: AtomicU64::new(bytes),
        }
    }

    /// The bytes that nobody has reserved.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        // Relaxed: the number guards no other memory.
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }
}

impl Default for BodyBudget {
    /// 256 MiB.
    fn default() -> Self {
        Self::new(256 << 20)
    }
}

/// A body on its way, and its share of the budget.
#[derive(Debug)]
pub(super) struct Collector {
    budget: Arc<BodyBudget>,
    bytes: Vec<u8>,
    reserved: u64,
}

impl Collector {
    pub(super) fn new(budget: &Arc<BodyBudget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            bytes: Vec::new(),
            reserved: 0,
        }
    }

    /// Adds what arrived, within the limit; `declared` is the length that the head announced.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        declared: Option<u64>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let total = self.bytes.len().saturating_add(chunk.len());
        if u64::try_from(total).map_or(true, |total| total > limits.body) {
            return Err(Refusal::BodyTooLarge);
        }
        if total > self.bytes.capacity() {
            self.grow(total, declared)?;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn grow(&mut self, total: usize, declared: Option<u64>) -> Result<(), Refusal> {
        let first = declared.map_or(0, |declared| declared.min(AT_ONCE));
        let mut capacity = total
            .max(self.bytes.capacity().saturating_mul(2))
            .max(usize::try_from(first).unwrap_or(0));
        if let Some(declared) = declared.and_then(|declared| usize::try_from(declared).ok()) {
            capacity = capacity.min(declared.max(total));
        }
        if capacity > FREE {
            let wanted = u64::try_from(capacity).unwrap_or(u64::MAX);
            let more = wanted.saturating_sub(self.reserved);
            if !self.budget.take(more) {
                return Err(Refusal::OutOfMemory);
            }
            self.reserved += more;
        }
        self.bytes
            .try_reserve_exact(capacity - self.bytes.len())
            .map_err(|_| Refusal::OutOfMemory)
    }

    /// The number of bytes that have come.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// Hands the body on; its share of the budget stays reserved until [`release`](Self::release).
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Throws away what is left of the body and gives its share back.
    pub(super) fn release(&mut self) {
        self.bytes = Vec::new();
        self.budget.left.fetch_add(self.reserved, Ordering::Relaxed);
        self.reserved = 0;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_length_allocates_little_by_itself() {
        let mut body = Collector::new(&Arc::default());
        body.push(b"x", Some(30 << 20), &Limits::default()).unwrap();
        assert_eq!(body.bytes.capacity(), 64 << 10);
    }

    #[test]
    fn a_declared_length_is_allocated_to_the_byte() {
        let mut body = Collector::new(&Arc::default());
        body.push(b"x", Some(100), &Limits::default()).unwrap();
        assert_eq!(body.bytes.capacity(), 100);
    }

    #[test]
    fn large_bodies_reserve_what_they_take_and_give_it_back() {
        let budget = Arc::new(BodyBudget::new(3 << 20));
        let mut first = Collector::new(&budget);
        let mut second = Collector::new(&budget);
        let limits = Limits::default();
        let chunk = vec![0; FREE];
        first.push(&chunk, None, &limits).unwrap();
        assert_eq!(budget.left(), 3 << 20);
        first.push(&chunk, None, &limits).unwrap();
        assert_eq!(budget.left(), 1 << 20);
        second.push(&chunk, None, &limits).unwrap();
        assert_eq!(
            second.push(&chunk, None, &limits),
            Err(Refusal::OutOfMemory)
        );
        assert_eq!(first.take().len(), 2 << 20);
        assert_eq!(budget.left(), 1 << 20);
        first.release();
        assert_eq!(budget.left(), 3 << 20);
        drop(second);
        assert_eq!(budget.left(), 3 << 20);
    }

    #[test]
    fn a_body_that_grows_reserves_only_what_is_new() {
        let budget = Arc::new(BodyBudget::new(8 << 20));
        let mut body = Collector::new(&budget);
        for mebibytes in [0, 0, 2, 4, 4] {
            let left = body.budget.left();
            assert_eq!(left, (8 - mebibytes) << 20);
            body.push(&vec![0; FREE], None, &Limits::default()).unwrap();
        }
    }

    #[test]
    fn a_body_above_the_limit_is_refused() {
        let limits = Limits {
            body: 4,
            ..Limits::default()
        };
        let mut body = Collector::new(&Arc::default());
        body.push(b"1234", None, &limits).unwrap();
        assert_eq!(body.push(b"5", None, &limits), Err(Refusal::BodyTooLarge));
    }
}
