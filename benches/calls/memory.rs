//! How much memory a server takes at most, sampled while others ask it.
//!
//! PSS: its own pages, and its share of those that it has in common with others. Of several
//! processes the sum.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::process;
use crate::process::Process;

/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Does the work, and tells the most bytes that the server had meanwhile.
pub(crate) fn peak<T>(server: &Process, work: impl FnOnce() -> T) -> (T, u64) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let members = process::members(server.id()).unwrap_or_default();
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(members.iter().filter_map(|id| pss(*id)).sum());
                thread::sleep(PAUSE);
            }
            most
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        (done, watch.join().unwrap_or_default())
    })
}

/// Bytes.
fn pss(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
