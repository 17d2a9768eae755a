//! Time on the wire: decimal seconds; in the program and the database: whole centiseconds.
//!
//! Digits all the way, no floating point (spec/storage-1.1.md, 3.1).

use std::fmt;
use std::str::FromStr;

/// A point in time, in centiseconds since 1970. `Display` is the wire's form, `1322000000.50`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no decimal number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of seconds")]
pub struct BadTimestamp;

/// The length of the longest text: a sign, 19 digits and a point.
const LONGEST: usize = 21;

/// The original reads no number with more digits than this before the point.
const INTEGER_DIGITS: i64 = 26;

impl Timestamp {
    /// Older than everything: also the time of old rows that have none.
    pub const ZERO: Self = Self(0);

    /// The earliest there is.
    pub const MIN: Self = Self(i64::MIN);

    /// The latest there is.
    pub const MAX: Self = Self(i64::MAX);

    /// From centiseconds, the column's unit.
    #[must_use]
    pub const fn from_centis(centis: i64) -> Self {
        Self(centis)
    }

    /// In centiseconds, the column's unit.
    #[must_use]
    pub const fn centis(self) -> i64 {
        self.0
    }

    /// In whole seconds, rounded down: the unit of expiry times.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(100)
    }

    /// The next one above.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Earlier by some centiseconds.
    #[must_use]
    pub const fn minus_centis(self, centis: i64) -> Self {
        Self(self.0.saturating_sub(centis))
    }

    /// Appends the wire's form, without the machinery of formats: times are in every answer, some
    /// in great numbers.
    pub fn write(self, out: &mut Vec<u8>) {
        let (text, start) = self.text();
        out.extend_from_slice(text.get(start..).unwrap_or_default());
    }

    /// The wire's form, and where in it the text begins.
    fn text(self) -> ([u8; LONGEST], usize) {
        // From the last digit on.
        let mut text = [0; LONGEST];
        let mut start = LONGEST;
        let mut push = |byte: u8| {
            start = start.saturating_sub(1);
            if let Some(place) = text.get_mut(start) {
                *place = byte;
            }
        };
        let mut rest = self.0.unsigned_abs();
        for place in 0.. {
            if place == 2 {
                push(b'.');
            }
            push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
            if rest == 0 && place >= 2 {
                break;
            }
        }
        if self.0 < 0 {
            push(b'-');
        }
        (text, start)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, start) = self.text();
        let text = text.get(start..).unwrap_or_default();
        f.write_str(std::str::from_utf8(text).unwrap_or_default())
    }
}

/// Reads what clients send: any number of decimals, an exponent, a sign, blanks around;
/// rounded half even to centiseconds. What is too large or too small for the type is clamped,
/// so that nothing is newer, or everything is.
impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let text = text.trim_ascii();
        let (negative, text) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..)),
            Some(b'+') => (false, text.get(1..)),
            _ => (false, Some(text)),
        };
        let text = text.ok_or(BadTimestamp)?;
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(BadTimestamp);
        }
        let digits = || whole.bytes().chain(fraction.bytes());
        if !digits().all(|byte| byte.is_ascii_digit()) {
            return Err(BadTimestamp);
        }
        let leading_zeros = digits().take_while(|byte| *byte == b'0').count();
        let leading_zeros = i64::try_from(leading_zeros).map_err(|_| BadTimestamp)?;
        let point = i64::try_from(whole.len()).map_err(|_| BadTimestamp)? + exponent;
        let significant = whole.len() + fraction.len();
        if point - leading_zeros > INTEGER_DIGITS && i64::try_from(significant) != Ok(leading_zeros)
        {
            return Err(BadTimestamp);
        }
        let magnitude = centis(digits(), point + 2);
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }
}

fn read_exponent(text: &str) -> Result<i64, BadTimestamp> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadTimestamp);
    }
    // More than this only moves all digits out of sight, one way or the other.
    const FAR: i64 = 100_000;
    let size = digits.parse::<i64>().unwrap_or(FAR).min(FAR);
    Ok(if text.starts_with('-') { -size } else { size })
}

/// The number made of the first `kept` digits (zeros follow the last), rounded half even by
/// what comes after them.
fn centis(digits: impl Iterator<Item = u8>, kept: i64) -> i64 {
    let mut number: i64 = 0;
    let mut place = 0;
    let mut first_cut = 0;
    let mut more_cut = false;
    for byte in digits {
        let digit = i64::from(byte - b'0');
        if place < kept {
            number = number.saturating_mul(10).saturating_add(digit);
        } else if place == kept {
            first_cut = digit;
        } else {
            more_cut |= digit != 0;
        }
        place += 1;
    }
    if kept < 0 {
        return 0;
    }
    while place < kept && number != 0 && number != i64::MAX {
        number = number.saturating_mul(10);
        place += 1;
    }
    let up = first_cut > 5 || first_cut == 5 && (more_cut || number % 2 == 1);
    number.saturating_add(i64::from(up))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, centis: i64) {
        assert_eq!(text.parse(), Ok(Timestamp(centis)), "{text}");
    }

    #[test]
    fn times_are_read_as_clients_send_them() {
        check("1322000000.12", 132_200_000_012);
        check("1322000000.1", 132_200_000_010);
        check("1322000000", 132_200_000_000);
        check("1795533765.570", 179_553_376_557);
        check("0", 0);
        check("0.000", 0);
        check(".5", 50);
        check("5.", 500);
        check(" +5 ", 500);
        check("-5", -500);
        check("1e9", 100_000_000_000);
        check("1.5E2", 15_000);
        check("15e-1", 150);
        check("1e-9", 0);
        check("0.0001e3", 10);
        check("0e99999", 0);
    }

    #[test]
    fn rounding_is_half_even() {
        check("0.935", 94);
        check("0.945", 94);
        check("0.9450001", 95);
        check("0.56999", 57);
        check("1.995", 200);
        check("1.985", 198);
        check("0.005", 0);
        check("0.015", 2);
        check("5e-3", 0);
        check("5.1e-3", 1);
        check("9e-4", 0);
    }

    #[test]
    fn what_is_too_large_is_clamped() {
        check("1e25", i64::MAX);
        check("99999999999999999999", i64::MAX);
        check("-1e25", -i64::MAX);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", " ", ".", "-", "abc", "nan", "inf", "1e", "1e+", "1.2.3", "1,5", "0x10", "٣",
            "1e26", "1 2",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(BadTimestamp), "{text}");
        }
    }

    #[test]
    fn times_are_shown_with_two_decimals() {
        assert_eq!(Timestamp(179_553_390_800).to_string(), "1795533908.00");
        assert_eq!(Timestamp(5).to_string(), "0.05");
        assert_eq!(Timestamp(-5).to_string(), "-0.05");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(centis in -10_000_000_000_000_000_i64..10_000_000_000_000_000) {
            prop_assert_eq!(Timestamp(centis).to_string().parse(), Ok(Timestamp(centis)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE ]{0,40}|.{0,40}") {
            let _ = text.parse::<Timestamp>();
        }

        #[test]
        fn rounding_is_to_the_nearest(centis in 0_i64..1_000_000_000_000, rest in 0_i64..1000) {
            let text = format!("{}{rest:03}", Timestamp(centis));
            let read = text.parse::<Timestamp>().unwrap().centis();
            prop_assert_eq!(read, if rest > 500 || rest == 500 && centis % 2 == 1 { centis + 1 } else { centis });
        }
    }
}
