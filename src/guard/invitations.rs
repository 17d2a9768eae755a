//! Invitations: codes that make an account each, so and so often, until a day.
//!
//! A row of `weaved_invitations` knows a code by its seal alone. It is counted down before the
//! account is made, so that several processes never let in more than were invited, and is given
//! back when no account came of it. Its first four characters name it in lists: what is left is
//! still far too much to be guessed.

use std::fmt;
use std::ops::ControlFlow;

use super::Guard;
use super::GuardError;
use super::table::Table;
use crate::db::DbError;
use crate::db::Row;
use crate::sync::Timestamp;

pub(super) const TABLE: Table = Table {
    name: "weaved_invitations",
    schema: "
    CREATE TABLE IF NOT EXISTS weaved_invitations (
        code {EXACT}(64) NOT NULL,
        beginning VARCHAR(4) NOT NULL,
        uses INTEGER NOT NULL,
        used INTEGER NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (code)
    ){OPTIONS}",
};

const INSERT: &str = "
    INSERT INTO weaved_invitations (code, beginning, uses, used, until)
    VALUES (:code, :beginning, :uses, 0, :until)";
const USE: &str = "
    UPDATE weaved_invitations
    SET used = used + 1
    WHERE code = :code AND used < uses AND until > :now";
const GIVE_BACK: &str = "
    UPDATE weaved_invitations
    SET used = used - 1
    WHERE code = :code AND used > 0";
const LIST: &str = "
    SELECT beginning, uses, used, until
    FROM weaved_invitations
    WHERE until > :now
    ORDER BY until, beginning";
const REVOKE: &str = "DELETE FROM weaved_invitations WHERE code = :code";
const REVOKE_BEGINNING: &str = "DELETE FROM weaved_invitations WHERE beginning = :beginning";

/// Easy to read and to type: nothing that looks like something else (0 o, 1 i l).
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";

/// The characters of a code: 79 bits.
const LENGTH: usize = 16;

/// The characters of a group, and of what stands in lists.
const GROUP: usize = 4;

/// The code of an invitation, whether there is such an invitation or not.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationCode(String);

/// An invitation that has not ended, as it stands in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The first group of its code.
    pub beginning: String,
    /// How many accounts it is good for.
    pub uses: u32,
    /// How many were made with it.
    pub used: u32,
    /// When it ends.
    pub until: Timestamp,
}

impl InvitationCode {
    /// Reads what somebody typed: case, blanks and dashes do not count. Absent: no code at all.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        read(text, LENGTH).map(Self)
    }

    /// A new one.
    fn random() -> Result<Self, GuardError> {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            let mut random = [0; LENGTH];
            getrandom::fill(&mut random).map_err(GuardError::Random)?;
            // What is beyond the alphabet is thrown away, so that all are equally likely.
            let letters = random.iter().map(|byte| byte & 31);
            let letters = letters.filter_map(|byte| ALPHABET.get(usize::from(byte)));
            code.extend(letters.map(|byte| char::from(*byte)));
        }
        code.truncate(LENGTH);
        Ok(Self(code))
    }

    fn beginning(&self) -> String {
        self.0.chars().take(GROUP).collect()
    }
}

/// In groups, as people get to see it.
impl fmt::Display for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

/// Shows nothing: whoever has the code is invited.
impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationCode(***)")
    }
}

impl Guard {
    /// Makes an invitation for so many accounts.
    ///
    /// # Errors
    /// [`GuardError::Database`] and [`GuardError::Random`].
    pub fn invite(&self, uses: u32, until: Timestamp) -> Result<InvitationCode, GuardError> {
        let code = InvitationCode::random()?;
        let (sealed, beginning) = (self.sealed(&code), code.beginning());
        let params = [
            (":code", sealed.as_str().into()),
            (":beginning", beginning.as_str().into()),
            (":uses", i64::from(uses).into()),
            (":until", until.centis().into()),
        ];
        self.database
            .write(|session| session.execute(INSERT, &params))?;
        Ok(code)
    }

