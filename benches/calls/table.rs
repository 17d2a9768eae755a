//! From rounds to the lines of the tables.
//!
//! Rates, ratio and percentiles are medians over the turns; a ratio is that of two rounds of one
//! turn, so that it is not always the quotient of its neighbours. CPU time for one request is over
//! all rounds: it is coarse in one, and steadier than any rate where the machine has other work.
//! Of a responder it counts all processes, and so it does of a web server.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::load::Round;
use crate::plan::SHAPES;
use crate::plan::STORES;
use crate::plan::Table;
use crate::site::Via;

/// Rounds one after the other: one of each of the table's kinds.
pub(crate) type Turn = Vec<Round>;

impl Table {
    pub(crate) fn write_head(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Calls | Self::Servers => writeln!(
                out,
                "{:9} {:15} {:>9} {:>10} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
                self.name(),
                "transport",
                "weaved/s",
                "baseline/s",
                "ratio",
                "p50 ms",
                "p99 ms",
                "CPU us",
                "baseline",
                "web us"
            ),
            Self::Processes => writeln!(
                out,
                "{:9} {:20} {:>9} {:>10} {:>8} {:>8} {:>8}",
                self.name(),
                "transport",
                "weaved/s",
                "to 1 x 16",
                "p50 ms",
                "p99 ms",
                "CPU us"
            ),
            Self::Databases => writeln!(
                out,
                "{:9} {:29} {:>9} {:>10} {:>8} {:>8} {:>8} {:>9}",
                self.name(),
                "transport",
                "weaved/s",
                "to SQLite",
                "p50 ms",
                "p99 ms",
                "CPU us",
                "server us"
            ),
        }
    }

    /// The line or the lines of one row.
    pub(crate) fn write_row(
        self,
        out: &mut dyn Write,
        workload: &str,
        via: Via,
        turns: &[Turn],
    ) -> io::Result<()> {
        let figures = |kind: usize| Figures { turns, kind };
        match self {
            Self::Calls | Self::Servers => {
                let (weaved, baseline) = (figures(0), figures(1));
                writeln!(
                    out,
                    "{workload:9} {via:15} {:>9.0} {:>10.0} {:>6.2} {:>8.2} {:>8.2} {:>8} {:>8} \
                     {:>8}",
                    weaved.rate(),
                    baseline.rate(),
                    weaved.ratio_to(&baseline),
                    weaved.percentile(50),
                    weaved.percentile(99),
                    weaved.cpu(|round| round.cpu),
                    baseline.cpu(|round| round.cpu),
                    weaved.cpu(|round| round.web_cpu),
                )
            }
            Self::Processes => {
                for (kind, shape) in SHAPES.iter().enumerate() {
                    let (shaped, first) = (figures(kind), figures(0));
                    writeln!(
                        out,
                        "{workload:9} {:20} {:>9.0} {:>10.2} {:>8.2} {:>8.2} {:>8}",
                        format!("{via}, {shape}"),
                        shaped.rate(),
                        shaped.ratio_to(&first),
                        shaped.percentile(50),
                        shaped.percentile(99),
                        shaped.cpu(|round| round.cpu),
                    )?;
                }
                Ok(())
            }
            Self::Databases => {
                for (kind, store) in STORES.iter().enumerate() {
                    let (stored, first) = (figures(kind), figures(0));
                    writeln!(
                        out,
                        "{workload:9} {:29} {:>9.0} {:>10.2} {:>8.2} {:>8.2} {:>8} {:>9}",
                        format!("{via}, {store}"),
                        stored.rate(),
                        stored.ratio_to(&first),
                        stored.percentile(50),
                        stored.percentile(99),
                        stored.cpu(|round| round.cpu),
                        stored.cpu(|round| round.database_cpu),
                    )?;
                }
                Ok(())
            }
        }
    }
}

/// The figures of one kind.
struct Figures<'a> {
    turns: &'a [Turn],
    /// Its place in each turn.
    kind: usize,
}

impl Figures<'_> {
    fn rounds(&self) -> impl Iterator<Item = &Round> {
        self.turns.iter().filter_map(|turn| turn.get(self.kind))
    }

    /// Requests in a second.
    fn rate(&self) -> f64 {
        median(self.rounds().map(rate).collect())
    }

    fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.rounds().zip(other.rounds());
        median(pairs.map(|(own, other)| rate(own) / rate(other)).collect())
    }

    /// The milliseconds that `of` percent of the requests did not exceed.
    fn percentile(&self, of: usize) -> f64 {
        let times = self.rounds().map(|round| percentile(&round.times, of));
        median(times.map(|time| time.as_secs_f64() * 1e3).collect())
    }

    /// Microseconds for one request.
    fn cpu(&self, of: impl Fn(&Round) -> Option<Duration>) -> String {
        let mut used = Duration::ZERO;
        let mut requests = 0.0;
        for round in self.rounds() {
            let Some(cpu) = of(round) else {
                return "-".to_owned();
            };
            used += cpu;
            requests += count(round);
        }
        format!("{:.1}", used.as_secs_f64() * 1e6 / requests)
    }
}

fn rate(round: &Round) -> f64 {
    count(round) / round.elapsed.as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of requests is far below 2^52"
)]
fn count(round: &Round) -> f64 {
    round.times.len() as f64
}

fn percentile(sorted: &[Duration], of: usize) -> Duration {
    let place = (sorted.len() * of).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
