//! Challenges: a question is asked, and its answer counts once, and only for a while.
//!
//! Nothing is kept for a question that is asked. The token that goes out is sealed; what is asked
//! follows from numbers that only this installation can make of it. Somebody may be wrong a few
//! times before he needs another one.

use data_encoding::HEXLOWER;

use super::Guard;
use super::GuardError;
use crate::sync::Timestamp;

/// How long a question may be answered, in seconds: there is a form to be filled in.
const LIFE: i64 = 30 * 60;

/// How often an answer to it may be wrong.
const TRIES: usize = 3;

/// No token is longer.
const MAX_TOKEN: usize = 160;

/// A question to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What comes back with the answer; can stand in a form or a URL.
    pub token: String,
    /// What is asked follows from these numbers, which are not to be shown.
    pub seed: Vec<u8>,
}

impl Guard {
    /// A new question.
    ///
    /// # Errors
    /// [`GuardError::Random`].
    pub fn challenge(&self) -> Result<Challenge, GuardError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(GuardError::Random)?;
        let until = self.now().centis().saturating_add(LIFE * 100);
        let text = format!("{until}.{}", HEXLOWER.encode(&nonce));
        let seal = self.seal("challenge", &text);
        Ok(Challenge {
            seed: self.seed(&text),
            token: format!("{text}.{seal}"),
        })
    }

    /// Whether somebody knows the answer to the question of this token, as `is_right` judges by
    /// the numbers of [`Challenge::seed`]. A right answer uses the token up.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then a try is used up or not.
    pub fn answers(
        &self,
        token: &str,
        is_right: impl FnOnce(&[u8]) -> bool,
    ) -> Result<bool, GuardError> {
        let Some((text, seal)) = token.rsplit_once('.').filter(|_| token.len() <= MAX_TOKEN) else {
            return Ok(false);
        };
        if !self.is_sealed("challenge", text, seal) {
            return Ok(false);
        }
        let Some((until, nonce)) = text.split_once('.') else {
            return Ok(false);
        };
        let until = Timestamp::from_centis(until.parse().unwrap_or(0));
        if until <= self.now() || !self.tries(nonce, until)? {
            return Ok(false);
        }
        Ok(is_right(&self.seed(text)) && self.spend(&format!("challenge {nonce}"), until)?)
    }

    /// Uses up one try.
    fn tries(&self, nonce: &str, until: Timestamp) -> Result<bool, GuardError> {
        for number in 1..=TRIES {
            if self.spend(&format!("challenge {nonce} {number}"), until)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn seed(&self, text: &str) -> Vec<u8> {
        self.seal("question", text).into_bytes()
    }
}
