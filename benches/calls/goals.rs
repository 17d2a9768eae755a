//! The table of goals: each call through lighttpd beside what it is held to.
//!
//! "hello" is a program in C on libfcgi behind the same lighttpd, with answers of the same length;
//! "raw" is the database's driver alone with the same rows. Both take turns with weaved, and so
//! does weaved's own gateway with a handler that does nothing, for information.

use std::cell::Cell;
use std::io;

use crate::Pace;
use crate::Wanted;
use crate::database::Databases;
use crate::database::Store;
use crate::figures;
use crate::figures::Figures;
use crate::figures::Side;
use crate::figures::Turn;
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

    /// The rounds of weaved, of nothing and of the baseline; and the most bytes that weaved had.
    fn turns(&self, site: &Site, pace: Pace) -> io::Result<(Vec<Turn>, u64)> {
        let targets = site.targets(self.via()).ok_or(io::ErrorKind::NotFound)?;
        let peak = Cell::new(0);
        let mut raw = match self.against {
            Against::Hello => None,
            Against::Raw => {
                let file = site.file().ok_or(io::ErrorKind::NotFound)?;
                Some(Raw::new(&file, POSTED)?)
            }
        };
        let asked = |target| -> Side<'_> {
            let load = Load { site, target };
            let peak = &peak;
            // All are watched, so that this costs all the same.
            Box::new(move |duration| {
                let (round, most) = memory::peak(target.responder, || load.run(duration));
                if target.kind == WEAVED {
                    peak.set(most.max(peak.get()));
                }
                round
            })
        };
        let mut sides: Vec<Side<'_>> = targets.iter().map(asked).collect();
        if let Some(raw) = &mut raw {
            sides.pop();
            sides.push(Box::new(|duration| raw.run(duration)));
        }
        let turns = figures::turns(&mut sides, pace)?;
        drop(sides);
        Ok((turns, peak.get()))
    }

    fn line(&self, weaved: &Figures<'_>, baseline: &Figures<'_>) -> Line {
        let (name, unit, each) = match self.against {
            Against::Hello => ("hello", "/s", 1.0),
            Against::Raw => ("raw", " rows/s", BATCH),
        };
        Line {
            workload: self.workload.name().to_owned(),
            connections: self.connections.to_string(),
            weaved: format!("{:.0}{unit}", weaved.rate() * each),
            baseline: format!("{:.0}{unit} ({name})", baseline.rate() * each),
            ratio: format!("{:.2}", weaved.ratio_to(baseline)),
            goal: format!("≥ {:.2}", self.least),
            ..Line::of(weaved, baseline)
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

/// The rows of a request, or of a transaction, where rows are counted.
const BATCH: f64 = 100.0;

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

/// The lines of one workload.
fn workload(goals: &[&Goal], wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    let Some(Goal { workload, .. }) = goals.first() else {
        return Ok(());
    };
    let ways: Vec<Via> = goals.iter().map(|goal| goal.via()).collect();
    let site = Site::start(*workload, &KINDS, &ways, &Databases::default())?;
    for goal in goals {
        let (turns, peak) = goal.turns(&site, wanted.pace)?;
        let figures = |kind| Figures {
            turns: &turns,
            kind,
        };
        let (weaved, nothing, baseline) = (figures(0), figures(1), figures(2));
        paper.goal(Line {
            nothing: format!("{:.0}/s", nothing.rate()),
            memory: format!("{:.1}", mebibytes(peak)),
            ..goal.line(&weaved, &baseline)
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
