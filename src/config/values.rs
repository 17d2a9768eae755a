//! How a value's text becomes a value, and how it is shown again.
//!
//! Quotes, lists and `${NAME}` are resolved before (`files/`); which values a key takes beyond its
//! type is said by its section's file.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::DatabaseUri;
use super::Secret;

/// What should have been written instead; follows the value in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted(pub(super) String);

impl Wanted {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A value that `check` can show.
pub(super) trait Show {
    /// Whether the text must be kept out of messages.
    const SECRET: bool = false;

    /// What could be written in the file, or stars.
    fn show(&self) -> String;
}

/// A type that a key may have.
pub(super) trait Setting: Show + Sized {
    /// Reads a text that is not empty.
    fn read(text: &str) -> Result<Self, Wanted>;
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl Show for $number {
            fn show(&self) -> String {
                self.to_string()
            }
        })+
    };
}

impl Show for Duration {
    fn show(&self) -> String {
        self.as_secs().to_string()
    }
}

numbers!(i32, u16, u32, u64, usize);

impl Show for bool {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    fn read(text: &str) -> Result<Self, Wanted> {
        match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" | "1" | "y" | "t" => Ok(true),
            "false" | "no" | "off" | "0" | "n" | "f" => Ok(false),
            // Any number was a truth to the old server.
            number => match number.parse::<i64>() {
                Ok(number) => Ok(number != 0),
                Err(_) => Err(Wanted::new("is neither true nor false")),
            },
        }
    }
}

impl Show for String {
    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for String {
    fn read(text: &str) -> Result<Self, Wanted> {
        if text.contains(['\r', '\n', '\0']) {
            return Err(Wanted::new("has several lines where one text is wanted"));
        }
        Ok(text.to_owned())
    }
}

impl Show for Secret {
    const SECRET: bool = true;

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Secret {
    fn read(text: &str) -> Result<Self, Wanted> {
        String::read(text).map(Self::new)
    }
}

impl Show for PathBuf {
    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for PathBuf {
    fn read(text: &str) -> Result<Self, Wanted> {
        String::read(text).map(Self::from)
    }
}

impl Show for DatabaseUri {
    // The whole text may hold a password; the error says what is wrong without it.
    const SECRET: bool = true;

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Words between blanks, commas or line ends.
impl Show for Vec<String> {
    fn show(&self) -> String {
        self.join(" ")
    }
}

impl Setting for Vec<String> {
    fn read(text: &str) -> Result<Self, Wanted> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        Ok(words.filter(|w| !w.is_empty()).map(str::to_owned).collect())
    }
}

impl Show for Vec<IpAddr> {
    fn show(&self) -> String {
        let words: Vec<_> = self.iter().map(IpAddr::to_string).collect();
        words.join(" ")
    }
}

impl Setting for Vec<IpAddr> {
    fn read(text: &str) -> Result<Self, Wanted> {
        let words = Vec::<String>::read(text)?;
        let addresses = words.iter().map(|word| word.parse().map_err(|_| word));
        addresses.collect::<Result<_, _>>().map_err(|word| {
            Wanted::new(format!(
                "is no list of IP addresses: \"{word}\" is none, e.g. 127.0.0.1 ::1"
            ))
        })
    }
}

impl<T: Show> Show for Option<T> {
    const SECRET: bool = T::SECRET;

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn read(text: &str) -> Result<Self, Wanted> {
        T::read(text).map(Some)
    }
}

/// A number of bytes: plain, or with `K`, `M` or `G` (of 1024) behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// So many times 1024 × 1024 bytes.
    #[must_use]
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }
}

impl Show for ByteSize {
    fn show(&self) -> String {
        match self.0 {
            0 => "0".to_owned(),
            n if n.is_multiple_of(1 << 20) => format!("{}M", n >> 20),
            n if n.is_multiple_of(1 << 10) => format!("{}K", n >> 10),
            n => n.to_string(),
        }
    }
}

impl Setting for ByteSize {
    fn read(text: &str) -> Result<Self, Wanted> {
        let upper = text.to_ascii_uppercase();
        let number = upper
            .trim_end_matches("IB")
            .trim_end_matches('B')
            .trim_end();
        let (digits, shift) = match number.chars().last() {
            Some('K') => (number.trim_end_matches('K'), 10),
            Some('M') => (number.trim_end_matches('M'), 20),
            Some('G') => (number.trim_end_matches('G'), 30),
            _ => (number, 0),
        };
        let count: Option<u64> = digits.trim_end().parse().ok();
        count
            .and_then(|count| count.checked_mul(1 << shift))
            .map(Self)
            .ok_or_else(|| Wanted::new("is no number of bytes, e.g. 33554432 or 32M"))
    }
}

/// The rights of a file or a umask, octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Octal(pub(super) u32);

impl Show for Octal {
    fn show(&self) -> String {
        format!("{:04o}", self.0)
    }
}

impl Setting for Octal {
    fn read(text: &str) -> Result<Self, Wanted> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let bits = u32::from_str_radix(digits, 8).ok();
        bits.filter(|&bits| bits <= 0o777)
            .map(Self)
            .ok_or_else(|| Wanted::new("is no octal number from 000 to 777, e.g. 0660"))
    }
}

/// A setting whose values are words of a list.
macro_rules! words {
    ($type:ty, $($word:literal => $value:expr),+ $(,)?) => {
        impl crate::config::values::Setting for $type {
            fn read(text: &str) -> Result<Self, crate::config::values::Wanted> {
                match &*text.to_ascii_lowercase() {
                    $($word => Ok($value),)+
                    _ => Err(crate::config::values::Wanted::new(format!(
                        "is none of {}",
                        [$($word),+].join(", ")
                    ))),
                }
            }
        }

        impl crate::config::values::Show for $type {
            fn show(&self) -> String {
                $(if *self == $value {
                    return $word.to_owned();
                })+
                String::new()
            }
        }
    };
}

pub(super) use words;

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[track_caller]
    fn check<T: Setting + Debug + PartialEq>(text: &str, expected: T, shown: &str) {
        let value = T::read(text).unwrap();
        assert_eq!(value, expected);
        assert_eq!(value.show(), shown);
    }

    #[test]
    fn truth_has_many_spellings() {
        for text in ["true", "True", "YES", "on", "1", "2"] {
            check(text, true, "true");
        }
        for text in ["false", "No", "off", "0"] {
            check(text, false, "false");
        }
        assert!(bool::read("maybe").is_err());
    }

    #[test]
    fn sizes_count_in_bytes() {
        check("5000", ByteSize(5000), "5000");
        check("32M", ByteSize::mebibytes(32), "32M");
        check("32 MiB", ByteSize::mebibytes(32), "32M");
        check("3k", ByteSize(3072), "3K");
        check("1GB", ByteSize(1 << 30), "1024M");
        for text in [
            "M",
            "-1",
            "1.5M",
            "99999999999999999999",
            "9999999999999999G",
            "KK",
        ] {
            assert!(ByteSize::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rights_are_octal() {
        check("0660", Octal(0o660), "0660");
        check("0o77", Octal(0o77), "0077");
        check("660", Octal(0o660), "0660");
        assert!(Octal::read("888").is_err());
        assert!(Octal::read("7777").is_err());
    }

    #[test]
    fn lists_take_blanks_and_commas() {
        let addresses: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        check("127.0.0.1, ::1", addresses, "127.0.0.1 ::1");
        let wanted = Vec::<IpAddr>::read("127.0.0.1 localhost").unwrap_err();
        assert!(wanted.0.contains("\"localhost\""));
    }
}
