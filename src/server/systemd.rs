//! What a service manager wants to hear: ready, reloading, stopping, alive.
//!
//! Without a service manager (no `NOTIFY_SOCKET`) nothing happens. The protocol is systemd's
//! `sd_notify`, of `Type=notify` and `Type=notify-reload` (spec/conventions.md).

use std::time::Duration;
use std::time::Instant;

use sd_notify::NotifyState;

/// The connection to the service manager.
#[derive(Debug)]
pub(super) struct Notices {
    /// How often it wants a sign of life.
    period: Option<Duration>,
    last_beat: Option<Instant>,
    status: String,
}

impl Notices {
    pub(super) fn new() -> Self {
        Self {
            // Twice as often as asked: a tick may be late.
            period: sd_notify::watchdog_enabled().map(|limit| limit / 2),
            last_beat: None,
            status: String::new(),
        }
    }

    /// The service serves, with all that was asked for.
    pub(super) fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// The service reads its configuration anew, until it is ready again.
    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    pub(super) fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// One line for `systemctl status`; told when it changes.
    pub(super) fn status(&mut self, status: String) {
        if self.status != status {
            tell(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    /// A sign of life, when one is due.
    pub(super) fn beat(&mut self, now: Instant) {
        let Some(period) = self.period else { return };
        let due = self
            .last_beat
            .is_none_or(|last| now.saturating_duration_since(last) >= period);
        if due {
            self.last_beat = Some(now);
            tell(&[NotifyState::Watchdog]);
        }
    }

    /// When the next sign of life is due.
    pub(super) fn next(&self) -> Option<Instant> {
        Some(self.last_beat? + self.period?)
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::debug!("cannot tell the service manager: {error}");
    }
}
