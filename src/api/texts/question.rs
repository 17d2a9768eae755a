//! The words of the question that stands before an account, in each language.

use crate::api::Language;

/// The words in one language. None of them holds anything that means something in HTML.
#[derive(Debug)]
pub(in crate::api) struct Texts {
    pub(in crate::api) title: &'static str,
    /// With `{a}` and `{b}`.
    pub(in crate::api) sum: &'static str,
    /// With `{a}` and `{b}`.
    pub(in crate::api) difference: &'static str,
    /// Asks for an invitation.
    pub(in crate::api) invitation: &'static str,
    /// That an invitation will do as well.
    pub(in crate::api) or_invitation: &'static str,
    /// Leads to another question.
    pub(in crate::api) another: &'static str,
    /// A number below 100 in words.
    pub(in crate::api) number: fn(u8) -> String,
}

pub(in crate::api) const ENGLISH: Texts = Texts {
    title: "A question",
    sum: "How much is {a} plus {b}?",
    difference: "How much is {a} minus {b}?",
    invitation: "New accounts need an invitation. Please enter its code:",
    or_invitation: "The code of an invitation will do as well.",
    another: "Another question",
    number: english,
};

pub(in crate::api) const GERMAN: Texts = Texts {
    title: "Eine Frage",
    sum: "Wie viel ist {a} plus {b}?",
    difference: "Wie viel ist {a} minus {b}?",
    invitation: "Neue Konten gibt es auf Einladung. Bitte den Code eingeben:",
    or_invitation: "Der Code einer Einladung genügt auch.",
    another: "Andere Frage",
    number: german,
};

impl Texts {
    pub(in crate::api) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

fn english(number: u8) -> String {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    match (word(&SMALL, number), word(&TENS, number / 10)) {
        ("", tens) if number.is_multiple_of(10) => tens.to_owned(),
        ("", tens) => format!("{tens}-{}", word(&SMALL, number % 10)),
        (small, _) => small.to_owned(),
    }
}

fn german(number: u8) -> String {
    const SMALL: [&str; 20] = [
        "null",
        "eins",
        "zwei",
        "drei",
        "vier",
        "fünf",
        "sechs",
        "sieben",
        "acht",
        "neun",
        "zehn",
        "elf",
        "zwölf",
        "dreizehn",
        "vierzehn",
        "fünfzehn",
        "sechzehn",
        "siebzehn",
        "achtzehn",
        "neunzehn",
    ];
    const TENS: [&str; 10] = [
        "", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig",
        "neunzig",
    ];
    match (word(&SMALL, number), word(&TENS, number / 10)) {
        ("", tens) if number.is_multiple_of(10) => tens.to_owned(),
        ("", tens) => {
            let one = word(&SMALL, number % 10);
            let one = one
                .strip_suffix('s')
                .filter(|one| *one == "ein")
                .unwrap_or(one);
            format!("{one}und{tens}")
        }
        (small, _) => small.to_owned(),
    }
}

/// A word of a list, or none.
fn word(words: &[&'static str], place: u8) -> &'static str {
    words.get(usize::from(place)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (number, in_english, in_german) in [
            (0, "zero", "null"),
            (1, "one", "eins"),
            (12, "twelve", "zwölf"),
            (19, "nineteen", "neunzehn"),
            (20, "twenty", "zwanzig"),
            (21, "twenty-one", "einundzwanzig"),
            (36, "thirty-six", "sechsunddreißig"),
            (47, "forty-seven", "siebenundvierzig"),
            (90, "ninety", "neunzig"),
            (99, "ninety-nine", "neunundneunzig"),
        ] {
            assert_eq!(english(number), in_english);
            assert_eq!(german(number), in_german);
        }
    }
}
