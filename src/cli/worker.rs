//! One of a master's workers: serves on descriptor 0, reports on descriptor 1.
//!
//! What it cannot do it tells its master, who tells people.

use std::process;
use std::time::Duration;

use super::Failure;
use super::failure::SYSTEM;
use super::log_file;
use super::logger;
use super::serve;
use super::serve_arguments::Plan;
use crate::causes::chain;
use crate::config::Config;
use crate::server;
use crate::server::Lifeline;
use crate::server::Pulse;
use crate::server::Report;
use crate::server::Role;
use crate::server::Stamina;
use crate::server::Stop;

pub(super) fn run(plan: &Plan) -> Result<(), Failure> {
    let lifeline = Lifeline::take()
        .map_err(|error| Failure::new(SYSTEM, format!("this is no worker: {error}")))?;
    work(plan, &lifeline).map_err(|Failure { code, text }| {
        let report = Report::Failed {
            code,
            text: text.clone(),
        };
        // Said once: by the master, or here if it is not there any more.
        let text = lifeline.report(&report).map_or(text, |()| String::new());
        Failure::new(code, text)
    })
}

fn work(plan: &Plan, lifeline: &Lifeline) -> Result<(), Failure> {
    let (stop, pulse) = (Stop::default(), Pulse::default());
    let _watch = server::watch(&stop, Role::Worker, logger::reopen)
        .map_err(|error| Failure::new(SYSTEM, format!("cannot watch signals: {error}")))?;
    if let Some(path) = &plan.log_file {
        // Where that fails, the lines go where the master's went when it started us.
        let _ = log_file::share_output(path);
    }
    let config = plan.config()?;
    logger::start(&config, None);
    lifeline
        .keep(&stop, &pulse, stamina(&config))
        .map_err(|error| Failure::new(SYSTEM, format!("cannot start a thread: {error}")))?;
    let listener = server::adopt()?;
    let address = listener.local().to_string();
    let server = serve::server(&config, listener)?;
    let ready = || {
        // If the master is gone, the lifeline notices.
        let _ = lifeline.report(&Report::Ready { address });
    };
    server
        .run_watched(&stop, &pulse, ready)
        .map_err(|error| Failure::new(SYSTEM, chain(&error)))
}

/// What this worker endures. Not all of them shall be replaced at the same time.
fn stamina(config: &Config) -> Stamina {
    let most = config.server.max_requests;
    let spread = most / 10;
    // Processes that are started together have different ids.
    let lot = u64::from(process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let requests = most - spread + lot % (2 * spread + 1);
    Stamina {
        hang: config
            .server
            .timeout
            .map(|timeout| timeout.max(Duration::from_secs(1))),
        requests: (most > 0).then_some(requests),
    }
}
