//! What an existing database cannot be trusted with, and the statements that mend it.
//!
//! The original's tables on MySQL (spec/storage-1.1.md, 7.4) cut payloads at 64 KB and take two
//! ids that differ in case only for one: records are lost. Such a database is not served until it
//! is mended, by hand or by `weaved migrate`. PostgreSQL and SQLite have no such tables.

use std::borrow::Cow;
use std::fmt;

use crate::db::Database;
use crate::db::DbError;
use crate::db::Dialect;
use crate::db::Flow;
use crate::db::Session;
use crate::storage::Settings;
use crate::storage::StorageError;

/// A table that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// What is wrong with it, each in a few words.
    pub faults: Vec<&'static str>,
    /// The statement that mends it, safe to repeat.
    pub mending: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the table {}: {}", self.table, self.faults.join("; "))
    }
}

/// Looks for what must be mended; changes nothing.
///
/// # Errors
/// Those of the database.
pub fn survey(database: &Database, settings: Settings) -> Result<Vec<Finding>, StorageError> {
    if database.dialect() != Dialect::MySql {
        return Ok(Vec::new());
    }
    database.read(|session| {
        let mut findings = Vec::new();
        for table in settings.tables().all() {
            findings.extend(look_at(session, &table.name(), RECORDS)?);
        }
        findings.extend(look_at(session, "collections", COLLECTIONS)?);
        Ok(findings)
    })
}

/// Mends what [`survey`] has found in one table. It may take long, and the table cannot be
/// written to meanwhile.
///
/// # Errors
/// Those of the database.
pub fn mend(database: &Database, finding: &Finding) -> Result<(), StorageError> {
    let patient = database.patient();
    patient.write(|session| Ok(session.execute_batch(&finding.mending)?))
}

/// Refuses to serve what must be mended first.
pub(super) fn refuse_unsafe(database: &Database, settings: Settings) -> Result<(), StorageError> {
    let findings = survey(database, settings)?;
    if findings.is_empty() {
        return Ok(());
    }
    let name = database.name();
    let mut text = format!("the database {name} would lose records as it is:");
    for finding in &findings {
        text.push_str(&format!("\n  {finding}\n    {};", finding.mending));
    }
    text.push_str(
        "\n`weaved migrate FILE` runs these statements (with --dry-run it shows them); they keep \
         all data, and the old server can still use the tables. Make a backup before",
    );
    Err(StorageError::Schema(text))
}

/// How a column must be, and how it is made so.
#[derive(Clone, Copy)]
struct Wanted {
    column: &'static str,
    kind: Kind,
    definition: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Compared by its bytes.
    Exact,
    /// Holds a payload.
    Long,
}

const RECORDS: &[Wanted] = &[
    Wanted {
        column: "id",
        kind: Kind::Exact,
        definition: "VARBINARY(64) NOT NULL",
    },
    Wanted {
        column: "parentid",
        kind: Kind::Exact,
        definition: "VARBINARY(64)",
    },
    Wanted {
        column: "predecessorid",
        kind: Kind::Exact,
        definition: "VARBINARY(64)",
    },
    Wanted {
        column: "payload",
        kind: Kind::Long,
        definition: "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    },
];

const COLLECTIONS: &[Wanted] = &[Wanted {
    column: "name",
    kind: Kind::Exact,
    definition: "VARBINARY(32) NOT NULL",
}];

fn look_at(
    session: &mut Session<'_>,
    table: &str,
    wanted: &[Wanted],
) -> Result<Option<Finding>, StorageError> {
    let (mut faults, mut changes) = (Vec::new(), Vec::<Cow<'_, str>>::new());
    const ENGINE: &str = "
        SELECT engine
        FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = :table";
    let params = [(":table", table.into())];
    let engine = session.query_one(ENGINE, &params, |row| row.text(0).map(str::to_owned))?;
    let Some(engine) = engine.flatten() else {
        return Ok(None);
    };
    if !engine.eq_ignore_ascii_case("InnoDB") {
        faults.push("its engine knows no transactions");
        changes.push("ENGINE=InnoDB".into());
    }
    for column in columns(session, table)? {
        let Some(wanted) = wanted.iter().find(|known| known.column == column.name) else {
            continue;
        };
        if let Some(fault) = column.fault(wanted.kind) {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
            changes.push(format!("MODIFY {} {}", wanted.column, wanted.definition).into());
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    Ok(Some(Finding {
        table: table.to_owned(),
        faults,
        mending: format!("ALTER TABLE {table} {}", changes.join(", ")),
    }))
}

/// What MySQL tells of a column.
struct Column {
    name: String,
    kind: String,
    charset: Option<String>,
    collation: Option<String>,
}

impl Column {
    fn fault(&self, wanted: Kind) -> Option<&'static str> {
        match wanted {
            Kind::Exact => match self.collation.as_deref() {
                None => None,
                Some(collation) if collation.ends_with("_bin") => {
                    // "a" and "a " are one, but for the collations that say otherwise.
                    let exact = collation.contains("nopad") || collation.contains("0900");
                    (!exact).then_some("it takes ids that differ in blanks at the end for one")
                }
                Some(_) => Some("it takes ids that differ in upper and lower case for one"),
            },
            Kind::Long if matches!(&*self.kind, "text" | "tinytext" | "blob" | "varchar") => {
                Some("it cuts or refuses payloads above 64 KB")
            }
            Kind::Long => match self.charset.as_deref() {
                None | Some("utf8mb4") => None,
                Some(_) => Some("its payloads cannot hold all characters"),
            },
        }
    }
}

fn columns(session: &mut Session<'_>, table: &str) -> Result<Vec<Column>, DbError> {
    const COLUMNS: &str = "
        SELECT column_name, data_type, character_set_name, collation_name
        FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = :table
        ORDER BY ordinal_position";
    let mut columns = Vec::new();
    session.query::<DbError>(COLUMNS, &[(":table", table.into())], |row| {
        let text = |column| row.text(column).map(str::to_lowercase);
        columns.push(Column {
            name: text(0).unwrap_or_default(),
            kind: text(1).unwrap_or_default(),
            charset: text(2),
            collation: text(3),
        });
        Ok(Flow::Continue(()))
    })?;
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_judged_by_what_they_lose() {
        #[track_caller]
        fn check(wanted: Kind, kind: &str, collation: Option<&str>, fault: Option<&str>) {
            let charset = collation.and_then(|name| name.split('_').next());
            let column = Column {
                name: "c".to_owned(),
                kind: kind.to_owned(),
                charset: charset.map(str::to_owned),
                collation: collation.map(str::to_owned),
            };
            let found = column.fault(wanted);
            assert!(
                found.is_some() == fault.is_some()
                    && found
                        .unwrap_or_default()
                        .contains(fault.unwrap_or_default()),
                "{kind} {collation:?}: {found:?}"
            );
        }
        use Kind::Exact;
        use Kind::Long;
        check(Exact, "varbinary", None, None);
        check(Exact, "varchar", Some("latin1_swedish_ci"), Some("case"));
        check(Exact, "varchar", Some("utf8mb4_bin"), Some("blanks"));
        check(Exact, "varchar", Some("utf8mb4_nopad_bin"), None);
        check(Exact, "varchar", Some("utf8mb4_0900_bin"), None);
        check(Long, "text", Some("utf8mb4_bin"), Some("64 KB"));
        check(
            Long,
            "mediumtext",
            Some("latin1_swedish_ci"),
            Some("characters"),
        );
        check(Long, "mediumtext", Some("utf8mb4_general_ci"), None);
        check(Long, "longblob", None, None);
    }
}
