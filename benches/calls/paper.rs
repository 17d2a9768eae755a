//! What is measured, on its way to the terminal and into `BENCHMARKS.md`.

use std::io;
use std::io::Write;

use crate::figures::Figures;

/// The columns of the table of goals, and their widths on a terminal.
const COLUMNS: [(&str, usize); 10] = [
    ("workload", 12),
    ("connections", 11),
    ("weaved", 13),
    ("baseline", 22),
    ("ratio", 5),
    ("goal", 6),
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
    /// The table of goals, in Markdown.
    goals: String,
    /// The other tables, as they are printed.
    tables: String,
    /// Names and SVG.
    pictures: Vec<(String, String)>,
}

impl Paper {
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