    /// Uses an invitation once: whether it was good for that.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be used or not.
    pub fn use_invitation(&self, code: &InvitationCode) -> Result<bool, GuardError> {
        let (sealed, now) = (self.sealed(code), self.now());
        let params = [
            (":code", sealed.as_str().into()),
            (":now", now.centis().into()),
        ];
        let used = self
            .database
            .write(|session| session.execute(USE, &params))?;
        Ok(used > 0)
    }

    /// Takes a use back, of which no account came.
    ///
    /// # Errors
    /// [`GuardError::Database`]; then it may be taken back or not.
    pub fn give_back(&self, code: &InvitationCode) -> Result<(), GuardError> {
        let sealed = self.sealed(code);
        let params = [(":code", sealed.as_str().into())];
        self.database
            .write(|session| session.execute(GIVE_BACK, &params))?;
        Ok(())
    }

    /// The invitations that have not ended, also those that are used up.
    ///
    /// # Errors
    /// [`GuardError::Database`].
    pub fn invitations(&self) -> Result<Vec<Invitation>, GuardError> {
        let mut found = Vec::new();
        let params = [(":now", self.now().centis().into())];
        self.database.read(|session| {
            found.clear();
            session.query(LIST, &params, |row| {
                found.extend(invitation(row));
                Ok::<_, DbError>(ControlFlow::Continue(()))
            })
        })?;
        Ok(found)
    }

    /// Ends invitations now, by their code or by its first group: how many.
    ///
    /// # Errors
    /// [`GuardError::Database`].
    pub fn revoke(&self, text: &str) -> Result<usize, GuardError> {
        if let Some(beginning) = read(text, GROUP) {
            let params = [(":beginning", beginning.as_str().into())];
            return Ok(self
                .database
                .write(|session| session.execute(REVOKE_BEGINNING, &params))?);
        }
        let Some(code) = InvitationCode::read(text) else {
            return Ok(0);
        };
        let sealed = self.sealed(&code);
        let params = [(":code", sealed.as_str().into())];
        Ok(self
            .database
            .write(|session| session.execute(REVOKE, &params))?)
    }

    fn sealed(&self, code: &InvitationCode) -> String {
        self.seal("invitation", &code.0)
    }
}

/// So many characters of the alphabet, in lower case.
fn read(text: &str, length: usize) -> Option<String> {
    let mut code = String::new();
    for letter in text.chars() {
        let letter = letter.to_ascii_lowercase();
        if letter.is_whitespace() || letter == '-' {
            continue;
        }
        let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
        if !known || code.len() == length {
            return None;
        }
        code.push(letter);
    }
    (code.len() == length).then_some(code)
}

fn invitation(row: &Row<'_>) -> Option<Invitation> {
    let number = |place| u32::try_from(row.int(place)?).ok();
    Some(Invitation {
        beginning: row.text(0)?.to_owned(),
        uses: number(1)?,
        used: number(2)?,
        until: Timestamp::from_centis(row.int(3)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = InvitationCode::random().unwrap();
        let shown = code.to_string();
        assert_eq!(shown.len(), LENGTH + 3);
        for text in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace('-', ""),
            format!(" {} \n", shown.replace('-', " ")),
        ] {
            assert_eq!(InvitationCode::read(&text).as_ref(), Some(&code), "{text}");
        }
        for text in [
            "",
            "42",
            "abcd-efgh-jkmn-pqr",
            "abcd-efgh-jkmn-pqrst",
            "abcd-efgh-jkmn-pqr0",
            "abcd-efgh-jkmn-pqré",
        ] {
            assert_eq!(InvitationCode::read(text), None, "{text}");
        }
        assert_ne!(InvitationCode::random().unwrap(), code);
        assert_eq!(format!("{code:?}"), "InvitationCode(***)");
    }
}
