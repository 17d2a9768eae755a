//! The tables' texts (spec/user-1.0.md, 8.1 to 8.3).
//!
//! Names are compared by their bytes on MySQL too, as they are on the others.

use super::Family;
use crate::db::Dialect;

/// The table that tells whether both are there comes last: on MySQL each is made by itself.
const USER: &str = r#"
    CREATE TABLE IF NOT EXISTS reset_codes (
        username VARCHAR(32) NOT NULL,
        product VARCHAR(32) NOT NULL,
        reset VARCHAR(32),
        expiration {DATETIME},
        PRIMARY KEY (username, product)
    ){OPTIONS};
    CREATE TABLE IF NOT EXISTS "user" (
        userid {SERIAL} NOT NULL,
        username VARCHAR(32) NOT NULL,
        password VARCHAR(128),
        "accountStatus" INTEGER DEFAULT 1,
        mail VARCHAR(64),
        "mailVerified" INTEGER DEFAULT 0,
        "syncNode" VARCHAR(64),
        PRIMARY KEY (userid),
        UNIQUE (username)
    ){OPTIONS};"#;

const USERS: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id {SERIAL} NOT NULL,
        username VARCHAR(32),
        password_hash VARCHAR(128),
        email VARCHAR(64),
        status INTEGER,
        alert TEXT,
        reset VARCHAR(32),
        reset_expiration {DATETIME},
        PRIMARY KEY (id),
        UNIQUE (username, password_hash)
    ){OPTIONS}";

impl Family {
    /// The statements that make the table, and what belongs to it.
    pub(super) fn schema(self, dialect: Dialect) -> String {
        dialect.table(match self {
            Self::User => USER,
            Self::Users => USERS,
        })
    }
}
