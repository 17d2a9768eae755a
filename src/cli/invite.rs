//! `weaved invite`: codes that make an account where the registration is closed.
//!
//! A code is shown once, when it is made; the database knows it by its seal alone.

use jiff::Timestamp as Instant;
use jiff::ZonedDateTime;
use jiff::civil::Date;
use serde::Serialize;

use super::Configuration;
use super::Failure;
use super::failure::NO;
use super::failure::USAGE;
use super::logger;
use super::open;
use super::overview::say_json;
use super::voice::say;
use crate::guard::Guard;
use crate::sync::Timestamp;

/// More than a household or a club needs: a slip of the finger must not open the door.
const MAX_USES: i64 = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct Invite {
    #[command(flatten)]
    configuration: Configuration,
    /// How many accounts the code is good for.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=MAX_USES))]
    uses: u32,
    /// When it ends: a time from now (30m, 12h, 14d, 8w), or the last day (2030-12-24).
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = read_end)]
    until: Timestamp,
    /// Shows the invitations that have not ended, by the beginnings of their codes.
    #[arg(long, conflicts_with_all = ["uses", "until", "revoke"])]
    list: bool,
    /// Ends an invitation now; its code or the beginning of it will do.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["uses", "until"])]
    revoke: Option<String>,
    /// Writes JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// A code that was made.
#[derive(Serialize)]
struct Made {
    code: String,
    uses: u32,
    until: String,
}

/// An invitation in a list.
#[derive(Serialize)]
struct Listed {
    beginning: String,
    uses: u32,
    used: u32,
    until: String,
}

#[derive(Serialize)]
struct Revoked {
    revoked: usize,
}

pub(super) fn run(arguments: &Invite) -> Result<(), Failure> {
    let config = open::configuration(&arguments.configuration)?;
    logger::start_quiet();
    let guard = open::guard(&config, &open::databases(&config)?)?;
    match &arguments.revoke {
        Some(code) => revoke(&guard, code, arguments.json),
        None if arguments.list => list(&guard, arguments.json),
        None => make(&guard, arguments),
    }
}

fn make(guard: &Guard, arguments: &Invite) -> Result<(), Failure> {
    let Invite { uses, until, .. } = *arguments;
    if until <= guard.now() {
        return Err(Failure::new(USAGE, "--until is over already"));
    }
    let made = Made {
        code: guard.invite(uses, until)?.to_string(),
        uses,
        until: shown(until),
    };
    if arguments.json {
        return say_json(&made);
    }
    let accounts = match uses {
        1 => "one account".to_owned(),
        uses => format!("{uses} accounts"),
    };
    // The code alone on its line, to be taken from there.
    say(&made.code)?;
    say(format_args!(
        "good for {accounts} until {}; it is shown only now",
        made.until
    ))
}

fn list(guard: &Guard, json: bool) -> Result<(), Failure> {
    let found = guard.invitations()?.into_iter();
    let listed: Vec<Listed> = found
        .map(|invitation| Listed {
            beginning: invitation.beginning,
            uses: invitation.uses,
            used: invitation.used,
            until: shown(invitation.until),
        })
        .collect();
    if json {
        return say_json(&listed);
    }
    if listed.is_empty() {
        return say("there are no invitations");
    }
    for one in listed {
        say(format_args!(
            "{}-...  used {} of {}, until {}",
            one.beginning, one.used, one.uses, one.until
        ))?;
    }
    Ok(())
}

fn revoke(guard: &Guard, code: &str, json: bool) -> Result<(), Failure> {
    let revoked = guard.revoke(code)?;
    if revoked == 0 {
        return Err(Failure::new(NO, "there is no such invitation"));
    }
    if json {
        return say_json(&Revoked { revoked });
    }
    say(format_args!("revoked {revoked} invitation(s)"))
}

/// A time as people and programs read it, to the second.
fn shown(time: Timestamp) -> String {
    let seconds = time.centis().div_euclid(100);
    Instant::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Reads when something ends.
fn read_end(text: &str) -> Result<Timestamp, String> {
    const WANTED: &str = "expected a time from now, as 14d (m, h, d or w), or a day, as 2030-12-24";
    let wanted = || WANTED.to_owned();
    let now = ZonedDateTime::now();
    let end = match text.parse::<Date>() {
        // All of that day, where this computer is.
        Ok(day) => {
            let next = day.tomorrow();
            let next = next.and_then(|day| day.to_zoned_datetime(now.time_zone().clone()));
            next.map_err(|_| wanted())?.timestamp().as_second()
        }
        Err(_) => {
            let (at, unit) = text.char_indices().next_back().ok_or_else(wanted)?;
            let number: u32 = text
                .get(..at)
                .unwrap_or_default()
                .parse()
                .map_err(|_| wanted())?;
            let unit = match unit {
                'm' => 60,
                'h' => 60 * 60,
                'd' => 24 * 60 * 60,
                'w' => 7 * 24 * 60 * 60,
                _ => return Err(wanted()),
            };
            now.timestamp().as_second() + i64::from(number) * unit
        }
    };
    // Beyond this there is no day that could be shown.
    Instant::from_second(end).map_err(|_| wanted())?;
    Ok(Timestamp::from_centis(end.saturating_mul(100)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_from_now_or_a_day() {
        let now = Timestamp::from_centis(Instant::now().as_second() * 100);
        let from_now = |text| (read_end(text).unwrap().centis() - now.centis()) / 100;
        for (text, seconds) in [
            ("30m", 1800),
            ("12h", 43_200),
            ("14d", 1_209_600),
            ("8w", 4_838_400),
        ] {
            assert!((seconds..seconds + 60).contains(&from_now(text)), "{text}");
        }
        assert!(read_end("2001-02-03").unwrap() < now);
        assert!(read_end("2100-01-01").unwrap() > now);
        for text in [
            "",
            "d",
            "14",
            "-1d",
            "14 d",
            "14y",
            "2030-13-01",
            "é",
            "99999999999d",
            "4000000000w",
        ] {
            assert!(read_end(text).is_err(), "{text}");
        }
    }
}
