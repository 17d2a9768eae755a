//! What somebody is asked before he gets an account: a small question, or for an invitation.
//!
//! A browser's sign-up shows [`Api::captcha_page`] in a frame and reads two elements of it
//! (spec/clients.md, 1.3). There is no outside service: the question is a sum in words, which
//! whoever has a screen reader hears as well as others see it. It stops what fills in every form
//! that it finds, not somebody who writes a program for this server; for that there are limits
//! (`guard`) and invitations.

use data_encoding::BASE64;
use sha2::Digest;
use sha2::Sha256;

use super::Api;
use super::ApiError;
use super::Language;
use super::registration::Registration;
use super::reply;
use super::texts::question::ENGLISH;
use super::texts::question::GERMAN;
use super::texts::question::Texts;
use crate::message::Response;

/// What stands in the place of a question's token where an invitation is asked for.
pub const INVITATION: &str = "invitation";

/// What somebody is asked before he gets an account.
#[derive(Debug)]
pub enum Asked {
    /// A question; an invitation will do as well.
    Captcha(Challenge),
    /// An invitation. It goes with the challenge [`INVITATION`].
    Invitation,
    /// Nothing: the door is open, or accounts are not made here at all.
    Nothing,
}

/// A question, and what has to come back with its answer.
#[derive(Debug)]
pub struct Challenge {
    /// What has to come back with the answer.
    pub token: String,
    /// What is asked.
    pub question: Question,
}

/// A small sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The first number less the second.
    Difference(u8, u8),
    /// Both numbers together.
    Sum(u8, u8),
}

impl Question {
    /// The question that follows from the numbers of a challenge.
    #[must_use]
    pub fn of(seed: &[u8]) -> Self {
        // Base64: each byte is good for six bits, of which nobody can tell any beforehand.
        let number = seed.iter().take(8).fold(0_u64, |number, byte| {
            number.wrapping_mul(64).wrapping_add(u64::from(*byte))
        });
        let below = |limit: u64, divisor: u64| {
            let rest = number.checked_div(divisor).unwrap_or(0) % limit;
            u8::try_from(rest).unwrap_or(0)
        };
        let (large, small) = (below(60, 2), below(7, 120));
        match number % 2 {
            0 => Self::Sum(21 + large, 3 + small),
            _ => Self::Difference(31 + large, 3 + small),
        }
    }

    /// Whether this is the answer, in digits or in words of any language that it is asked in.
    #[must_use]
    pub fn is_answered_by(self, text: &str) -> bool {
        let answer = match self {
            Self::Difference(a, b) => a.saturating_sub(b),
            Self::Sum(a, b) => a.saturating_add(b),
        };
        let said = plain(text);
        said == answer.to_string()
            || [ENGLISH, GERMAN].iter().any(|texts| {
                let word = plain(&(texts.number)(answer));
                // As somebody without these keys types it.
                said == word || said == word.replace('ü', "ue").replace('ß', "ss")
            })
    }

    /// The question in words.
    fn text(self, texts: &Texts) -> String {
        let (pattern, a, b) = match self {
            Self::Difference(a, b) => (texts.difference, a, b),
            Self::Sum(a, b) => (texts.sum, a, b),
        };
        pattern
            .replace("{a}", &(texts.number)(a))
            .replace("{b}", &(texts.number)(b))
    }

    /// The question in a language.
    #[must_use]
    pub fn in_words(self, language: Language) -> String {
        self.text(Texts::of(language))
    }
}

/// Without what does not matter: case, blanks, hyphens, a full stop.
fn plain(text: &str) -> String {
    let letters = text
        .chars()
        .filter(|c| !c.is_whitespace() && !['-', '.'].contains(c));
    letters.flat_map(char::to_lowercase).collect()
}

impl Api {
    /// What somebody is asked who wants an account now.
    ///
    /// # Errors
    /// Those of the accounts and of the guard.
    pub fn asked(&self) -> Result<Asked, ApiError> {
        if !self.accounts.accepts_changes() {
            return Ok(Asked::Nothing);
        }
        if !self.is_open()? {
            return Ok(Asked::Invitation);
        }
        if !self.settings.captcha {
            return Ok(Asked::Nothing);
        }
        let challenge = self.guard.challenge()?;
        Ok(Asked::Captcha(Challenge {
            question: Question::of(&challenge.seed),
            token: challenge.token,
        }))
    }

