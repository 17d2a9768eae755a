//! The lines of the tables.

use std::io;
use std::io::Write;

use crate::figures::Figures;
use crate::figures::Turn;
use crate::plan::SHAPES;
use crate::plan::STORES;
use crate::plan::Table;
use crate::site::Via;

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
                    micros(weaved.cpu(|round| round.cpu)),
                    micros(baseline.cpu(|round| round.cpu)),
                    micros(weaved.cpu(|round| round.web_cpu)),
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
                        micros(shaped.cpu(|round| round.cpu)),
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
                        micros(stored.cpu(|round| round.cpu)),
                        micros(stored.cpu(|round| round.database_cpu)),
                    )?;
                }
                Ok(())
            }
        }
    }
}

/// Microseconds.
fn micros(cpu: Option<f64>) -> String {
    cpu.map_or_else(|| "-".to_owned(), |seconds| format!("{:.1}", seconds * 1e6))
}
