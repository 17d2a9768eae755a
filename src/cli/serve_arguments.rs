//! The arguments of `weaved serve`: the words and options of `paster serve` (spec/config.md, 5).
//!
//! They are only read here; `launch` acts on them.

use std::ffi::OsString;
use std::iter;
use std::path::Path;
use std::path::PathBuf;

use clap::ArgAction;
use log::LevelFilter;

use super::Configuration;
use super::Failure;
use super::failure::USAGE;
use super::open;
use super::read_variable;
use crate::config;
use crate::config::Config;

const USAGE_LINE: &str = "weaved serve [OPTIONS] FILE [start|stop|restart|status] [NAME=VALUE]...";

/// The heading of the options that say how, not what, is served.
const STARTING: &str = "Starting and stopping";

/// What `weaved serve` is told.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = USAGE_LINE)]
pub(super) struct ServeArguments {
    /// The first configuration file, usually `development.ini`.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Values for `%(name)s` in the file.
    #[arg(value_name = "NAME=VALUE")]
    words: Vec<String>,
    #[command(flatten)]
    sections: Sections,
    /// Logs more; twice: still more.
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Logs less; twice: still less.
    #[arg(short, long, action = ArgAction::Count)]
    quiet: u8,
    /// Goes into the background; returns when the server is ready.
    #[arg(long, help_heading = STARTING)]
    daemon: bool,
    /// Where the process number is kept [with --daemon: paster.pid].
    #[arg(long, value_name = "FILE", help_heading = STARTING)]
    pid_file: Option<PathBuf>,
    /// Where outputs are appended [with --daemon: paster.log].
    #[arg(long, value_name = "FILE", help_heading = STARTING)]
    log_file: Option<PathBuf>,
    /// Becomes this user, after root has bound and opened.
    #[arg(long, help_heading = STARTING)]
    user: Option<String>,
    /// Becomes this group instead of the user's own.
    #[arg(long, help_heading = STARTING)]
    group: Option<String>,
    /// As the word stop.
    #[arg(long, help_heading = STARTING)]
    stop_daemon: bool,
    /// As the word status.
    #[arg(long, help_heading = STARTING)]
    status: bool,
    /// For old scripts; workers that end are always replaced.
    #[arg(long, hide = true)]
    monitor_restart: bool,
    /// For old scripts; HUP lets the configuration be read again.
    #[arg(long, hide = true)]
    reload: bool,
    /// For old scripts; see --reload.
    #[arg(long, value_name = "SECONDS", hide = true)]
    reload_interval: Option<u32>,
    /// The original's way to choose a server, refused with a hint.
    #[arg(short = 's', long = "server", value_name = "TYPE", hide = true)]
    server_type: Option<String>,
    /// This is the process in the background, and its output leads to the command that waits.
    #[arg(long, hide = true)]
    pub(super) background: bool,
    /// This is a worker, and its output leads to its master.
    #[arg(long, hide = true)]
    pub(super) worker: bool,
}

/// Which sections of the file count.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Sections {
    /// Which application's section counts.
    #[arg(
        help = "Reads [app:NAME]",
        short = 'n',
        long,
        value_name = "NAME",
        default_value = "main",
        hide_default_value = true
    )]
    pub(super) app_name: String,
    /// Which server's section counts.
    #[arg(
        help = "Reads [server:NAME]",
        long,
        value_name = "NAME",
        default_value = "main",
        hide_default_value = true
    )]
    pub(super) server_name: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Serve in this process.
    Serve,
    /// Serve in the background.
    Start,
    /// Start, and stop what runs before.
    Restart,
    /// Say whether a server runs in the background.
    Status,
    /// End the server in the background.
    Stop,
}

impl Action {
    fn read(word: &str) -> Option<Self> {
        match word {
            "start" => Some(Self::Start),
            "restart" => Some(Self::Restart),
            "status" => Some(Self::Status),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
}

/// Arguments that make sense together.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) action: Action,
    /// Absent only where none is needed.
    pub(super) configuration: Option<Configuration>,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) log_file: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    /// How many steps more is logged than the configuration says.
    pub(super) verbosity: i16,
    /// What was asked for and has no effect.
    pub(super) notices: Vec<&'static str>,
}

/// The original's name for the PID file, in the current directory.
pub(super) const PID_FILE: &str = "paster.pid";

