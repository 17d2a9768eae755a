//! The first sync of a new account: one connection, one request after the other
//! (spec/clients.md, 1.6 and 5.2).
//!
//! A device looks, wipes, writes `meta` and `crypto`, and then empties and fills six collections:
//! 86 requests that send 7,203 records. The time is held against that of the driver alone with
//! the same records, and hello's with the same requests. The hash of the password is not in it:
//! each account asks once before its time begins.

use std::io;
use std::time::Duration;
use std::time::Instant;

use crate::Wanted;
use crate::database::Databases;
use crate::figures;
use crate::figures::Figures;
use crate::figures::Side;
use crate::figures::Turn;
use crate::figures::median;
use crate::goals;
use crate::load::Load;
use crate::load::Round;
use crate::paper::Line;
use crate::paper::Paper;
use crate::raw::Raw;
use crate::request::Request;
use crate::site::Site;
use crate::site::Via;
use crate::web::Web;
use crate::workload;
use crate::workload::Workload;

/// The collections in the order in which they are sent, and how many requests each takes.
const COLLECTIONS: [(&str, usize); 6] = [
    ("clients", 1),
    ("prefs", 1),
    ("passwords", 2),
    ("tabs", 1),
    ("bookmarks", 20),
    ("history", 50),
];

/// How often each side does it in a round, if there is time.
const LAPS: usize = 8;

/// How long it may take at most, in comparison.
const MOST: f64 = 1.15;

/// The records that [`Raw`] inserts: those that were posted.
const POSTED: &str = "collection NOT IN \
                      (SELECT collectionid FROM collections WHERE name IN ('meta', 'crypto'))";

/// The whole sequence.
pub(crate) fn requests() -> Vec<Request> {
    let mut requests = vec![
        Request::get("info/collections"),
        Request::get("storage/meta/global"),
        Request::delete("storage").header("X-Confirm-Delete", "1"),
        workload::single("meta"),
        workload::single("crypto"),
    ];
    for (collection, batches) in COLLECTIONS {
        requests.push(Request::delete(&format!("storage/{collection}")));
        let post = match collection {
            "clients" | "prefs" | "tabs" => workload::batch(collection, 1),
            _ => workload::batch(collection, workload::BATCH),
        };
        requests.extend(vec![post; batches]);
    }
    requests
}

pub(crate) fn measure(wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    let via = Via {
        web: Some(Web::Lighttpd),
        connections: 1,
        // Each lap needs one, and so does the look at the lengths of answers.
        accounts: (wanted.pace.rounds + 1) * LAPS + 1,
    };
    if !wanted.includes("goals first-sync lighttpd, 1") {
        return Ok(());
    }
    let site = Site::start(
        Workload::FirstSync,
        &goals::KINDS,
        &[via],
        &Databases::default(),
    )?;
    let targets = site.targets(via).ok_or(io::ErrorKind::NotFound)?;
    let file = site.file().ok_or(io::ErrorKind::NotFound)?;
    let mut raw = Raw::new(&file, POSTED)?;
    let mut sides: Vec<Side<'_>> = Vec::new();
    for target in &targets {
        let load = Load {
            site: &site,
            target,
        };
        let mut laps = 0;
        sides.push(Box::new(move |duration| {
            some(duration, || {
                laps += 1;
                load.lap(laps)
            })
        }));
    }
    sides.push(Box::new(|duration| some(duration, || raw.once())));
    let turns = figures::turns(&mut sides, wanted.pace)?;
    drop(sides);
    paper.goal(line(&turns))
}

/// A round of some laps, which took as long as their median.
fn some(duration: Duration, mut lap: impl FnMut() -> io::Result<Round>) -> io::Result<Round> {
    let begin = Instant::now();
    let mut laps = vec![lap()?];
    while laps.len() < LAPS && begin.elapsed() < duration {
        laps.push(lap()?);
    }
    let mut elapsed: Vec<Duration> = laps.iter().map(|lap| lap.elapsed).collect();
    elapsed.sort_unstable();
    let elapsed = elapsed.get(elapsed.len() / 2).copied().unwrap_or_default();
    let cpu = laps.iter().map(|lap| lap.cpu).sum();
    let load_cpu = laps.iter().map(|lap| lap.load_cpu).sum();
    let times = laps.into_iter().flat_map(|lap| lap.times).collect();
    Ok(Round {
        cpu,
        load_cpu,
        ..Round::of(times, elapsed)
    })
}

fn line(turns: &[Turn]) -> Line {
    let seconds = |of: &dyn Fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let allowed = |turn: &Turn| elapsed(turn, 2) + elapsed(turn, 3);
    let figures = |kind| Figures { turns, kind };
    Line {
        workload: "first-sync".to_owned(),
        connections: "1".to_owned(),
        weaved: format!("{:.3} s", seconds(&|turn| elapsed(turn, 0))),
        baseline: format!("{:.3} s (raw + hello)", seconds(&allowed)),
        ratio: format!("{:.2}", seconds(&|turn| elapsed(turn, 0) / allowed(turn))),
        goal: format!("≤ {MOST:.2}"),
        nothing: format!("{:.3} s", seconds(&|turn| elapsed(turn, 1))),
        ..Line::of(&figures(0), &figures(2))
    }
}

fn elapsed(turn: &Turn, kind: usize) -> f64 {
    turn.get(kind)
        .map_or(Duration::ZERO, |round: &Round| round.elapsed)
        .as_secs_f64()
}
