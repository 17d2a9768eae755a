//! From rounds to the lines of the table.
//!
//! Rates, ratio and percentiles are medians over the rounds; the ratio is that of the two rounds
//! that took turns, so that it is not always the quotient of its neighbours. The CPU time of the
//! responder's process for one request is over all rounds: it is coarse in one, and steadier than
//! any rate where the machine has other work.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::load::Round;
use crate::site::Via;

/// Two rounds, one after the other.
pub(crate) struct Pair {
    pub(crate) weaved: Round,
    pub(crate) baseline: Round,
}

pub(crate) fn write_head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:9} {:13} {:>9} {:>10} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "workload",
        "transport",
        "weaved/s",
        "baseline/s",
        "ratio",
        "p50 ms",
        "p99 ms",
        "CPU us",
        "baseline"
    )
}

pub(crate) fn write_row(
    out: &mut dyn Write,
    workload: &str,
    via: Via,
    pairs: &[Pair],
) -> io::Result<()> {
    let over = |figure: &dyn Fn(&Pair) -> f64| median(pairs.iter().map(figure).collect());
    let milliseconds =
        |of: usize| over(&|pair| percentile(&pair.weaved.times, of).as_secs_f64() * 1e3);
    writeln!(
        out,
        "{workload:9} {via:13} {:>9.0} {:>10.0} {:>6.2} {:>8.2} {:>8.2} {:>8} {:>8}",
        over(&|pair| rate(&pair.weaved)),
        over(&|pair| rate(&pair.baseline)),
        over(&|pair| rate(&pair.weaved) / rate(&pair.baseline)),
        milliseconds(50),
        milliseconds(99),
        cpu(pairs.iter().map(|pair| &pair.weaved)),
        cpu(pairs.iter().map(|pair| &pair.baseline)),
    )
}

/// Requests in a second.
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

/// The time that `of` percent of the requests did not exceed.
fn percentile(sorted: &[Duration], of: usize) -> Duration {
    let place = (sorted.len() * of).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds for one request.
fn cpu<'a>(rounds: impl Iterator<Item = &'a Round>) -> String {
    let mut used = Duration::ZERO;
    let mut requests = 0.0;
    for round in rounds {
        let Some(cpu) = round.cpu else {
            return "-".to_owned();
        };
        used += cpu;
        requests += count(round);
    }
    format!("{:.1}", used.as_secs_f64() * 1e6 / requests)
}
