//! From rounds to figures.
//!
//! Rates, ratios and percentiles are medians over the turns; a ratio is that of two rounds of one
//! turn, so that it is not always the quotient of its neighbours. CPU time for one request is over
//! all rounds: it is coarse in one, and steadier than any rate where the machine has other work.
//! Of a responder it counts all processes, and so it does of a web server.

use std::io;
use std::time::Duration;

use crate::Pace;
use crate::load::Round;

/// Rounds one after the other: one of each side.
pub(crate) type Turn = Vec<Round>;

/// Whoever takes turns: works for about so long.
pub(crate) type Side<'a> = Box<dyn FnMut(Duration) -> io::Result<Round> + 'a>;

/// The rounds of some sides.
pub(crate) fn turns(sides: &mut [Side<'_>], pace: Pace) -> io::Result<Vec<Turn>> {
    // Caches fill, files grow to their size.
    for side in &mut *sides {
        side(pace.round / 5)?;
    }
    let mut turn = || sides.iter_mut().map(|side| side(pace.round)).collect();
    (0..pace.rounds).map(|_| turn()).collect()
}

/// The figures of one kind.
pub(crate) struct Figures<'a> {
    pub(crate) turns: &'a [Turn],
    /// Its place in each turn.
    pub(crate) kind: usize,
}

impl Figures<'_> {
    fn rounds(&self) -> impl Iterator<Item = &Round> {
        self.turns.iter().filter_map(|turn| turn.get(self.kind))
    }

    /// Requests in a second.
    pub(crate) fn rate(&self) -> f64 {
        median(self.rounds().map(rate).collect())
    }

    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.rounds().zip(other.rounds());
        median(pairs.map(|(own, other)| rate(own) / rate(other)).collect())
    }

    /// The milliseconds that `of` percent of the requests did not exceed.
    pub(crate) fn percentile(&self, of: usize) -> f64 {
        let times = self.rounds().map(|round| percentile(&round.times, of));
        median(times.map(|time| time.as_secs_f64() * 1e3).collect())
    }

    /// Seconds for one request.
    pub(crate) fn cpu(&self, of: impl Fn(&Round) -> Option<Duration>) -> Option<f64> {
        let used: Duration = self.rounds().map(of).sum::<Option<_>>()?;
        let requests: f64 = self.rounds().map(count).sum();
        Some(used.as_secs_f64() / requests)
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

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
