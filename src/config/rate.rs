//! How often something may be tried: `10/10m`, or `off`.

use super::values::Setting;
use super::values::Show;
use super::values::Wanted;

/// So many in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// In how many seconds; at least 1.
    pub seconds: u32,
}

/// A limit; absent: there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Rate>);

impl Limit {
    pub(super) const fn new(count: u32, minutes: u32) -> Self {
        Self(Some(Rate {
            count,
            seconds: minutes * 60,
        }))
    }
}

/// What a number of time may have behind it, and how many seconds that is.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

impl Show for Limit {
    fn show(&self) -> String {
        let Some(Rate { count, seconds }) = self.0 else {
            return "off".to_owned();
        };
        let fits = |(_, size): &(char, u32)| seconds.is_multiple_of(*size);
        let (unit, size) = UNITS.into_iter().find(fits).unwrap_or(('s', 1));
        format!("{count}/{}{unit}", seconds / size)
    }
}

impl Setting for Limit {
    fn read(text: &str) -> Result<Self, Wanted> {
        let wanted = || {
            Wanted::new(
                "is no limit: write so many in such a time, e.g. 10/10m (s, m, h and d), or off",
            )
        };
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self(None));
        }
        let (count, time) = text.split_once('/').ok_or_else(wanted)?;
        let time = time.trim().to_ascii_lowercase();
        let mut units = UNITS.into_iter();
        let split = units.find_map(|(unit, size)| Some((time.strip_suffix(unit)?, size)));
        let (digits, size) = split.ok_or_else(wanted)?;
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
        let seconds = number(digits).and_then(|number| number.checked_mul(size));
        match (number(count), seconds) {
            (Some(count), Some(seconds)) => Ok(Self(Some(Rate { count, seconds }))),
            _ => Err(wanted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_shown() {
        for (text, shown) in [
            ("10/10m", "10/10m"),
            ("1 / 600 s", "1/10m"),
            ("3/1H", "3/1h"),
            ("3/24h", "3/1d"),
            ("OFF", "off"),
        ] {
            assert_eq!(Limit::read(text).unwrap().show(), shown);
        }
        for text in [
            "10",
            "0/1m",
            "1/0m",
            "1/m",
            "/1m",
            "1/99999999d",
            "-1/1m",
            "1/1mm",
        ] {
            assert!(Limit::read(text).is_err(), "{text}");
        }
    }
}