/// The original's name for the log file, in the current directory.
const LOG_FILE: &str = "paster.log";

impl ServeArguments {
    /// What follows from all of them.
    pub(super) fn plan(&self) -> Result<Plan, Failure> {
        if self.server_type.is_some() {
            let text = "--server: choose the protocol in [server:main]: use = fcgi, scgi or http; \
                        or with --server-name another [server:NAME]";
            return Err(Failure::new(USAGE, text));
        }
        // A file that is called so can be named as ./stop.
        let alone = self.file.as_deref().and_then(Path::to_str);
        let alone = alone.and_then(Action::read);
        let file = self.file.as_deref().filter(|_| alone.is_none());
        let (word, words) = match (alone, self.words.split_first()) {
            (None, Some((first, rest))) if Action::read(first).is_some() => {
                (Action::read(first), rest)
            }
            _ => (alone, &*self.words),
        };
        let flags = [
            (self.stop_daemon, Action::Stop),
            (self.status, Action::Status),
        ];
        let flags = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, action)| *action);
        let mut action = None;
        for wanted in word.into_iter().chain(flags) {
            if action.is_some_and(|before| before != wanted) {
                return Err(Failure::new(
                    USAGE,
                    "one of start, stop, restart and status at a time",
                ));
            }
            action = Some(wanted);
        }
        let action = match action {
            _ if self.background || self.worker => Action::Serve,
            Some(action) => action,
            None if self.daemon => Action::Start,
            None => Action::Serve,
        };
        let variables = words.iter().map(|word| {
            read_variable(word).map_err(|_| {
                let text = format!("{word}: expected start, stop, restart, status or NAME=VALUE");
                Failure::new(USAGE, text)
            })
        });
        let variables: Vec<_> = variables.collect::<Result<_, _>>()?;
        let file = file.map(Path::to_owned).or_else(config::named_file);
        let configuration = file.map(|file| Configuration {
            file,
            variables,
            sections: self.sections.clone(),
        });
        if configuration.is_none() && !matches!(action, Action::Status | Action::Stop) {
            return Err(no_file());
        }
        let usual = |name: &str| {
            let needed = self.background || action != Action::Serve;
            needed.then(|| PathBuf::from(name))
        };
        let mut notices = Vec::new();
        if self.reload {
            notices.push("--reload has no effect: send HUP to let the configuration be read again");
        }
        Ok(Plan {
            action,
            configuration,
            pid_file: self.pid_file.clone().or_else(|| usual(PID_FILE)),
            log_file: self.log_file.clone().or_else(|| usual(LOG_FILE)),
            user: self.user.clone(),
            group: self.group.clone(),
            verbosity: i16::from(self.verbose) - i16::from(self.quiet),
            notices,
        })
    }
}

/// What is said where a file is needed and none was named.
fn no_file() -> Failure {
    let text = format!("which configuration FILE?\n\nUsage: {USAGE_LINE}");
    Failure::new(USAGE, text)
}

impl Plan {
    /// The arguments of a worker that reads the same configuration and logs to the same place.
    pub(super) fn worker(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["serve".into(), "--worker".into()];
        if let Some(log_file) = &self.log_file {
            words.extend(["--log-file".into(), log_file.into()]);
        }
        let more = usize::from(self.verbosity.unsigned_abs());
        let step = if self.verbosity < 0 { "-q" } else { "-v" };
        words.extend(iter::repeat_n(OsString::from(step), more));
        if let Some(configuration) = &self.configuration {
            let Sections {
                app_name,
                server_name,
            } = &configuration.sections;
            words.extend(["--app-name".into(), app_name.into()]);
            words.extend(["--server-name".into(), server_name.into()]);
            // What follows is no option, whatever it is called.
            words.extend(["--".into(), configuration.file.clone().into()]);
            let variables = configuration.variables.iter();
            words.extend(variables.map(|(name, value)| format!("{name}={value}").into()));
        }
        words
    }

