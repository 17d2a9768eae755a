//! The process that binds, starts workers and replaces them; what `server::Master` must know of
//! this program.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::Failure;
use super::failure::SYSTEM;
use super::launch::Launch;
use super::logger;
use super::open;
use super::serve;
use crate::config;
use crate::config::Config;
use crate::server::Inbox;
use crate::server::Listener;
use crate::server::Master;
use crate::server::Plan;
use crate::server::Trade;

/// What a worker may need beyond the time for its requests: a tick for each thread, and its end.
const FAREWELL: Duration = Duration::from_secs(2);

/// A worker says each second that it is well; so long a silence means more than a busy machine.
const SILENCE: Duration = Duration::from_secs(30);

/// How a master was started, and what it goes by.
pub(super) struct Start<'a> {
    pub(super) launch: &'a mut Launch,
    pub(super) config: Config,
    pub(super) inbox: Inbox,
    pub(super) listener: Listener,
    /// Whether somebody else has bound the socket.
    pub(super) given: bool,
    /// The time that whoever has started us leaves us for a stop, if he is impatient.
    pub(super) hurry: Option<Duration>,
}

/// Runs until a signal asks for the end.
pub(super) fn run(start: Start<'_>) -> Result<(), Failure> {
    let Start {
        launch,
        config,
        inbox,
        listener,
        given,
        hurry,
    } = start;
    let executable = env::current_exe()
        .map_err(|error| Failure::new(SYSTEM, format!("cannot find this program: {error}")))?;
    let plan = plan(&config, hurry);
    let mut sync = Sync {
        launch,
        bound: (!given).then_some((config.server.address, config.server.backlog)),
        executable,
        hurry,
    };
    let master = Master {
        listener,
        inbox,
        plan,
        trade: &mut sync,
    };
    master.run()?;
    log::info!("stopped");
    Ok(())
}

fn plan(config: &Config, hurry: Option<Duration>) -> Plan {
    let timeout = config.server.timeout.unwrap_or(SILENCE);
    Plan {
        workers: config.server.processes,
        silence: timeout.clamp(Duration::from_secs(3), SILENCE),
        leave: hurry.unwrap_or(config.global.drain + FAREWELL),
    }
}

/// The master's trade: Sync, of which it knows the arguments and the configuration.
struct Sync<'a> {
    launch: &'a mut Launch,
    /// Where we have bound the socket, and its backlog; absent: somebody else has.
    bound: Option<(config::Address, i32)>,
    executable: PathBuf,
    /// The time for a stop, whatever the configuration says.
    hurry: Option<Duration>,
}

/// How a worker's heap behaves where the C library is glibc, unless somebody has said so: it would
/// give each thread a heap of its own and keep what each once needed. Working memory of password
/// hashes goes back to the system; nothing else is so large.
const HEAP: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "4194304"),
];

impl Trade for Sync<'_> {
    fn worker(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(self.launch.worker());
        for (variable, value) in HEAP {
            if env::var_os(variable).is_none() {
                command.env(variable, value);
            }
        }
        command
    }

    fn ready(&mut self, address: &str) {
        log::info!("serving on {address}");
        self.launch.ready(address);
    }

    fn reload(&mut self) -> Result<Plan, String> {
        let config = self.launch.config().map_err(|failure| failure.text)?;
        serve::gateway_options(&config).map_err(|failure| failure.text)?;
        let differs =
            |bound: &(_, _)| (&bound.0, bound.1) != (&config.server.address, config.server.backlog);
        if self.bound.as_ref().is_some_and(differs) {
            log::warn!(
                "the address or the backlog has changed: that needs a new start; serving where \
                 it was until then"
            );
        }
        logger::start(&config, None);
        open::log_notes(&config);
        Ok(plan(&config, self.hurry))
    }

    fn reopen(&mut self) {
        logger::reopen();
    }
}
