//! `weaved doctor`: what a browser meets at the public URL, step by step.

use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use super::Configuration;
use super::Failure;
use super::Sections;
use super::failure::CONFIG;
use super::failure::NO;
use super::failure::SYSTEM;
use super::failure::USAGE;
use super::open;
use super::voice::say;
use crate::accounts::Password;
use crate::accounts::UserName;
use crate::accounts::names;
use crate::config;
use crate::config::Config;
use crate::doctor;
use crate::doctor::Finding;
use crate::doctor::Options;
use crate::doctor::Url;
use crate::doctor::Verdict;

/// Where to walk, and with what.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// The URL that people type into their browsers; public_url of the configuration without it.
    #[arg(required_unless_present = "config")]
    url: Option<String>,
    /// The first configuration file: the URL and the limits are taken from it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sections: Sections,
    /// Stores, reads and deletes one record of this account; asks for its password, or takes the
    /// first line of the input.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Trusts the certificates of this PEM file as well.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How long one request may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(arguments: &Doctor) -> Result<(), Failure> {
    let configured = match &arguments.config {
        Some(file) => Some(open::configuration(&Configuration {
            file: file.clone(),
            variables: Vec::new(),
            sections: arguments.sections.clone(),
        })?),
        None => None,
    };
    let options = Options {
        url: url(arguments.url.as_deref(), configured.as_ref())?,
        account: arguments.user.as_deref().map(account).transpose()?,
        certificates: arguments.ca.clone(),
        max_body: configured.as_ref().map(|config| config.global.max_body.0),
        mount: configured.and_then(|config| config.server.mount),
        timeout: Duration::from_secs(arguments.timeout),
        now,
    };
    say(format_args!("looking at {} as a browser does", options.url))?;
    let (mut failed, mut odd, mut said) = (0, 0, Ok(()));
    let examined = doctor::examine(&options, &mut |finding| {
        match finding.verdict {
            Verdict::Fail => failed += 1,
            Verdict::Warn => odd += 1,
            Verdict::Ok | Verdict::Skipped => {}
        }
        if said.is_ok() {
            said = tell(&finding);
        }
    });
    examined.map_err(|bad| Failure::new(USAGE, bad.to_string()))?;
    said?;
    match (failed, odd) {
        (0, 0) => say("all is well"),
        (0, odd) => say(format_args!("browsers can work here; to look at: {odd}")),
        (failed, _) => Err(Failure::new(
            NO,
            format!("browsers will have trouble here; to mend: {failed}"),
        )),
    }
}

/// One line what was seen, and one for each thing to do.
fn tell(finding: &Finding) -> Result<(), Failure> {
    let verdict = match finding.verdict {
        Verdict::Fail => "FAIL",
        Verdict::Ok => "ok",
        Verdict::Skipped => "-",
        Verdict::Warn => "warn",
    };
    say(format_args!(
        "{verdict:<4}  {:<8}  {}",
        finding.step, finding.seen
    ))?;
    for remedy in &finding.remedies {
        say(format_args!("                to do: {remedy}"))?;
    }
    Ok(())
}

/// The URL of the command line, or else the one that the configuration sends clients to.
fn url(given: Option<&str>, config: Option<&Config>) -> Result<Url, Failure> {
    if let Some(given) = given {
        return Url::parse(given).map_err(|bad| Failure::new(USAGE, format!("{given}: {bad}")));
    }
    let node = config.and_then(|config| {
        let node = config.nodes.fallback_node.as_ref();
        node.filter(|node| *node != config::NO_NODE)
            .or(config.global.public_url.as_ref())
    });
    let Some(node) = node else {
        let text = "the configuration has no public_url: set it, or give the URL here";
        return Err(Failure::new(CONFIG, text));
    };
    Url::parse(node).map_err(|bad| Failure::new(CONFIG, format!("{node}: {bad}")))
}

/// The name that a browser makes of what is typed, and its password.
fn account(typed: &str) -> Result<(UserName, Password), Failure> {
    let name =
        names::client_name(typed).map_err(|_| Failure::new(USAGE, "the user name is empty"))?;
    let failed = |error: io::Error| Failure::new(SYSTEM, format!("cannot read: {error}"));
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password("Password: ").map_err(failed)?
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    Ok((name, Password::new(text)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the local clock is what the server's is compared with"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
