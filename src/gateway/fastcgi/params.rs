//! FastCGI name-value pairs, both ways.
//!
//! In: the joined content of a stream of PARAMS records (a pair may cross records), or of one
//! GET_VALUES record. Out: the pairs, borrowed. A length says nothing until as many bytes are
//! there: nothing is ever allocated for it. Spec: spec/gateway.md, 2.

use super::super::cgi::Malformed;
use super::super::cgi::Pair;

/// The pairs in `bytes`; ends after the first malformed one.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    pub(in crate::gateway) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn pair(&mut self) -> Option<Pair<'a>> {
        let name = self.length()?;
        let value = self.length()?;
        let (name, rest) = self.rest.split_at_checked(name)?;
        let (value, rest) = rest.split_at_checked(value)?;
        self.rest = rest;
        Some((name, value))
    }

    /// One byte below 128, or four with the top bit set.
    fn length(&mut self) -> Option<usize> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(usize::from(first));
        }
        let (bytes, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        usize::try_from(u32::from_be_bytes(*bytes) & 0x7fff_ffff).ok()
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let pair = self.pair().ok_or(Malformed);
        if pair.is_err() {
            self.rest = &[];
        }
        Some(pair)
    }
}

/// Appends a pair; lengths above 2 GiB, which we never have, are cut.
pub(super) fn write_pair(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    for part in [name, value] {
        match u8::try_from(part.len()) {
            Ok(short) if short < 0x80 => out.push(short),
            _ => {
                let long = u32::try_from(part.len()).unwrap_or(u32::MAX) | 0x8000_0000;
                out.extend_from_slice(&long.to_be_bytes());
            }
        }
    }
    out.extend_from_slice(name);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_length_may_take_four_bytes() {
        let pairs: Vec<_> = Pairs::new(b"\x80\0\0\x01\x02Avv").collect();
        assert_eq!(pairs, [Ok((&b"A"[..], &b"vv"[..]))]);
    }

    #[test]
    fn a_length_above_what_is_there_ends_the_list() {
        for bytes in [
            &b"\x01"[..],
            b"\x01\x05Av",
            b"\x80\0\0",
            b"\x04\xff\xff\xff\xffABCD",
        ] {
            assert_eq!(Pairs::new(bytes).collect::<Vec<_>>(), [Err(Malformed)]);
        }
    }

    proptest::proptest! {
        #[test]
        fn pairs_read_as_they_were_written(
            pairs: Vec<(Vec<u8>, Vec<u8>)>, long in 100_usize..300,
        ) {
            let mut pairs = pairs;
            pairs.push((vec![b'N'; long], vec![b'V'; long * 300]));
            let mut bytes = Vec::new();
            for (name, value) in &pairs {
                write_pair(name, value, &mut bytes);
            }
            let read: Result<Vec<_>, _> = Pairs::new(&bytes)
                .map(|pair| pair.map(|(name, value)| (name.to_vec(), value.to_vec())))
                .collect();
            proptest::prop_assert_eq!(read, Ok(pairs));
        }

        #[test]
        fn any_bytes_are_pairs_or_malformed(bytes: Vec<u8>) {
            let pairs = Pairs::new(&bytes).count();
            proptest::prop_assert!(pairs <= bytes.len());
        }
    }
}
