//! What the figures were measured on and with, as far as the system tells it.

use std::fs;
use std::io;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How often the disk is tried.
const TRIES: usize = 50;

/// One line: processor, cores, system, and how long the disk takes for a small write.
pub(crate) fn line() -> io::Result<String> {
    let cores = thread::available_parallelism()?;
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(format!(
        "{}, {cores} cores, {} {}, a small durable write in {}: {:.2} ms",
        processor.as_deref().unwrap_or(std::env::consts::ARCH),
        std::env::consts::OS,
        system.trim(),
        std::env::temp_dir().display(),
        durable_write()?.as_secs_f64() * 1e3,
    ))
}

/// One line: the versions of what takes part.
pub(crate) fn versions() -> String {
    let said = |program: &str, arguments: &str| -> Option<String> {
        let output = Command::new(program)
            .args(arguments.split(' '))
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.lines().next()?.trim().to_owned())
    };
    let lighttpd = said("lighttpd", "-v").or_else(|| said("/usr/sbin/lighttpd", "-v"));
    let lighttpd = lighttpd.unwrap_or_else(|| "no lighttpd".to_owned());
    let compiler = said("cc", "--version").unwrap_or_else(|| "no C compiler".to_owned());
    let library = said("pkg-config", "--modversion fcgi").unwrap_or_default();
    format!(
        "weaved {}, SQLite {}, {}, hello on libfcgi {library} by {compiler} -O2",
        env!("CARGO_PKG_VERSION"),
        rusqlite::version(),
        lighttpd.split(" (").next().unwrap_or_default(),
    )
}

/// The median time of a write of 4 KiB that is on the disk.
fn durable_write() -> io::Result<Duration> {
    let mut file = tempfile::tempfile()?;
    let mut times = Vec::new();
    for _ in 0..TRIES {
        let begin = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(TRIES / 2).copied().unwrap_or_default())
}
