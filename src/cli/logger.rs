//! Where log lines go: the error output, files, or the system's log, as configured.

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;

use log::Level;
use log::LevelFilter;
use log::Log;
use log::Record;
use rustix::fs::Access;
use rustix::fs::FlockOperation;
use rustix::fs::flock;

use super::log_file;
use super::voice::complain;
use crate::config::Cef;
use crate::config::CefTarget;
use crate::config::Config;
use crate::config::LogOutput;
use crate::config::LogPiece;
use crate::config::LogTarget;
use crate::config::Logging;
use crate::server::Identity;
use crate::web;

/// Starts logging as configured, or goes on with other outputs; a file that cannot be written is
/// replaced by the error output.
///
/// Files that are made now belong to `owner`.
pub(super) fn start(config: &Config, owner: Option<&Identity>) {
    let open = |output| Output::open(output, owner);
    let mut outputs: Vec<_> = config.logging.outputs.iter().map(open).collect();
    outputs.extend(cef_output(&config.cef).map(|output| {
        let mut output = Output::open(&output, owner);
        output.severity = Some(config.cef.priority.0);
        output
    }));
    install(outputs, config.logging.level);
}

/// Where lines for machines that watch over many servers go, and how the original wrote them: in
/// a file with the time and the host before them, as the system's log adds them by itself.
pub(super) fn cef_output(cef: &Cef) -> Option<LogOutput> {
    let (target, format) = match cef.target.as_ref()? {
        CefTarget::Syslog => (LogTarget::Syslog(cef.facility), vec![LogPiece::Message]),
        CefTarget::File(path) => {
            let target = LogTarget::File {
                path: path.clone(),
                max_bytes: 0,
                backups: 0,
            };
            let host = rustix::system::uname();
            let host = host.nodename().to_string_lossy();
            let format = vec![
                LogPiece::OldTime,
                LogPiece::Text(format!(" {host} ")),
                LogPiece::Message,
            ];
            (target, format)
        }
    };
    Some(LogOutput {
        target,
        level: LevelFilter::Error,
        format,
    })
}

/// Opens all log files anew; where that fails, the old file takes the lines.
pub(super) fn reopen() {
    log_file::follow();
    let outputs = OUTPUTS.read().unwrap_or_else(PoisonError::into_inner);
    for output in outputs.iter() {
        if let Sink::File(file) = &output.sink {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.open_again() {
                let path = file.path.display();
                complain(format_args!("cannot open {path} anew: {error}"));
            }
        }
    }
}

/// Why the place would not take lines from this user, if that is so; makes no file.
pub(super) fn trouble(output: &LogOutput) -> Option<io::Error> {
    let LogTarget::File { path, .. } = &output.target else {
        return Sink::open(&output.target, None).err();
    };
    let tried = match fs::OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(Into::into)
        }
        tried => tried.map(|_| ()),
    };
    tried.err()
}

/// Whether what is logged is seen on the error output anyway.
pub(super) fn is_seen(logging: &Logging) -> bool {
    let is_stderr = |output: &LogOutput| output.target == LogTarget::Stderr;
    logging.outputs.iter().any(is_stderr)
}

/// Starts logging for a command that a person runs: warnings and errors, on the error output.
pub(super) fn start_quiet() {
    let output = LogOutput {
        target: LogTarget::Stderr,
        level: LevelFilter::Warn,
        format: vec![LogPiece::Text("weaved: ".to_owned()), LogPiece::Message],
    };
    install(vec![Output::open(&output, None)], LevelFilter::Warn);
}

fn install(outputs: Vec<Output>, level: LevelFilter) {
    *OUTPUTS.write().unwrap_or_else(PoisonError::into_inner) = outputs;
    // At a second start it is there already.
    let _ = log::set_logger(&Logger);
    log::set_max_level(level);
}

/// Where the system's log listens.
const SYSLOG: &str = "/dev/log";

/// Where the lines of this process go.
static OUTPUTS: RwLock<Vec<Output>> = RwLock::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let outputs = OUTPUTS.read().unwrap_or_else(PoisonError::into_inner);
        outputs
            .iter()
            .any(|output| metadata.level() <= output.level)
    }

    fn log(&self, record: &Record<'_>) {
        let outputs = OUTPUTS.read().unwrap_or_else(PoisonError::into_inner);
        for output in outputs.iter().filter(|output| output.takes(record)) {
            output.write(record);
        }
    }

    fn flush(&self) {}
}

