//! What is measured: the tables and their rows.

use crate::database::Store;
use crate::site::Kind;
use crate::site::Shape;
use crate::site::Via;
use crate::web::Web;
use crate::workload;
use crate::workload::Workload;

/// A table of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// All calls, beside the baseline.
    Calls,
    /// Two calls through each web server, beside the baseline behind the same one.
    Servers,
    /// weaved with few and with many processes.
    Processes,
    /// weaved on each database.
    Databases,
}

/// In the order in which they are printed.
pub(crate) const ALL: [Table; 4] = [
    Table::Calls,
    Table::Servers,
    Table::Processes,
    Table::Databases,
];

/// One process comes first: the others are compared with it.
pub(crate) const SHAPES: [Shape; 4] = [
    Shape::USUAL,
    Shape::new(2, 8),
    Shape::new(4, 4),
    Shape::new(16, 1),
];

/// SQLite comes first: the others are compared with it.
pub(crate) const STORES: [Store; 3] = [Store::Sqlite, Store::MariaDb, Store::PostgreSql];

/// What stands before a responder in [`Table::Servers`].
const WEBS: [Option<Web>; 6] = [
    None,
    Some(Web::Lighttpd),
    Some(Web::Nginx),
    Some(Web::NginxKept),
    Some(Web::Apache),
    Some(Web::ApacheKept),
];

impl Table {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Servers => "servers",
            Self::Processes => "processes",
            Self::Databases => "databases",
        }
    }

    /// What takes turns in each row.
    pub(crate) fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Calls | Self::Servers => {
                vec![Kind::Weaved(Shape::USUAL, Store::Sqlite), Kind::Baseline]
            }
            Self::Processes => SHAPES
                .map(|shape| Kind::Weaved(shape, Store::Sqlite))
                .into(),
            Self::Databases => STORES.map(|store| Kind::Weaved(Shape::USUAL, store)).into(),
        }
    }

    pub(crate) fn workloads(self) -> &'static [Workload] {
        match self {
            Self::Calls | Self::Databases => &workload::CALLS,
            Self::Servers => &[Workload::Info, Workload::PutOne],
            Self::Processes => &[
                Workload::Info,
                Workload::GetNewer,
                Workload::PutOne,
                Workload::Post100,
            ],
        }
    }

    pub(crate) fn ways(self, workload: Workload) -> Vec<Via> {
        let through = |web, connections| Via {
            web,
            connections,
            accounts: 1,
        };
        match self {
            Self::Calls => vec![
                through(None, 4),
                through(Some(Web::Lighttpd), 4),
                through(Some(Web::Lighttpd), 32),
            ],
            Self::Servers => [4, 32]
                .into_iter()
                .flat_map(|connections| WEBS.map(|web| through(web, connections)))
                .collect(),
            Self::Processes => vec![through(None, 32)],
            // Devices of one account write one after the other, and those of many need not.
            Self::Databases if matches!(workload, Workload::PutOne | Workload::Post100) => vec![
                through(None, 4),
                Via {
                    accounts: 16,
                    ..through(None, 16)
                },
            ],
            Self::Databases => vec![through(None, 4)],
        }
    }
}