    /// Whether anybody may make an account now, or anybody who answers a question.
    ///
    /// # Errors
    /// Those of the accounts.
    pub fn is_open(&self) -> Result<bool, ApiError> {
        Ok(match self.settings.registration {
            Registration::Closed => false,
            Registration::First => self.accounts.highest_id()? == 0,
            Registration::Open => true,
        })
    }

    /// `GET misc/1.0/captcha_html`: what a browser's sign-up shows in a frame, and reads.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] when nothing is asked, and those of [`Api::asked`].
    pub fn captcha_page(&self, language: Language) -> Result<Response, ApiError> {
        let texts = Texts::of(language);
        Ok(match self.asked()? {
            Asked::Captcha(challenge) => {
                let question = challenge.question.text(texts);
                page(language, &challenge.token, &question, texts.or_invitation)
            }
            Asked::Invitation => page(language, INVITATION, texts.invitation, ""),
            Asked::Nothing => return Err(ApiError::NotFound("captcha")),
        })
    }
}

/// Small: the frame of the browser's sign-up is.
const STYLE: &str = ":root{color-scheme:light dark}\
body{margin:.5em;font:1em/1.4 sans-serif}\
p{margin:0 0 .5em}\
input{font:inherit;box-sizing:border-box;width:100%;max-width:22em}\
small{display:block}\
a{color:inherit}";

/// The page. What stands in it is ours, and needs no escaping.
fn page(language: Language, token: &str, question: &str, hint: &str) -> Response {
    let Texts { title, another, .. } = Texts::of(language);
    let language = language.tag();
    let more = match hint {
        "" => String::new(),
        hint => {
            format!("<p><small>{hint} <a href=\"captcha_html\">{another}</a></small></p>\n")
        }
    };
    let mut response = reply::text(&format!(
        "<!DOCTYPE html>
<html lang=\"{language}\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>{title}</title>
<style>{STYLE}</style>
<p><label for=\"recaptcha_response_field\">{question}</label></p>
<p><input id=\"recaptcha_response_field\" autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"></p>
{more}<input id=\"recaptcha_challenge_field\" type=\"hidden\" value=\"{token}\">
</html>
"
    ));
    let style = BASE64.encode(&Sha256::digest(STYLE));
    // Browsers show it in a frame, so nothing is said of frames.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    );
    response.headers = vec![
        ("Content-Type", "text/html; charset=UTF-8".to_owned()),
        ("Content-Language", language.to_owned()),
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_question_is_answered_in_digits_or_words() {
        let sum = Question::Sum(27, 5);
        for text in [
            "32",
            " 32 ",
            "thirty-two",
            "Thirty two.",
            "zweiunddreißig",
            "zweiunddreissig",
        ] {
            assert!(sum.is_answered_by(text), "{text}");
        }
        for text in ["", "33", "275", "27 5", "three two", "-32x"] {
            assert!(!sum.is_answered_by(text), "{text}");
        }
        let difference = Question::Difference(40, 5);
        assert!(difference.is_answered_by("35"));
        assert!(difference.is_answered_by("fuenfunddreissig"));
    }

    #[test]
    fn questions_are_many_and_can_be_done_in_the_head() {
        let mut found = BTreeSet::new();
        for number in 0..10_000_u32 {
            let seed = BASE64.encode(&Sha256::digest(number.to_le_bytes()));
            let question = Question::of(seed.as_bytes());
            let (a, b) = match question {
                Question::Difference(a, b) | Question::Sum(a, b) => (a, b),
            };
            assert!(
                (21..=90).contains(&a) && (3..=9).contains(&b),
                "{question:?}"
            );
            found.insert(question.text(&ENGLISH));
        }
        assert!(found.len() > 800, "{}", found.len());
    }

    #[test]
    fn the_reader_is_asked_in_his_language() {
        let question = Question::Sum(21, 3);
        for (language, expected) in [
            (Language::English, "How much is twenty-one plus three?"),
            (Language::German, "Wie viel ist einundzwanzig plus drei?"),
        ] {
            assert_eq!(question.in_words(language), expected);
        }
    }
}
