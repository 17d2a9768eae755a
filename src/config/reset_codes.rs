//! `[reset_codes]`: codes for a forgotten password (spec/user-1.0.md, 6).

use std::time::Duration;

use super::DatabaseUri;
use super::keys::Key;
use super::keys::Table;
use super::keys::unneeded;
use super::keys::used;
use super::reader::Scope;
use super::values::Setting;
use super::values::Wanted;

/// The codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetCodes {
    /// The codes' database; absent: the accounts'.
    pub sqluri: Option<DatabaseUri>,
    /// Whether a missing table is created at start. Default true.
    pub create_tables: bool,
    /// What is written into the column `product`. Default `auth`.
    pub product: String,
    /// How long a code lives. Default 6 hours.
    pub expiration: Duration,
}

impl Default for ResetCodes {
    fn default() -> Self {
        Self {
            sqluri: None,
            create_tables: true,
            product: "auth".to_owned(),
            expiration: Duration::from_secs(21_600),
        }
    }
}

/// The keys of `[reset_codes]`.
pub(super) static TABLE: Table = Table {
    name: "reset_codes",
    text: "Codes for a forgotten password.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    used(
        "backend",
        "sql",
        "Where codes are kept: sql is the one there is.",
    ),
    used(
        "sqluri",
        "",
        "The codes' database, written as in [storage]. Unset: the same as the accounts'.",
    ),
    used(
        "create_tables",
        "true",
        "Whether to create a missing table at start.",
    ),
    used(
        "product",
        "auth",
        "What the column product says of our codes.",
    ),
    used("expiration", "21600", "Seconds that a code is valid."),
    unneeded("nodes", "codes are in the database"),
    unneeded("debug", "codes are never printed"),
    unneeded("pool_size", "that of [auth] is used"),
    unneeded("pool_recycle", "that of [auth] is used"),
];

fn read_backend(text: &str) -> Result<String, Wanted> {
    match text {
        "sql" | "services.resetcodes.rc_sql.ResetCodeSQL" => Ok("sql".to_owned()),
        "memcache" | "services.resetcodes.rc_memcache.ResetCodeMemcache" => Err(Wanted::new(
            "keeps codes in memcached, which is not supported: write sql, or remove the section",
        )),
        _ => Err(Wanted::new(
            "is not known here: write sql, or remove the section",
        )),
    }
}

/// Reads the section.
pub(super) fn read(scope: &mut Scope<'_>) -> ResetCodes {
    let default = ResetCodes::default();
    scope.get_as("backend", "sql".to_owned(), read_backend);
    let codes = ResetCodes {
        sqluri: scope.database("sqluri"),
        create_tables: scope.flag("create_tables", default.create_tables),
        product: scope.get_as("product", default.product, |text| {
            let product = String::read(text)?;
            if product.chars().count() > 32 {
                return Err(Wanted::new("is longer than the column: 32 characters"));
            }
            Ok(product)
        }),
        expiration: scope.seconds("expiration", default.expiration),
    };
    scope.tell_unused();
    codes
}