struct Output {
    level: LevelFilter,
    /// Takes lines of [`web::CEF`] alone, under this severity of syslog's.
    severity: Option<u8>,
    format: Vec<LogPiece>,
    sink: Sink,
}

enum Sink {
    File(Mutex<Rotating>),
    Stderr,
    Stdout,
    /// The socket, and the facility's number.
    Syslog(UnixDatagram, u8),
}

impl Output {
    fn open(output: &LogOutput, owner: Option<&Identity>) -> Self {
        let sink = Sink::open(&output.target, owner).unwrap_or_else(|error| {
            complain(format_args!(
                "cannot log to {}: {error}; using the error output",
                name(output)
            ));
            Sink::Stderr
        });
        Self {
            level: output.level,
            severity: None,
            format: output.format.clone(),
            sink,
        }
    }

    fn takes(&self, record: &Record<'_>) -> bool {
        let is_cef = record.target() == web::CEF;
        record.level() <= self.level && is_cef == self.severity.is_some()
    }

    fn write(&self, record: &Record<'_>) {
        let line = self.line(record);
        // There is nobody left to tell when a log cannot be written.
        let _ = match &self.sink {
            Sink::File(file) => file
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write(&line),
            Sink::Stderr => {
                log_file::follow();
                io::stderr().lock().write_all(line.as_bytes())
            }
            Sink::Stdout => {
                log_file::follow();
                io::stdout().lock().write_all(line.as_bytes())
            }
            Sink::Syslog(socket, facility) => {
                let severity = self.severity.unwrap_or_else(|| severity(record.level()));
                let priority = facility * 8 + severity;
                let process = std::process::id();
                let message = one_line(&record.args().to_string());
                let text = format!("<{priority}>weaved[{process}]: {message}");
                let send = || socket.send(text.as_bytes()).map(|_| ());
                // The system's log may have been started again since.
                send().or_else(|_| socket.connect(SYSLOG).and_then(|()| send()))
            }
        };
    }

    /// The line as configured; always exactly one.
    fn line(&self, record: &Record<'_>) -> String {
        let now = jiff::ZonedDateTime::now();
        let mut line = String::new();
        for piece in &self.format {
            // A string takes everything.
            let _ = match piece {
                LogPiece::Level => write!(line, "{}", record.level()),
                LogPiece::Message => write!(line, "{}", record.args()),
                LogPiece::Milliseconds => write!(line, "{:03}", now.millisecond()),
                LogPiece::OldTime => write!(line, "{}", now.strftime("%b %d %H:%M:%S")),
                LogPiece::Name => write!(line, "{}", record.target()),
                LogPiece::Process => write!(line, "{}", std::process::id()),
                LogPiece::Text(text) => write!(line, "{text}"),
                LogPiece::Time => write!(line, "{}", now.strftime("%Y-%m-%d %H:%M:%S")),
            };
        }
        let mut line = one_line(&line);
        line.push('\n');
        line
    }
}

/// A text without line ends, and without what a terminal would take for a command.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\t', " ")
}

/// What people call the place.
pub(super) fn name(output: &LogOutput) -> String {
    match &output.target {
        LogTarget::File { path, .. } => path.display().to_string(),
        LogTarget::Stderr => "the error output".to_owned(),
        LogTarget::Stdout => "the output".to_owned(),
        LogTarget::Syslog(_) => "the system's log".to_owned(),
    }
}

/// The severity of syslog (RFC 5424, 6.2.1).
const fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

impl Sink {
    fn open(target: &LogTarget, owner: Option<&Identity>) -> io::Result<Self> {
        match target {
            LogTarget::File {
                path,
                max_bytes,
                backups,
            } => {
                let file = log_file::open(path, owner)?;
                let found = file.metadata()?;
                let rotating = Rotating {
                    path: path.clone(),
                    file,
                    id: log_file::id(&found),
                    max_bytes: *max_bytes,
                    backups: *backups,
                    stuck: false,
                };
                Ok(Self::File(Mutex::new(rotating)))
            }
            LogTarget::Stderr => Ok(Self::Stderr),
            LogTarget::Stdout => Ok(Self::Stdout),
            LogTarget::Syslog(facility) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(SYSLOG)?;
                Ok(Self::Syslog(socket, facility.0))
            }
        }
    }
}

/// A file that is put aside when it has grown, as Python's RotatingFileHandler does, and opened
/// anew when somebody else has put it aside, as WatchedFileHandler does: logrotate needs no signal.
struct Rotating {
    path: PathBuf,
    file: File,
    id: log_file::Id,
    /// 0: never.
    max_bytes: u64,
    backups: u32,
    /// Whether the file could not be put aside.
    stuck: bool,
}

