//! PostgreSQL's `numeric` on the wire, as far as integers go: a sum of `bigint` is one.
//!
//! Four 16-bit words (how many digits follow, the power of 10,000 of the first, the sign, how
//! many decimals to show), then the digits to the base of 10,000, the greatest first.

use bytes::BytesMut;

/// The base of the digits.
const BASE: u64 = 10_000;

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;

/// Appends an integer.
pub(super) fn write(number: i64, out: &mut BytesMut) {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    while rest > 0 {
        // A remainder of 10,000 always fits.
        digits.push(u16::try_from(rest % BASE).unwrap_or_default());
        rest /= BASE;
    }
    // At most five digits.
    let count = u16::try_from(digits.len()).unwrap_or_default();
    let sign = if number < 0 { NEGATIVE } else { POSITIVE };
    let head = [count, count.saturating_sub(1), sign, 0];
    for word in head.into_iter().chain(digits.into_iter().rev()) {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// The integer; absent when it has a fraction, is no number, or is too large.
pub(super) fn read(raw: &[u8]) -> Option<i64> {
    let (words, []) = raw.as_chunks::<2>() else {
        return None;
    };
    let mut words = words.iter().copied().map(u16::from_be_bytes);
    let (count, weight, sign) = (words.next()?, words.next()?, words.next()?);
    let _scale = words.next()?;
    let weight = i16::from_be_bytes(weight.to_be_bytes());
    let mut digits = words.take(count.into());
    let mut number = 0_i128;
    for _ in 0..=weight {
        let digit = digits.next().unwrap_or_default();
        number = number.checked_mul(BASE.into())?.checked_add(digit.into())?;
    }
    if digits.any(|digit| digit != 0) {
        return None;
    }
    let number = match sign {
        POSITIVE => number,
        NEGATIVE => -number,
        _ => return None,
    };
    number.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn what_is_no_integer_is_absent() {
        for (raw, expected) in [
            (words(&[0, 0, 0, 0]), Some(0)),
            (words(&[1, 1, 0, 0, 5]), Some(50_000)),
            (words(&[2, 0, 0, 2, 5, 0]), Some(5)),
            (words(&[2, 0, 0, 2, 5, 1000]), None),
            (words(&[1, 0xffff, 0, 2, 1000]), None),
            (words(&[0, 0, 0xc000, 0]), None),
            (words(&[1, 5, 0, 0, 1]), None),
            (words(&[1, 0x7fff, 0, 0, 1]), None),
            (words(&[1, 0]), None),
            (vec![0, 1, 2], None),
        ] {
            assert_eq!(read(&raw), expected, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(number: i64) {
            for number in [number, number % 10_000, i64::MIN, i64::MAX] {
                let mut out = BytesMut::new();
                write(number, &mut out);
                prop_assert_eq!(read(&out), Some(number));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(raw: Vec<u8>) {
            let _ = read(&raw);
        }
    }
}
