//! Codes with which somebody who has forgotten his password sets another (spec/user-1.0.md, 6).
//!
//! Ours are in `weaved_codes`, by their digests, so that the database alone does not reveal them.
//! Each request makes another code, because none can be read again; those that were mailed before
//! go on until they end, for mails overtake each other. Using one ends them all. Those that the
//! original has written, in the clear and in local time, are honoured until they end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::AccountsError;
use crate::db::Database;
use crate::db::DbError;
use crate::db::Flow;
use crate::db::Session;
use crate::db::Value;
use crate::sync::Timestamp;
use crate::sync::UserId;

const TABLE: &str = "weaved_codes";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS weaved_codes (
        userid BIGINT NOT NULL,
        code {EXACT}(64) NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (userid, code)
    ){OPTIONS}";

const INSERT: &str = "
    INSERT INTO weaved_codes (userid, code, until)
    VALUES (:id, :code, :until)";
const FIND: &str = "
    SELECT userid
    FROM weaved_codes
    WHERE userid = :id AND code = :code AND until > :now";
const TAKE: &str = "
    DELETE FROM weaved_codes
    WHERE userid = :id AND code = :code AND until > :now";
const FORGET: &str = "DELETE FROM weaved_codes WHERE userid = :id";
const SWEEP: &str = "DELETE FROM weaved_codes WHERE until < :now";

/// The tables in which the original has codes: their name, which rows are a user's, and how they
/// are made void. A point in time is read as a text, which all databases write alike.
const ORIGINALS: [Original; 2] = [
    Original {
        table: "reset_codes",
        read: "
            SELECT reset, CAST(expiration AS CHAR(26))
            FROM reset_codes
            WHERE username = :id AND reset IS NOT NULL",
        clear: "DELETE FROM reset_codes WHERE username = :id",
        id_is_text: true,
    },
    Original {
        table: "users",
        read: "
            SELECT reset, CAST(reset_expiration AS CHAR(26))
            FROM users
            WHERE id = :id AND reset IS NOT NULL",
        clear: "UPDATE users SET reset = NULL, reset_expiration = NULL WHERE id = :id",
        id_is_text: false,
    },
];

/// A table of the original's with codes in it.
struct Original {
    table: &'static str,
    read: &'static str,
    clear: &'static str,
    id_is_text: bool,
}

/// The characters of a code: 36, of which 16 are 82 bits.
const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// How many groups of four.
const GROUPS: usize = 4;

/// A code: `XXXX-XXXX-XXXX-XXXX`, of capital letters and digits.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetCode(Zeroizing<String>);

impl ResetCode {
    /// One that nobody can guess.
    ///
    /// # Errors
    /// [`AccountsError::Random`].
    fn new() -> Result<Self, AccountsError> {
        let mut text = Zeroizing::new(String::with_capacity(GROUPS * 5));
        let mut made = 0;
        while made < GROUPS * 4 {
            let mut byte = [0];
            getrandom::fill(&mut byte).map_err(AccountsError::Random)?;
            // Seven times the alphabet; what is above would favour its beginning.
            let Some(letter) = byte.first().filter(|byte| **byte < 252) else {
                continue;
            };
            if made > 0 && made % 4 == 0 {
                text.push('-');
            }
            let letter = ALPHABET.get(usize::from(*letter) % ALPHABET.len());
            text.push(char::from(letter.copied().unwrap_or(b'A')));
            made += 1;
        }
        Ok(Self(text))
    }

    /// Reads what somebody has typed or clicked: small letters and blanks around are forgiven.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = Zeroizing::new(text.trim().to_ascii_uppercase());
        let mut groups = text.split('-');
        let is_group =
            |group: &str| group.len() == 4 && group.bytes().all(|byte| ALPHABET.contains(&byte));
        let fits = groups.by_ref().take(GROUPS).filter(|g| is_group(g)).count() == GROUPS;
        (fits && groups.next().is_none()).then(|| Self(text.clone()))
    }

    /// The code, for a mail.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn digest(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for ResetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetCode")
    }
}

/// The codes of all users.
pub struct ResetCodes {
    database: Arc<Database>,
    lifetime: Duration,
}