    /// Reads the configuration, and lets it log as much as was asked for.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let configuration = self.configuration.as_ref().ok_or_else(no_file)?;
        let mut config = open::configuration(configuration)?;
        config.logging.level = self.level(config.logging.level);
        Ok(config)
    }

    /// The level of the log, so many steps from the configured one. Errors are always logged.
    fn level(&self, configured: LevelFilter) -> LevelFilter {
        let levels = [
            LevelFilter::Error,
            LevelFilter::Warn,
            LevelFilter::Info,
            LevelFilter::Debug,
            LevelFilter::Trace,
        ];
        let steps = isize::from(self.verbosity);
        if steps == 0 {
            return configured;
        }
        let from = levels
            .iter()
            .position(|level| *level == configured)
            .unwrap_or(0);
        let to = from.saturating_add_signed(steps);
        levels.get(to).copied().unwrap_or(LevelFilter::Trace)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArguments,
    }

    fn plan(line: &str) -> Result<Plan, Failure> {
        let words = iter::once("weaved").chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap().serve.plan()
    }

    #[track_caller]
    fn check(line: &str, action: Action, file: &str, variables: &[&str]) {
        let plan = plan(line).unwrap();
        let configuration = plan.configuration.as_ref();
        let found = configuration.map_or("", |found| found.file.to_str().unwrap());
        let pairs = configuration.map(|found| found.variables.clone());
        let pairs = pairs.unwrap_or_default().into_iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!((plan.action, found), (action, file), "{line}");
        assert_eq!(pairs, variables, "{line}");
    }

    #[test]
    fn words_are_a_file_an_action_and_variables() {
        check("x.ini", Action::Serve, "x.ini", &[]);
        check("x.ini a=1 b=2", Action::Serve, "x.ini", &["a=1", "b=2"]);
        check("--daemon x.ini a=1", Action::Start, "x.ini", &["a=1"]);
        check("x.ini start a=1", Action::Start, "x.ini", &["a=1"]);
        check("x.ini restart --daemon", Action::Restart, "x.ini", &[]);
        check("x.ini --stop-daemon", Action::Stop, "x.ini", &[]);
        check("--status", Action::Status, "", &[]);
        check("stop", Action::Stop, "", &[]);
        check("./stop", Action::Serve, "./stop", &[]);
        check("x.ini stop --stop-daemon", Action::Stop, "x.ini", &[]);
        check("x.ini --background restart", Action::Serve, "x.ini", &[]);
    }

    #[track_caller]
    fn refused(line: &str, text: &str) {
        let failure = plan(line).unwrap_err();
        assert_eq!((failure.code, &*failure.text), (USAGE, text), "{line}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let missing = format!("which configuration FILE?\n\nUsage: {USAGE_LINE}");
        refused("", &missing);
        refused("start", &missing);
        refused("--daemon", &missing);
        let word = |word| format!("{word}: expected start, stop, restart, status or NAME=VALUE");
        refused("x.ini nonsense", &word("nonsense"));
        refused("x.ini a=1 stop", &word("stop"));
        let one = "one of start, stop, restart and status at a time";
        refused("x.ini start --status", one);
        refused("x.ini --stop-daemon --status", one);
        refused(
            "x.ini -s wsgiutils",
            "--server: choose the protocol in [server:main]: use = fcgi, scgi or http; or with \
             --server-name another [server:NAME]",
        );
    }

    #[test]
    fn files_have_the_original_s_names_in_the_background() {
        let files = |line| {
            let plan = plan(line).unwrap();
            [plan.pid_file, plan.log_file].map(|file| file.map(|file| file.display().to_string()))
        };
        let usual = [Some("paster.pid".to_owned()), Some("paster.log".to_owned())];
        assert_eq!(files("x.ini"), [None, None]);
        assert_eq!(files("x.ini --daemon"), usual);
        assert_eq!(files("x.ini --background"), usual);
        assert_eq!(files("status"), usual);
        assert_eq!(files("x.ini --pid-file p"), [Some("p".to_owned()), None]);
    }

    #[test]
    fn the_log_says_more_or_less_than_configured() {
        let level = |line, from| plan(line).unwrap().level(from);
        assert_eq!(level("x.ini", LevelFilter::Info), LevelFilter::Info);
        assert_eq!(level("x.ini -v", LevelFilter::Info), LevelFilter::Debug);
        assert_eq!(level("x.ini -vvvv", LevelFilter::Warn), LevelFilter::Trace);
        assert_eq!(level("x.ini -q", LevelFilter::Info), LevelFilter::Warn);
        assert_eq!(level("x.ini -qqqq", LevelFilter::Info), LevelFilter::Error);
    }
}
