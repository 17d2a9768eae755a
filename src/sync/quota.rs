//! Kilobytes as the protocol writes them.

use std::fmt;

/// A number of bytes; `Display` gives KB as an exact decimal, `0.48828125` or `2.0`
/// (spec/storage-1.1.md, 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kilobytes(pub u64);

impl fmt::Display for Kilobytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A binary fraction of ten digits is a decimal one of ten: exact, without floating point.
        const STEP: u64 = 9_765_625; // 10^10 / 1024
        let digits = format!("{:010}", self.0 % 1024 * STEP);
        let digits = digits.trim_end_matches('0');
        write!(
            f,
            "{}.{}",
            self.0 / 1024,
            if digits.is_empty() { "0" } else { digits }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_are_exact() {
        assert_eq!(Kilobytes(0).to_string(), "0.0");
        assert_eq!(Kilobytes(500).to_string(), "0.48828125");
        assert_eq!(Kilobytes(2048).to_string(), "2.0");
        assert_eq!(Kilobytes(1025).to_string(), "1.0009765625");
        for bytes in 0..5000_u32 {
            let shown: f64 = Kilobytes(u64::from(bytes)).to_string().parse().unwrap();
            assert!((shown - f64::from(bytes) / 1024.0).abs() < f64::EPSILON);
        }
    }
}
