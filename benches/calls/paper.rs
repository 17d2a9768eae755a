//! What is measured, on its way to the terminal and into `BENCHMARKS.md`.
//!
//! The file is written whole, from this run alone; pictures go into a folder beside the benches.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

use crate::figures::Figures;

/// Where pictures are, below the root of the tree.
const CURVES: &str = "benches/curves";

const HEAD: &str = "\
# Benchmarks

Written by `make bench`; the sources are in `benches/calls`. Figures of two machines, or of two
runs, are not to be compared: ratios within one run are.

";

const GOALS: &str = "
All through lighttpd's mod_fastcgi with Basic authentication, SQLite with `synchronous=FULL`, one
process of 16 threads. Rates, ratios, p50 and p99 are medians of rounds in which all sides take
turns.

- `info`: GET info/collections; `get-one`: one record of about 500 bytes; `get-newer`: a collection
  with `newer=` that has nothing new; `put-one`: PUT of one new record; `post-100`: POST of a
  hundred; `get-full`: 1,000 whole records, one a line; `many-users`: 200 accounts, each sync being
  one `info`, three `get-newer` and one `put-one`; `first-sync`: 86 requests of a new account that
  send 7,203 records, after the hash of its password.
- `hello`: a program in C on libfcgi behind the same lighttpd, which reads the request and answers
  with as many bytes (the mean, where they differ). `raw`: the database's driver alone inserts the
  rows that weaved stored: same tables and indexes, a hundred in a transaction, FULL, one connection.
  `nothing`: weaved's gateway with a handler that does nothing, for information.
- CPU: user and system seconds of all processes of weaved, of the baseline, and of the load
  generator while it asked weaved.
- Peak memory: PSS of weaved, sampled every 20 ms. `memory` has one process of 25 threads: under all
  calls by 32 connections one after the other, and while a collection of 200,000 records is read
  whole. `start`: from the start of the program on an existing database until its first answer to
  a request with a password, directly by FastCGI.
";

const GROWTH: &str = "
## Growth

CPU time of weaved for a request, one after the other, directly by FastCGI. By accounts: of 20
accounts among so many. By records: of one account with so many in the collection that is asked.
";

const TABLES: &str = "
## Other tables

Rounds are shorter here. `calls`: beside a responder that does nothing on weaved's own gateway; the
others are explained in CONTRIBUTING.md. CPU is in microseconds for one request.

";

/// The columns of the table of goals, and their widths on a terminal.
const COLUMNS: [(&str, usize); 10] = [
    ("workload", 23),
    ("connections", 11),
    ("weaved", 13),
    ("baseline", 22),
    ("ratio", 5),
    ("goal", 8),
    ("nothing", 9),
    ("p50 / p99 ms", 13),
    ("CPU s per 1,000: weaved / baseline / load", 41),
    ("peak MiB", 8),
];

/// A line of the table of goals, in the order of [`COLUMNS`].
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) workload: String,
    pub(crate) connections: String,
    pub(crate) weaved: String,
    pub(crate) baseline: String,
    pub(crate) ratio: String,
    pub(crate) goal: String,
    pub(crate) nothing: String,
    pub(crate) times: String,
    pub(crate) cpu: String,
    pub(crate) memory: String,
}

impl Line {
    /// What the rounds of weaved and a baseline tell whatever the goal is.
    pub(crate) fn of(weaved: &Figures<'_>, baseline: &Figures<'_>) -> Self {
        Self {
            times: format!(
                "{:.2} / {:.2}",
                weaved.percentile(50),
                weaved.percentile(99)
            ),
            cpu: format!(
                "{} / {} / {}",
                thousand(weaved.cpu(|round| round.cpu)),
                thousand(baseline.cpu(|round| round.cpu)),
                thousand(weaved.cpu(|round| round.load_cpu))
            ),
            ..Self::default()
        }
    }
}

/// CPU seconds of a thousand requests.
fn thousand(cpu: Option<f64>) -> String {
    cpu.map_or_else(|| "-".to_owned(), |seconds| format!("{:.3}", seconds * 1e3))
}

/// Collects what it prints.
#[derive(Default)]
pub(crate) struct Paper {
    /// Machine, versions and settings, each a line.
    settings: Vec<String>,
    /// The table of goals, in Markdown.
    goals: String,
    /// The other tables, as they are printed.
    tables: String,
    /// Names and SVG.
    pictures: Vec<(String, String)>,
}

impl Paper {
    /// Begins with lines about what is measured, on what, and how.
    pub(crate) fn new(settings: Vec<String>) -> io::Result<Self> {
        for line in &settings {
            writeln!(io::stdout(), "{line}")?;
        }
        writeln!(io::stdout())?;
        Ok(Self {
            settings,
            ..Self::default()
        })
    }

    /// Writes `BENCHMARKS.md` and the pictures in it.
    pub(crate) fn publish(&self) -> io::Result<()> {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = HEAD.to_owned();
        for line in &self.settings {
            text.push_str(&format!("- {line}\n"));
        }
        if !self.goals.is_empty() {
            text.push_str(&format!("\n## Goals\n\n{}{GOALS}", self.goals));
        }
        if !self.pictures.is_empty() {
            text.push_str(GROWTH);
            fs::create_dir_all(tree.join(CURVES))?;
        }
        for (name, svg) in &self.pictures {
            let file = format!("{CURVES}/{name}.svg");
            fs::write(tree.join(&file), svg)?;
            text.push_str(&format!("\n![CPU time of a request by {name}]({file})\n"));
        }
        if !self.tables.is_empty() {
            let tables = self.tables.trim_start_matches('\n');
            text.push_str(&format!("{TABLES}```text\n{tables}```\n"));
        }
        fs::write(tree.join("BENCHMARKS.md"), text)
    }

    /// A row of the table of goals.
    pub(crate) fn goal(&mut self, line: Line) -> io::Result<()> {
        if self.goals.is_empty() {
            self.line(COLUMNS.map(|(name, _)| name.to_owned()))?;
            self.line(COLUMNS.map(|(_, width)| "-".repeat(width)))?;
        }
        self.line([
            line.workload,
            line.connections,
            line.weaved,
            line.baseline,
            line.ratio,
            line.goal,
            line.nothing,
            line.times,
            line.cpu,
            line.memory,
        ])
    }

    /// A picture for the folder of curves.
    pub(crate) fn picture(&mut self, name: &str, svg: String) {
        self.pictures.push((name.to_owned(), svg));
    }

    fn line(&mut self, cells: [String; COLUMNS.len()]) -> io::Result<()> {
        let mut line = "|".to_owned();
        for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
            line.push_str(&format!(" {cell:width$} |"));
        }
        line.push('\n');
        self.goals.push_str(&line);
        io::stdout().write_all(line.as_bytes())
    }
}

/// The other tables.
impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tables.push_str(&String::from_utf8_lossy(bytes));
        io::stdout().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
