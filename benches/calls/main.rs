//! What the frequent calls cost, and whether that is little enough.
//!
//! `cargo bench` starts the real program with an SQLite database (`synchronous=FULL`) and a few
//! accounts, and beside it baselines. All get the same requests in the same way, in rounds that
//! take turns, so that whatever else the machine does meets all of them. Nothing here passes or
//! fails.
//!
//! ```text
//! goals      the table of goals           first_sync, resident   its rows that are no rates
//! growth     time by accounts and records curves     as pictures
//! plan       the other tables, their rows workload   the calls
//! site       the servers of a workload    responder, web, process   one server each
//! baseline   does nothing, on our gateway hello, raw   C on libfcgi; the database's driver
//! load       threads that ask for a while request, fastcgi, http   what they say
//! figures    rounds to figures            table, paper   figures to lines
//! database   the servers that keep records           fill   much at once into SQLite
//! machine    what they were measured on   memory     what a server takes at most
//! ```
//!
//! The tables: `goals`, calls through lighttpd beside what they are held to; `calls`, all calls
//! directly and through lighttpd beside a responder that does nothing, whose ratio is the price of
//! what weaved does beyond moving bytes; `servers`, the cost of each web server; `processes`, one
//! process of many threads beside many processes of few; `databases`, MariaDB and PostgreSQL, as
//! durable as they are installed, beside SQLite; and `growth`, the time of a request by the size of
//! a server.
//!
//! `cargo bench -- --quick` is rough and short; further words choose the rows of which table,
//! workload and transport contain all of them: `cargo bench -- processes`, `cargo bench -- calls
//! info`. Without words, or with `--write`, what was measured goes into `BENCHMARKS.md`. The
//! databases are in the folder for temporary files; TMPDIR chooses another disk. Workloads:
//! spec/clients.md, 5.

mod baseline;
mod curves;
mod database;
mod fastcgi;
mod figures;
mod fill;
mod first_sync;
mod goals;
mod growth;
mod hello;
mod http;
mod load;
mod machine;
mod memory;
mod paper;
mod plan;
mod process;
mod raw;
mod request;
mod resident;
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
use figures::Side;
use load::Load;
use paper::Paper;
use site::Site;
use site::Via;

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
    /// Whether `BENCHMARKS.md` is written.
    is_written: bool,
    words: Vec<String>,
}

impl Wanted {
    /// Whether a row has all the words.
    fn includes(&self, row: &str) -> bool {
        self.words.iter().all(|word| row.contains(word))
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
    let is_written = arguments.iter().any(|argument| argument == "--write");
    let words = arguments.into_iter().filter(|one| !one.starts_with('-'));
    let words: Vec<String> = words.collect();
    report(measure(&Wanted {
        pace: if quick { QUICK } else { USUAL },
        is_written: is_written || words.is_empty(),
        words,
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
    let Pace { rounds, round } = wanted.pace;
    let mut paper = Paper::new(vec![
        machine::line()?,
        machine::versions(),
        format!("medians of {rounds} rounds of {round:?} in turns"),
    ])?;
    goals::measure(wanted, &mut paper)?;
    growth::measure(wanted, &mut paper)?;
    tables(wanted, &mut paper)?;
    if wanted.is_written {
        paper.publish()?;
    }
    Ok(())
}

fn tables(wanted: &Wanted, out: &mut dyn Write) -> io::Result<()> {
    let pace = Pace {
        round: wanted.pace.round * 2 / 3,
        ..wanted.pace
    };
    let databases = Databases::default();
    for table in plan::ALL {
        let mut has_head = false;
        for workload in table.workloads() {
            let mut ways = table.ways(*workload);
            let words = |via: &Via| format!("{} {} {via}", table.name(), workload.name());
            ways.retain(|via| wanted.includes(&words(via)));
            if ways.is_empty() {
                continue;
            }
            if !has_head {
                has_head = true;
                writeln!(out)?;
                table.write_head(out)?;
            }
            let site = Site::start(*workload, &table.kinds(), &ways, &databases)?;
            for via in ways {
                let Some(targets) = site.targets(via) else {
                    writeln!(out, "{:9} {via}: not installed", workload.name())?;
                    continue;
                };
                let side = |target| -> Side<'_> {
                    let load = Load {
                        site: &site,
                        target,
                    };
                    Box::new(move |duration| load.run(duration))
                };
                let mut sides: Vec<Side<'_>> = targets.iter().map(side).collect();
                let turns = figures::turns(&mut sides, pace)?;
                table.write_row(out, workload.name(), via, &turns)?;
            }
        }
    }
    Ok(())
}
