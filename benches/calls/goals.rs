//! The table of goals: each call through lighttpd beside what it is held to.
//!
//! "hello" is a program in C on libfcgi behind the same lighttpd, with answers of the same length;
//! "raw" is the database's driver alone with the same rows. Both take turns with weaved, and so
//! does weaved's own gateway with a handler that does nothing, for information.

use std::cell::Cell;
use std::io;

use crate::Wanted;
use crate::database::Databases;
use crate::database::Store;
use crate::figures;
use crate::figures::Figures;
use crate::figures::Side;
use crate::first_sync;
use crate::load::Load;
use crate::memory;
use crate::paper::Line;
use crate::paper::Paper;
use crate::raw::Raw;
use crate::resident;
use crate::site::Kind;
use crate::site::Shape;
use crate::site::Site;
use crate::site::Via;
use crate::web::Web;
use crate::workload;
use crate::workload::Workload;

/// What weaved is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    Hello,
    Raw,
}

/// A row: weaved's rate is at least so many times the baseline's.
struct Goal {
    workload: Workload,
    connections: usize,
    against: Against,
    least: f64,
}

impl Goal {
    const fn hello(workload: Workload, connections: usize, least: f64) -> Self {
        Self {
            workload,
            connections,
            against: Against::Hello,
            least,
        }
    }

    fn via(&self) -> Via {
        Via {
            web: Some(Web::Lighttpd),
            connections: self.connections,
            accounts: match self.workload {
                Workload::SmallSync => 200,
                _ => 1,
            },
        }
    }

    fn words(&self) -> String {
        format!("goals {} {}", self.workload.name(), self.via())
    }
}

const WEAVED: Kind = Kind::Weaved(Shape::USUAL, Store::Sqlite);

/// What takes turns.
pub(crate) const KINDS: [Kind; 3] = [WEAVED, Kind::Baseline, Kind::Hello];

/// In the order of the table; those of one workload side by side.
const GOALS: [Goal; 11] = [
    Goal::hello(Workload::Info, 4, 1.00),
    Goal::hello(Workload::Info, 32, 1.00),
    Goal::hello(Workload::GetOne, 4, 1.00),
    Goal::hello(Workload::GetOne, 32, 1.00),
    Goal::hello(Workload::GetNewer, 4, 0.95),
    Goal::hello(Workload::GetNewer, 32, 0.95),
    Goal::hello(Workload::PutOne, 32, 0.50),
    Goal {
        against: Against::Raw,
        ..Goal::hello(Workload::Post100, 4, 0.80)
    },
    Goal::hello(Workload::GetFull, 4, 0.70),
    Goal::hello(Workload::GetFull, 32, 0.70),
    Goal::hello(Workload::SmallSync, 8, 0.80),
];

/// With so many connections the CPU time of `info` has a goal of its own.
const CPU_CONNECTIONS: usize = 4;

/// At most so many times hello's.
const CPU_MOST: f64 = 1.50;

/// The records of which [`Against::Raw`] inserts the like.
const POSTED: &str = "collection = (SELECT collectionid FROM collections WHERE name = 'bookmarks') \
                      ORDER BY rowid DESC LIMIT 100";

pub(crate) fn measure(wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    let goals: Vec<&Goal> = GOALS
        .iter()
        .filter(|goal| wanted.includes(&goal.words()))
        .collect();
    for goals in goals.chunk_by(|one, next| one.workload == next.workload) {
        workload(goals, wanted, paper)?;
    }
    first_sync::measure(wanted, paper)?;
    resident::measure(wanted, paper)
}

/// The rows of one workload.
fn workload(goals: &[&Goal], wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    let Some(Goal {
        workload, against, ..
    }) = goals.first()
    else {
        return Ok(());
    };
    let ways: Vec<Via> = goals.iter().map(|goal| goal.via()).collect();
    let site = Site::start(*workload, &KINDS, &ways, &Databases::default())?;
    for goal in goals {
        let targets = site.targets(goal.via()).ok_or(io::ErrorKind::NotFound)?;
        let peak = Cell::new(0);
        let mut raw = match against {
            Against::Hello => None,
            Against::Raw => {
                let file = site.file().ok_or(io::ErrorKind::NotFound)?;
                Some(Raw::new(&file, POSTED)?)
            }
        };
        let mut sides: Vec<Side<'_>> = Vec::new();
        for target in &targets {
            let load = Load {
                site: &site,
                target,
            };
            let peak = &peak;
            sides.push(Box::new(move |duration| {
                let (round, most) = memory::peak(target.responder, || load.run(duration));
                if target.kind == WEAVED {
                    peak.set(most.max(peak.get()));
                }
                round
            }));
        }
        if let Some(raw) = &mut raw {
            sides.pop();
            sides.push(Box::new(|duration| raw.run(duration)));
        }
        let turns = figures::turns(&mut sides, wanted.pace)?;
        drop(sides);
        let figures = |kind| Figures {
            turns: &turns,
            kind,
        };
        let (weaved, nothing, baseline) = (figures(0), figures(1), figures(2));
        let (unit, scale) = match goal.against {
            Against::Hello => ("", 1.0),
            Against::Raw => (" rows", workload::BATCH as f64),
        };
        let name = match goal.against {
            Against::Hello => "hello",
            Against::Raw => "raw",
        };
        paper.goal(Line {
            workload: goal.workload.name().to_owned(),
            connections: goal.connections.to_string(),
            weaved: format!("{:.0}{unit}/s", weaved.rate() * scale),
            baseline: format!("{:.0}{unit}/s ({name})", baseline.rate() * scale),
            ratio: format!("{:.2}", weaved.ratio_to(&baseline)),
            goal: format!("≥ {:.2}", goal.least),
            nothing: format!("{:.0}/s", nothing.rate()),
            memory: format!("{:.1}", mebibytes(peak.get())),
            ..Line::of(&weaved, &baseline)
        })?;
        if goal.workload == Workload::Info && goal.connections == CPU_CONNECTIONS {
            paper.goal(cpu(&weaved, &baseline))?;
        }
    }
    Ok(())
}

/// What the CPU has to do for a call.
fn cpu(weaved: &Figures<'_>, hello: &Figures<'_>) -> Line {
    let used = |side: &Figures<'_>| side.cpu(|round| round.cpu).unwrap_or(f64::NAN);
    let (weaved, hello) = (used(weaved), used(hello));
    Line {
        workload: "info, CPU per 1,000".to_owned(),
        connections: CPU_CONNECTIONS.to_string(),
        weaved: format!("{:.3} s", weaved * 1e3),
        baseline: format!("{:.3} s (hello)", hello * 1e3),
        ratio: format!("{:.2}", weaved / hello),
        goal: format!("≤ {CPU_MOST:.2}"),
        ..Line::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
