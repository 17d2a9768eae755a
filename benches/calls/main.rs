//! What the frequent calls cost: weaved beside a responder that does nothing.
//!
//! `cargo bench` starts the real program with an SQLite database (`synchronous=FULL`) and one
//! account, and beside it a baseline: the same gateway and server with a handler that answers as
//! many bytes out of memory. Both get the same requests in the same way, in rounds that take
//! turns, so that whatever else the machine does meets both. The ratio is the price of what
//! weaved does beyond moving bytes. Nothing here passes or fails.
//!
//! ```text
//! workload   the six calls                request   one call as bytes, for either transport
//! site       the servers of a workload    lighttpd, responder, process   one server each
//! load       threads that ask for a while fastcgi, http   one connection each
//! table      rounds to figures            machine   what they were measured on
//! ```
//!
//! `cargo bench -- --quick` is rough and short; further words choose the rows whose workload and
//! transport contain one of them: `cargo bench -- info direct`. The database is in the folder for
//! temporary files; TMPDIR chooses another disk. Workloads: spec/clients.md, 5.

mod baseline;
mod fastcgi;
mod http;
mod lighttpd;
mod load;
mod machine;
mod process;
mod request;
mod responder;
mod site;
mod table;
mod workload;

use std::io;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use load::Load;
use site::Site;
use site::Via;
use table::Pair;
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
    fn includes(&self, workload: Workload, via: Via) -> bool {
        let row = format!("{} {via}", workload.name());
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
    table::write_head(&mut out)?;
    for workload in workload::ALL {
        let ways: Vec<Via> = site::ALL
            .into_iter()
            .filter(|via| wanted.includes(workload, *via))
            .collect();
        if ways.is_empty() {
            continue;
        }
        let site = Site::start(workload)?;
        for via in ways {
            match pairs(&site, via, wanted.pace)? {
                Some(pairs) => table::write_row(&mut out, workload.name(), via, &pairs)?,
                None => writeln!(out, "{:9} {via}: there is no lighttpd", workload.name())?,
            }
        }
    }
    Ok(())
}

/// The rounds of one row; nothing where the way does not exist.
fn pairs(site: &Site, via: Via, pace: Pace) -> io::Result<Option<Vec<Pair>>> {
    let (Some(weaved), Some(baseline)) = (site.weaved(via), site.baseline(via)) else {
        return Ok(None);
    };
    let run = |target, duration| {
        let load = Load {
            connections: via.connections(),
            duration,
            site,
            target,
        };
        load.run()
    };
    // Caches fill, files grow to their size.
    for target in [&weaved, &baseline] {
        run(target, pace.round / 5)?;
    }
    let mut pairs = Vec::new();
    for _ in 0..pace.rounds {
        pairs.push(Pair {
            weaved: run(&weaved, pace.round)?,
            baseline: run(&baseline, pace.round)?,
        });
    }
    Ok(Some(pairs))
}