impl ResetCodes {
    /// Makes the table where it is missing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn open(database: Arc<Database>, lifetime: Duration) -> Result<Self, AccountsError> {
        let schema = database.dialect().table(SCHEMA);
        database.ensure(|session| session.has_table(TABLE), &schema)?;
        Ok(Self { database, lifetime })
    }

    /// How long a new code is valid.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Makes a code for a user.
    ///
    /// # Errors
    /// Those of the database, and [`AccountsError::Random`].
    pub fn make(&self, id: UserId, now: Timestamp) -> Result<ResetCode, AccountsError> {
        let code = ResetCode::new()?;
        self.insert(id, &code, now)?;
        Ok(code)
    }

    fn insert(&self, id: UserId, code: &ResetCode, now: Timestamp) -> Result<(), AccountsError> {
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let until = now.centis().saturating_add(lifetime.saturating_mul(100));
        let digest = code.digest();
        let params = [
            (":id", id.0.into()),
            (":code", digest.as_str().into()),
            (":until", until.into()),
        ];
        self.database.write(|session| {
            session.execute(SWEEP, &[(":now", now.centis().into())])?;
            session.execute(INSERT, &params)
        })?;
        Ok(())
    }

    /// Uses a user's code up, and all others of his with it: true for the first who has a right
    /// one.
    ///
    /// # Errors
    /// Those of the database; then it is used up or not.
    pub fn take(
        &self,
        id: UserId,
        code: &ResetCode,
        now: Timestamp,
    ) -> Result<bool, AccountsError> {
        let digest = code.digest();
        let params = alive(id, &digest, now);
        Ok(self.database.write(|session| {
            let is_right =
                session.execute(TAKE, &params)? > 0 || Self::is_an_old_one(session, id, code, now)?;
            if is_right {
                clear(session, id)?;
            }
            Ok::<_, DbError>(is_right)
        })?)
    }

    /// Whether a user could use this code now.
    ///
    /// # Errors
    /// Those of the database.
    pub fn knows(
        &self,
        id: UserId,
        code: &ResetCode,
        now: Timestamp,
    ) -> Result<bool, AccountsError> {
        let digest = code.digest();
        let params = alive(id, &digest, now);
        Ok(self.database.read(|session| {
            let is_ours = session.query_one(FIND, &params, |_| ())?.is_some();
            Ok::<_, DbError>(is_ours || Self::is_an_old_one(session, id, code, now)?)
        })?)
    }

    /// Makes a code valid again that was taken in vain.
    ///
    /// # Errors
    /// Those of the database.
    pub fn give_back(
        &self,
        id: UserId,
        code: &ResetCode,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        self.insert(id, code, now)
    }

    /// Makes all codes of a user void.
    ///
    /// # Errors
    /// Those of the database.
    pub fn withdraw(&self, id: UserId) -> Result<(), AccountsError> {
        Ok(self.database.write(|session| clear(session, id))?)
    }

    fn is_an_old_one(
        session: &mut Session<'_>,
        id: UserId,
        code: &ResetCode,
        now: Timestamp,
    ) -> Result<bool, DbError> {
        let mut is_right = false;
        each_original(session, id, |session, original, id| {
            session.query(original.read, &[id], |row| {
                let fits = row
                    .text(0)
                    .is_some_and(|stored| stored.as_bytes().ct_eq(code.0.as_bytes()).into());
                is_right |= fits
                    && row
                        .text(1)
                        .and_then(local_time)
                        .is_some_and(|end| now < end);
                Ok::<_, DbError>(Flow::Continue(()))
            })
        })?;
        Ok(is_right)
    }
}

/// A user's code, if it has not ended.
fn alive(id: UserId, digest: &str, now: Timestamp) -> [(&'static str, Value<'_>); 3] {
    [
        (":id", id.0.into()),
        (":code", digest.into()),
        (":now", now.centis().into()),
    ]
}

/// Makes all codes of a user void, in whichever tables there are.
pub(super) fn clear(session: &mut Session<'_>, id: UserId) -> Result<(), DbError> {
    if session.has_table(TABLE)? {
        session.execute(FORGET, &[(":id", id.0.into())])?;
    }
    each_original(session, id, |session, original, id| {
        session.execute(original.clear, &[id]).map(drop)
    })
}

fn each_original(
    session: &mut Session<'_>,
    id: UserId,
    mut visit: impl FnMut(&mut Session<'_>, &Original, (&'static str, Value<'_>)) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let text = id.to_string();
    for original in &ORIGINALS {
        if session.has_table(original.table)? {
            let id = match original.id_is_text {
                true => text.as_str().into(),
                false => id.0.into(),
            };
            visit(session, original, (":id", id))?;
        }
    }
    Ok(())
}

/// A point in time as the original has written it: by the clock on the wall.
fn local_time(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.trim().parse().ok()?;
    let time = time.to_zoned_datetime(TimeZone::system()).ok()?;
    let centis = time.timestamp().as_millisecond() / 10;
    Some(Timestamp::from_centis(centis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_made_and_read() {
        let one = ResetCode::new().unwrap();
        assert_eq!(one.as_str().len(), 19);
        assert_eq!(ResetCode::parse(one.as_str()), Some(one.clone()));
        let typed = format!(" {} ", one.as_str().to_lowercase());
        assert_eq!(ResetCode::parse(&typed), Some(one.clone()));
        assert_ne!(ResetCode::new().unwrap(), one);
        for text in [
            "",
            "AAAA-BBBB-CCCC",
            "AAAA-BBBB-CCCC-DDD",
            "AAAA-BBBB-CCCC-DDDD-EEEE",
            "AAAA-BBBB-CCCC-DDD!",
            "AAAABBBBCCCCDDDD",
        ] {
            assert_eq!(ResetCode::parse(text), None, "{text}");
        }
    }
}
