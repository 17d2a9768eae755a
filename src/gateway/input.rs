//! Bytes that were fed and not yet used.
//!
//! One buffer per connection, which keeps its memory from request to request. What has been
//! used is forgotten at the next feeding, so that its size is that of one feeding plus the few
//! bytes of an incomplete unit.

/// A queue of bytes.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.used >= self.bytes.len() {
            self.bytes.clear();
        } else if self.used > 0 {
            self.bytes.drain(..self.used);
        }
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// What has not been used, oldest first.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// Notes that so many bytes of [`rest`](Self::rest) were used.
    pub(super) fn consume(&mut self, count: usize) {
        self.used = self.used.saturating_add(count).min(self.bytes.len());
    }
}
