//! The tables' texts for each database (spec/user-1.0.md, 8.1 to 8.3).
//!
//! Names are compared by their bytes on MySQL too, as they are on the others.

use super::Family;
use crate::db::Dialect;

impl Family {
    /// The statements that make the table, and what belongs to it.
    pub(super) const fn schema(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::User, Dialect::MySql) => {
                r#"CREATE TABLE IF NOT EXISTS reset_codes (
                    username VARCHAR(32) NOT NULL,
                    product VARCHAR(32) NOT NULL,
                    reset VARCHAR(32),
                    expiration DATETIME,
                    PRIMARY KEY (username, product)
                ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
                CREATE TABLE IF NOT EXISTS "user" (
                    userid INTEGER NOT NULL AUTO_INCREMENT,
                    username VARCHAR(32) NOT NULL,
                    password VARCHAR(128),
                    "accountStatus" INTEGER DEFAULT 1,
                    mail VARCHAR(64),
                    "mailVerified" INTEGER DEFAULT 0,
                    "syncNode" VARCHAR(64),
                    PRIMARY KEY (userid),
                    UNIQUE (username)
                ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"#
            }
            (Self::User, Dialect::PostgreSql) => {
                r#"CREATE TABLE IF NOT EXISTS reset_codes (
                    username VARCHAR(32) NOT NULL,
                    product VARCHAR(32) NOT NULL,
                    reset VARCHAR(32),
                    expiration TIMESTAMP,
                    PRIMARY KEY (username, product)
                );
                CREATE TABLE IF NOT EXISTS "user" (
                    userid SERIAL NOT NULL,
                    username VARCHAR(32) NOT NULL,
                    password VARCHAR(128),
                    "accountStatus" INTEGER DEFAULT 1,
                    mail VARCHAR(64),
                    "mailVerified" INTEGER DEFAULT 0,
                    "syncNode" VARCHAR(64),
                    PRIMARY KEY (userid),
                    UNIQUE (username)
                )"#
            }
            (Self::User, Dialect::Sqlite) => {
                r#"CREATE TABLE IF NOT EXISTS "user" (
                    userid INTEGER NOT NULL,
                    username VARCHAR(32) NOT NULL,
                    password VARCHAR(128),
                    "accountStatus" INTEGER DEFAULT 1,
                    mail VARCHAR(64),
                    "mailVerified" INTEGER DEFAULT 0,
                    "syncNode" VARCHAR(64),
                    PRIMARY KEY (userid),
                    UNIQUE (username)
                );
                CREATE TABLE IF NOT EXISTS reset_codes (
                    username VARCHAR(32) NOT NULL,
                    product VARCHAR(32) NOT NULL,
                    reset VARCHAR(32),
                    expiration DATETIME,
                    PRIMARY KEY (username, product)
                )"#
            }
            (Self::Users, Dialect::MySql) => {
                "CREATE TABLE IF NOT EXISTS users (
                    id INTEGER NOT NULL AUTO_INCREMENT,
                    username VARCHAR(32),
                    password_hash VARCHAR(128),
                    email VARCHAR(64),
                    status INTEGER,
                    alert TEXT,
                    reset VARCHAR(32),
                    reset_expiration DATETIME,
                    PRIMARY KEY (id),
                    UNIQUE (username, password_hash)
                ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
            }
            (Self::Users, Dialect::PostgreSql) => {
                "CREATE TABLE IF NOT EXISTS users (
                    id SERIAL NOT NULL,
                    username VARCHAR(32),
                    password_hash VARCHAR(128),
                    email VARCHAR(64),
                    status INTEGER,
                    alert TEXT,
                    reset VARCHAR(32),
                    reset_expiration TIMESTAMP,
                    PRIMARY KEY (id),
                    UNIQUE (username, password_hash)
                )"
            }
            (Self::Users, Dialect::Sqlite) => {
                "CREATE TABLE IF NOT EXISTS users (
                    id INTEGER NOT NULL,
                    username VARCHAR(32),
                    password_hash VARCHAR(128),
                    email VARCHAR(64),
                    status INTEGER,
                    alert TEXT,
                    reset VARCHAR(32),
                    reset_expiration DATETIME,
                    PRIMARY KEY (id),
                    UNIQUE (username, password_hash)
                )"
            }
        }
    }
}