impl Rotating {
    fn write(&mut self, line: &str) -> io::Result<()> {
        let size = match fs::metadata(&self.path) {
            Ok(found) if log_file::id(&found) == self.id => found.len(),
            _ => {
                // Where that fails, the file that was put aside takes the lines.
                let _ = self.open_again();
                self.file.metadata().map_or(0, |found| found.len())
            }
        };
        let is_full = size + line.len() as u64 > self.max_bytes;
        if self.max_bytes > 0 && self.backups > 0 && is_full && !self.stuck {
            // A file that grows too large is better than lines that are lost. Not tried again at
            // each line.
            self.stuck = self.rotate().is_err();
        }
        self.file.write_all(line.as_bytes())
    }

    fn open_again(&mut self) -> io::Result<()> {
        let file = log_file::open(&self.path, None)?;
        let found = file.metadata()?;
        (self.file, self.id, self.stuck) = (file, log_file::id(&found), false);
        Ok(())
    }

    /// `weaved.log` becomes `weaved.log.1`, that becomes `weaved.log.2`, and so on.
    fn rotate(&mut self) -> io::Result<()> {
        // Several processes write to one file: one of them puts it aside, the others follow.
        flock(&self.file, FlockOperation::LockExclusive)?;
        let rotated = self.put_aside();
        // Where that failed the file stays open; a lock on it would stop the others for ever.
        // Where it went well, the locked file has been closed.
        if rotated.is_err() {
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
        rotated
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let found = fs::metadata(&self.path)?;
        if log_file::id(&found) != self.id {
            return self.open_again();
        }
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            if number > 0 {
                name.push(format!(".{number}"));
            }
            PathBuf::from(name)
        };
        for number in (0..self.backups).rev() {
            match fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.open_again()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, max_bytes: u64) -> Mutex<Rotating> {
        let path = folder.join("log");
        let target = LogTarget::File {
            path,
            max_bytes,
            backups: 2,
        };
        let Sink::File(file) = Sink::open(&target, None).unwrap() else {
            unreachable!()
        };
        file
    }

    #[test]
    fn a_line_is_one_line_and_commands_no_terminal() {
        assert_eq!(one_line("a\r\nb\u{1b}[31mc\u{9b}d\te"), "a  b [31mc d\te");
    }

    #[test]
    fn a_file_that_others_put_aside_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path(), 0);
        let write = |line: &str| file.lock().unwrap().write(line).unwrap();
        write("one\n");
        fs::rename(folder.path().join("log"), folder.path().join("old")).unwrap();
        write("two\n");
        fs::remove_file(folder.path().join("log")).unwrap();
        write("three\n");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("old"), read("log")),
            ("one\n".into(), "three\n".into())
        );
    }

    #[test]
    fn no_line_is_lost_when_a_file_cannot_be_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path(), 10);
        fs::create_dir_all(folder.path().join("log.1/not empty")).unwrap();
        fs::create_dir_all(folder.path().join("log.2/not empty")).unwrap();
        for line in ["first 1\n", "second\n", "third 3\n"] {
            file.lock().unwrap().write(line).unwrap();
        }
        let text = fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(text, "first 1\nsecond\nthird 3\n");
    }

    #[test]
    fn who_cannot_put_a_file_aside_does_not_hold_up_the_other_processes() {
        let folder = tempfile::tempdir().unwrap();
        // Each process has opened the file for itself.
        let (ours, theirs) = (open(folder.path(), 10), open(folder.path(), 10));
        fs::create_dir_all(folder.path().join("log.1/not empty")).unwrap();
        fs::create_dir_all(folder.path().join("log.2/not empty")).unwrap();
        for line in ["first 1\n", "second\n"] {
            ours.lock().unwrap().write(line).unwrap();
        }
        let theirs = theirs.lock().unwrap();
        let free = flock(&theirs.file, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(free, Ok(()));
    }

    #[test]
    fn a_file_that_has_grown_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path(), 10);
        for line in ["first 1\n", "second\n", "third 3\n", "fourth\n"] {
            file.lock().unwrap().write(line).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
        assert_eq!(read("log").as_deref(), Some("fourth\n"));
        assert_eq!(read("log.1").as_deref(), Some("third 3\n"));
        assert_eq!(read("log.2").as_deref(), Some("second\n"));
        assert_eq!(read("log.3"), None);
    }
}
