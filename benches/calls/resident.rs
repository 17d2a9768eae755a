//! Goals that are no rates: the memory of one process, and how soon it answers.
//!
//! The process has 25 threads and gets all calls of the table of goals, one after the other. Then
//! it is started anew a few times, and at last it reads a collection of 200,000 records to
//! whoever takes it as fast as it comes.

use std::io;
use std::time::Instant;

use crate::Wanted;
use crate::database::Databases;
use crate::database::Store;
use crate::fastcgi;
use crate::figures::median;
use crate::fill;
use crate::goals::mebibytes;
use crate::load::Load;
use crate::memory;
use crate::paper::Line;
use crate::paper::Paper;
use crate::request::Request;
use crate::responder::Responder;
use crate::site::Kind;
use crate::site::Shape;
use crate::site::Site;
use crate::site::Via;
use crate::web::Web;
use crate::workload;
use crate::workload::Workload;

const SHAPE: Shape = Shape::new(1, 25);

/// More than weaved has threads.
const VIA: Via = Via {
    web: Some(Web::Lighttpd),
    connections: 32,
    accounts: 1,
};

/// How many records the large collection has.
const RECORDS: usize = 200_000;

/// How often weaved is started.
const STARTS: usize = 5;

/// At most so many MiB under the whole set, and while the large collection is read.
const MOST: [f64; 2] = [16.0, 32.0];

/// At most so many milliseconds until the first answer.
const SOONEST: f64 = 50.0;

pub(crate) fn measure(wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    if !wanted.includes("goals memory start lighttpd, 32") {
        return Ok(());
    }
    let kinds = [Kind::Weaved(SHAPE, Store::Sqlite)];
    let mut site = Site::start(Workload::Info, &kinds, &[VIA], &Databases::default())?;
    let mut peak = 0;
    for workload in workload::CALLS.into_iter().chain([Workload::SmallSync]) {
        site.turn_to(workload)?;
        let targets = site.targets(VIA).ok_or(io::ErrorKind::NotFound)?;
        for target in &targets {
            let load = Load {
                site: &site,
                target,
            };
            let (round, most) = memory::peak(target.responder, || load.run(wanted.pace.round));
            round?;
            peak = most.max(peak);
        }
    }
    let [whole_set, large] = MOST;
    paper.goal(row("memory, whole set", mebibytes(peak), whole_set, "MiB"))?;
    let mut responder = site.into_responder().ok_or(io::ErrorKind::NotFound)?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let (again, milliseconds) = start(responder)?;
        times.push(milliseconds);
        responder = again;
    }
    let peak = read_large(responder)?;
    paper.goal(row(
        "memory, 200,000 records",
        mebibytes(peak),
        large,
        "MiB",
    ))?;
    paper.goal(row("start", median(times), SOONEST, "ms"))
}

fn row(name: &str, figure: f64, most: f64, unit: &str) -> Line {
    Line {
        workload: name.to_owned(),
        weaved: format!("{figure:.1} {unit}"),
        goal: format!("≤ {most:.0} {unit}"),
        ..Line::default()
    }
}

/// Starts weaved anew on what it has; the milliseconds until it has answered.
fn start(responder: Responder) -> io::Result<(Responder, f64)> {
    let stopped = responder.stop()?;
    let mut request = Request::get("info/collections").fastcgi();
    let begin = Instant::now();
    let responder = Responder::again(stopped)?;
    fastcgi::body(responder.address, request.numbered(0))?;
    Ok((responder, begin.elapsed().as_secs_f64() * 1e3))
}

/// The most bytes while the large collection is read.
fn read_large(responder: Responder) -> io::Result<u64> {
    let mut seed = workload::single("addons").fastcgi();
    fastcgi::body(responder.address, seed.numbered(workload::SEED))?;
    let stopped = responder.stop()?;
    fill::records(&stopped.file(), &workload::seed_id(), 0..RECORDS)?;
    let responder = Responder::again(stopped)?;
    let mut request = Request::get("storage/addons?full=1")
        .header("Accept", "application/newlines")
        .fastcgi();
    let mut client = fastcgi::Client::new(responder.address);
    let (came, peak) = memory::peak(&responder.process, || client.ask(request.numbered(0)));
    if came? < RECORDS * workload::PAYLOAD {
        return Err(io::Error::other("a large collection did not come whole"));
    }
    Ok(peak)
}
