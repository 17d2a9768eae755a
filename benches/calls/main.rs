//! What the frequent calls cost: weaved beside a responder that does nothing.
//!
//! `cargo bench` starts the real program with an SQLite database (`synchronous=FULL`) and one
//! account, and beside it a baseline: the same gateway and server with a handler that answers as
//! many bytes out of memory. Both get the same requests in the same way, in rounds that take
//! turns, so that whatever else the machine does meets both. The ratio is the price of what
//! weaved does beyond moving bytes. Nothing here passes or fails.
//!
//! ```text
//! plan       the tables and their rows    workload   the six calls
//! site       the servers of a workload    responder, web, process   one server each
//! load       threads that ask for a while request, fastcgi, http   what they say
//! table      rounds to figures            machine   what they were measured on
//! database   the servers that keep records
//! ```
//!
//! Four tables: `calls`, all calls directly and through lighttpd; `servers`, the cost of each web
//! server; `processes`, one process of many threads beside many processes of few; `databases`,
//! MariaDB and PostgreSQL, as durable as they are installed, beside SQLite.
//!
//! `cargo bench -- --quick` is rough and short; further words choose the rows of which table,
//! workload and transport contain one of them: `cargo bench -- processes`, `cargo bench -- nginx`,
//! `cargo bench -- 'calls info'`. The databases are in the folder for temporary files; TMPDIR
//! chooses another disk. Workloads: spec/clients.md, 5.

mod baseline;
mod database;
mod fastcgi;
mod http;
mod load;
mod machine;
mod plan;
mod process;
mod request;
mod responder;
mod site;
// A bench stops where a test would: nothing that it asks for may fail.
#[path = "../../tests/suite/mod.rs"]
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]
mod suite;
mod table;
mod web;
mod workload;

use std::io;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use database::Databases;
use load::Load;
use plan::Table;
use site::Site;
use site::Target;
use site::Via;
use table::Turn;
use workload::Workload;

/// How long the whole takes: so many rounds of so long, for each row and each side.
#[derive(Clone, Copy)]
struct Pace {
    rounds: usize,
    round: Duration,
}

const USUAL: Pace = Pace {
    rounds: 5,
    round: Duration::from_millis(900),
};

const QUICK: Pace = Pace {
    rounds: 3,
    round: Duration::from_millis(200),
};

/// What the arguments ask for.
struct Wanted {
    pace: Pace,
    words: Vec<String>,
}

impl Wanted {
    fn includes(&self, table: Table, workload: Workload, via: Via) -> bool {
        let row = format!("{} {} {via}", table.name(), workload.name());
        self.words.is_empty() || self.words.iter().any(|word| row.contains(word))
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(options) = baseline::Options::read(&arguments) {
        return report(baseline::serve(&options));
    }
    // `cargo test --all-targets` runs benches without this.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let words = arguments.into_iter().filter(|one| !one.starts_with('-'));
    report(measure(&Wanted {
        pace: if quick { QUICK } else { USUAL },
        words: words.collect(),
    }))
}

fn report(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is there to hear that this failed too.
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(wanted: &Wanted) -> io::Result<()> {
    let mut out = io::stdout();
    let Pace { rounds, round } = wanted.pace;
    writeln!(out, "{}", machine::line()?)?;
    writeln!(out, "medians of {rounds} rounds of {round:?} in turns\n")?;
    let databases = Databases::default();
    for table in plan::ALL {
        let mut has_head = false;
        for workload in table.workloads() {
            let mut ways = table.ways(*workload);
            ways.retain(|via| wanted.includes(table, *workload, *via));
            if ways.is_empty() {
                continue;
            }
            if !has_head {
                has_head = true;
                table.write_head(&mut out)?;
            }
            let site = Site::start(*workload, &table.kinds(), &ways, &databases)?;
            for via in ways {
                match site.targets(via) {
                    Some(targets) => {
                        let turns = turns(&site, &targets, wanted.pace)?;
                        table.write_row(&mut out, workload.name(), via, &turns)?;
                    }
                    None => writeln!(out, "{:9} {via}: not installed", workload.name())?,
                }
            }
        }
        if has_head {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The rounds of one row.
fn turns(site: &Site, targets: &[Target<'_>], pace: Pace) -> io::Result<Vec<Turn>> {
    let run = |target, duration| {
        let load = Load {
            duration,
            site,
            target,
        };
        load.run()
    };
    // Caches fill, files grow to their size.
    for target in targets {
        run(target, pace.round / 5)?;
    }
    let turn = |_| {
        targets
            .iter()
            .map(|target| run(target, pace.round))
            .collect()
    };
    (0..pace.rounds).map(turn).collect()
}
