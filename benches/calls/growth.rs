//! What a request costs as a server grows: by accounts, and by records in one collection.
//!
//! One connection asks weaved directly by FastCGI, one request after the other; the figure is the
//! CPU time of weaved for one request, which does not depend on the disk's mood. Accounts and
//! records are written straight into the file before.

use std::io;
use std::io::Write;
use std::time::Instant;

use crate::Wanted;
use crate::curves;
use crate::fastcgi;
use crate::fill;
use crate::load::since;
use crate::paper::Paper;
use crate::request::Request;
use crate::request::Template;
use crate::responder::Responder;
use crate::site::Account;
use crate::site::Shape;
use crate::workload;

const ACCOUNTS: [usize; 3] = [1, 100, 10_000];

const RECORDS: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

/// How many of the accounts ask.
const ASKING: usize = 20;

/// The calls, and a curve of each.
const CALLS: [&str; 4] = ["info", "get-one", "get-newer", "put-one"];

/// At least so many requests: CPU time is counted in ticks.
const LEAST: u32 = 1_000;

/// The collection that grows.
const GROWING: &str = "history";

/// Ids of new records begin with numbers above those that were filled in.
const NEW: u64 = 50_000_000;

pub(crate) fn measure(wanted: &Wanted, paper: &mut Paper) -> io::Result<()> {
    if wanted.includes("growth accounts") {
        let points = ACCOUNTS.map(|accounts| Ok((accounts, by_accounts(accounts, wanted)?)));
        let points: Vec<Point> = points.into_iter().collect::<io::Result<_>>()?;
        publish("accounts", &points, paper)?;
    }
    if wanted.includes("growth records") {
        publish("records", &by_records(wanted)?, paper)?;
    }
    Ok(())
}

/// How many there were, and the microseconds of each of [`CALLS`].
pub(crate) type Point = (usize, Vec<f64>);

fn publish(what: &str, points: &[Point], paper: &mut Paper) -> io::Result<()> {
    writeln!(
        paper,
        "\ngrowth    {what:>9} {}",
        CALLS.map(|call| format!("{call:>9}")).join(" ")
    )?;
    for (count, times) in points {
        let times: Vec<String> = times.iter().map(|time| format!("{time:9.1}")).collect();
        writeln!(paper, "CPU us    {count:>9} {}", times.join(" "))?;
    }
    let title = format!("CPU time of weaved for a request by {what}, microseconds");
    paper.picture(what, curves::draw(&title, &CALLS, points));
    Ok(())
}

/// A server with so many accounts, each with a few records.
fn by_accounts(accounts: usize, wanted: &Wanted) -> io::Result<Vec<f64>> {
    let responder = small()?;
    let stopped = responder.stop()?;
    if accounts > 1 {
        fill::accounts(&stopped.file(), 1..accounts)?;
    }
    let responder = Responder::again(stopped)?;
    let step = accounts.div_ceil(ASKING);
    let asking: Vec<Account> = (0..accounts).step_by(step).map(Account).collect();
    ask(&responder, &asking, 0, wanted)
}

/// One account whose collection grows.
fn by_records(wanted: &Wanted) -> io::Result<Vec<Point>> {
    let mut responder = small()?;
    let mut had = 0;
    let mut points = Vec::new();
    for records in RECORDS {
        let stopped = responder.stop()?;
        fill::records(&stopped.file(), &workload::seed_id(), had..records)?;
        had = records;
        responder = Responder::again(stopped)?;
        points.push((
            records,
            ask(&responder, &[Account::FIRST], records, wanted)?,
        ));
    }
    Ok(points)
}

/// weaved with one account and a record in each collection.
fn small() -> io::Result<Responder> {
    let responder = Responder::weaved(Shape::USUAL, None, 1)?;
    for collection in workload::OTHERS {
        let mut request = workload::single(collection).fastcgi();
        fastcgi::body(responder.address, request.numbered(0))?;
    }
    let mut seed = workload::single(GROWING).fastcgi();
    fastcgi::body(responder.address, seed.numbered(workload::SEED))?;
    Ok(responder)
}

/// The median microseconds of each of [`CALLS`], of these accounts in turn.
fn ask(
    responder: &Responder,
    accounts: &[Account],
    records: usize,
    wanted: &Wanted,
) -> io::Result<Vec<f64>> {
    let one = if records == 0 {
        (workload::SEED, 1)
    } else {
        (0, records as u64 / workload::BATCH)
    };
    let calls = [
        (Request::get("info/collections"), (0, 1)),
        (workload::one(GROWING), one),
        (workload::newer(GROWING), (0, 1)),
        (workload::single(GROWING), (NEW, NEW)),
    ];
    let mut client = fastcgi::Client::new(responder.address);
    let mut costs = Vec::new();
    for (request, (first, numbers)) in calls {
        let mut templates: Vec<Template> = accounts
            .iter()
            .map(|account| request.clone().by(*account).fastcgi())
            .collect();
        // Passwords are known and caches full after this.
        for template in &mut templates {
            client.ask(template.numbered(first))?;
        }
        let cpu = responder.process.cpu();
        let begin = Instant::now();
        let mut nth: u32 = 0;
        while nth < LEAST || begin.elapsed() < wanted.pace.round {
            for template in &mut templates {
                nth += 1;
                client.ask(template.numbered(first + u64::from(nth) % numbers))?;
            }
        }
        let used = since(cpu, responder.process.cpu()).unwrap_or_default();
        costs.push(used.as_secs_f64() * 1e6 / f64::from(nth));
    }
    Ok(costs)
}
