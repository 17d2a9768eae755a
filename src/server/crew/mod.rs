//! Which worker processes there shall be: the master's decisions, without its deeds.
//!
//! In go the master's news (a worker has started, is ready, was heard, has ended; an operator
//! wants more, fewer, or others), each with the time; out come [`Order`]s. Nothing here starts a
//! process, reads a clock or waits, so that every decision is a test.
//!
//! ```text
//! started ─► booting ── ready ──► serving ── too many, stale, silent, stop ──► ending ─► ended
//!               └── failed, died ──────┴── died: a setback, then another in its place ───────┘
//! ```
//!
//! A member is stale when it is to be replaced: because it asked for it, or because the
//! configuration was read anew. It serves on until its successor is ready.

mod member;
mod setbacks;

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use member::Member;
use member::Phase;
use member::Stale;
use member::Told;
use setbacks::Setbacks;

/// More processes than this are a mistake.
pub(super) const MOST_WORKERS: usize = 1024;

/// So many failed starts in a row, with nobody serving, and the master gives up.
const ATTEMPTS: u32 = 10;

/// How long a worker that was told to end at once may take.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How many workers there shall be, and how long they are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many processes serve; at least one.
    pub workers: usize,
    /// How long a worker may say nothing before it counts as hung.
    pub silence: Duration,
    /// How long a worker may take to end after it was told to, its requests included.
    pub leave: Duration,
}

/// What the master has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Let this process end, its requests finished.
    End(u32),
    /// Kill this process.
    Kill(u32),
    /// Let this process end without waiting for requests.
    Quit(u32),
    /// Start a process.
    Start,
}

/// Why the crew will never serve, or not again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hopeless {
    /// What the last worker said: its exit code and its reason.
    pub(super) code: Option<u8>,
    pub(super) text: String,
    /// Whether it was the very first start.
    pub(super) at_start: bool,
}

/// The worker processes, by their ids.
#[derive(Debug)]
pub(super) struct Crew {
    plan: Plan,
    /// What held before the reload that is under way.
    before: Option<Plan>,
    members: BTreeMap<u32, Member>,
    /// Whether a worker of the current configuration has ever been ready.
    proven: bool,
    /// Whether any worker has ever been ready.
    served: bool,
    /// Whether members are being replaced because of a new configuration.
    reloading: bool,
    stopping: Option<Stopping>,
    setbacks: Setbacks,
    hopeless: Option<Hopeless>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stopping {
    Orderly,
    AtOnce,
}

impl Crew {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan: bounded(plan),
            before: None,
            members: BTreeMap::new(),
            proven: false,
            served: false,
            reloading: false,
            stopping: None,
            setbacks: Setbacks::default(),
            hopeless: None,
        }
    }

    /// How many workers serve.
    pub(super) fn serving(&self) -> usize {
        self.count(Member::serves)
    }

    /// Whether a process serves.
    pub(super) fn is_serving(&self, process: u32) -> bool {
        self.members.get(&process).is_some_and(Member::serves)
    }

    /// How many workers shall serve.
    pub(super) fn wanted(&self) -> usize {
        self.plan.workers
    }

    /// Whether a new configuration is on its way into the workers.
    pub(super) fn is_reloading(&self) -> bool {
        self.reloading
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether the end was asked for, or is inevitable, and nobody is left.
    pub(super) fn is_over(&self) -> bool {
        self.members.is_empty() && (self.is_stopping() || self.hopeless.is_some())
    }

    /// Why there is nothing left to hope for.
    pub(super) fn hopeless(&self) -> Option<&Hopeless> {
        self.hopeless.as_ref()
    }

    /// A process was started.
    pub(super) fn started(&mut self, process: u32, now: Instant) {
        let member = Member::new(self.plan.leave, now);
        self.members.insert(process, member);
    }

    /// No process could be started.
    pub(super) fn not_started(&mut self, why: String, now: Instant) {
        self.boot_failed(None, why, now);
    }

    /// A process has given a sign of life.
    pub(super) fn heard(&mut self, process: u32, now: Instant) {
        if let Some(member) = self.members.get_mut(&process) {
            member.heard = now;
        }
    }

    /// The master was held up itself: what it did not hear in that time is no silence.
    pub(super) fn forgive(&mut self, now: Instant) {
        for member in self.members.values_mut() {
            member.heard = now;
        }
    }

    /// A process serves. Whether that is news.
    pub(super) fn ready(&mut self, process: u32, now: Instant) -> bool {
        let Some(member) = self.members.get_mut(&process) else {
            return false;
        };
        member.heard = now;
        if member.phase != Phase::Booting {
            return false;
        }
        member.phase = Phase::Serving { since: now };
        self.served = true;
        self.setbacks.note_start();
        self.proven |= member.stale != Stale::Reload;
        true
    }

    /// A process wants to be replaced.
    pub(super) fn leaving(&mut self, process: u32) {
        if let Some(member) = self.members.get_mut(&process) {
            member.is_leaving = true;
            if member.stale == Stale::No {
                member.stale = Stale::Leaving;
            }
        }
    }

    /// A process has said why it cannot start; its end follows.
    pub(super) fn failed(&mut self, process: u32, code: u8, text: String) {
        if let Some(member) = self.members.get_mut(&process) {
            member.failure = Some((code, text));
        }
    }

    /// A process has ended, in the way that `how` says.
    pub(super) fn ended(&mut self, process: u32, how: &str, now: Instant) {
        let Some(member) = self.members.remove(&process) else {
            return;
        };
        if self.is_stopping() || self.hopeless.is_some() {
            return;
        }
        match member.phase {
            Phase::Ending { .. } => {}
            Phase::Booting => {
                let (code, text) = match member.failure {
                    Some((code, text)) => (Some(code), text),
                    None => (None, format!("a worker ended before it was ready ({how})")),
                };
                self.boot_failed(code, text, now);
            }
            Phase::Serving { .. } => {
                let pause = self.death(now);
                let others = self.serving();
                log::error!(
                    "worker {process} ended unexpectedly ({how}); another one takes its place{}: \
                     serving={others}",
                    in_words(pause)
                );
            }
        }
    }

    /// One worker more, or fewer, but never none.
    pub(super) fn resize(&mut self, more: bool) {
        let workers = self.plan.workers;
        let resized = if more {
            workers.saturating_add(1)
        } else {
            workers.saturating_sub(1)
        };
        self.plan.workers = resized.clamp(1, MOST_WORKERS);
    }

    /// All workers are to be replaced by others, which work as `plan` says.
    pub(super) fn replace(&mut self, plan: Plan) {
        let before = std::mem::replace(&mut self.plan, bounded(plan));
        self.before.get_or_insert(before);
        self.proven = false;
        self.reloading = true;
        // Whoever asks for it again wants it now.
        self.setbacks.hurry();
        for member in self.members.values_mut() {
            member.stale = Stale::Reload;
        }
    }

    /// Everybody is to end.
    pub(super) fn stop(&mut self, at_once: bool) {
        let stopping = if at_once {
            Stopping::AtOnce
        } else {
            Stopping::Orderly
        };
        self.stopping = self.stopping.max(Some(stopping));
    }

    /// What is to be done now.
    pub(super) fn orders(&mut self, now: Instant) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Some(stopping) = self.stopping {
            self.end_all(stopping, now, &mut orders);
        } else if self.hopeless.is_some() {
            self.end_all(Stopping::Orderly, now, &mut orders);
        } else {
            self.forget_setbacks(now);
            self.end_silent(now, &mut orders);
            self.end_surplus(now, &mut orders);
            self.start_missing(now, &mut orders);
            let replaced = |member: &Member| member.stale == Stale::Reload && !member.is_ending();
            if self.reloading && self.proven && self.count(replaced) == 0 {
                self.reloading = false;
                self.before = None;
                let serving = self.serving();
                log::info!("all workers have the new configuration: serving={serving}");
            }
        }
        self.kill_overdue(now, &mut orders);
        orders
    }

    /// When [`orders`](Self::orders) may have something new although nothing happens.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let waits = self
            .members
            .values()
            .filter_map(|member| match member.phase {
                Phase::Ending {
                    told: Told::Killed, ..
                } => None,
                Phase::Ending { until, .. } => Some(until),
                Phase::Booting | Phase::Serving { .. } => Some(member.heard + self.plan.silence),
            });
        waits.chain(self.setbacks.resting(now)).min()
    }

    fn count(&self, is: impl Fn(&Member) -> bool) -> usize {
        self.members.values().filter(|member| is(member)).count()
    }

    /// Lets a member end.
    fn end(&mut self, process: u32, now: Instant, orders: &mut Vec<Order>) {
        if let Some(member) = self.members.get_mut(&process) {
            member.phase = Phase::Ending {
                until: now + member.leave,
                told: Told::End,
            };
            orders.push(Order::End(process));
        }
    }

    fn end_all(&mut self, stopping: Stopping, now: Instant, orders: &mut Vec<Order>) {
        for (&process, member) in &mut self.members {
            let told = match member.phase {
                Phase::Booting | Phase::Serving { .. } => None,
                Phase::Ending { told, .. } => Some(told),
            };
            let (tell, order, patience) = match stopping {
                Stopping::Orderly => (Told::End, Order::End(process), member.leave),
                Stopping::AtOnce => (Told::Quit, Order::Quit(process), AT_ONCE),
            };
            if told < Some(tell) {
                member.phase = Phase::Ending {
                    until: now + patience,
                    told: tell,
                };
                orders.push(order);
            }
        }
    }

    fn end_silent(&mut self, now: Instant, orders: &mut Vec<Order>) {
        let silence = self.plan.silence;
        let silent: Vec<u32> = self
            .members
            .iter()
            .filter(|(_, member)| !member.is_ending())
            .filter(|(_, member)| now.saturating_duration_since(member.heard) >= silence)
            .map(|(&process, _)| process)
            .collect();
        for process in silent {
            let booting = self
                .members
                .get(&process)
                .is_some_and(|member| member.phase == Phase::Booting);
            let seconds = silence.as_secs();
            log::error!("worker {process} hangs: no sign of life for {seconds} s; replacing it");
            self.end(process, now, orders);
            if booting {
                let text = format!("a worker hung for {seconds} s before it was ready");
                self.boot_failed(None, text, now);
            } else {
                self.death(now);
            }
        }
    }

    /// Lets go whom nobody needs any more.
    fn end_surplus(&mut self, now: Instant, orders: &mut Vec<Order>) {
        // Those that boot with an old configuration would be replaced at once.
        let outdated =
            |member: &Member| member.stale == Stale::Reload && member.phase == Phase::Booting;
        while let Some(process) = self.oldest(outdated) {
            self.end(process, now, orders);
        }
        while self.count(Member::is_fresh) > self.plan.workers {
            let boots = |member: &Member| member.is_fresh() && !member.serves();
            let newest = self.newest(boots).or_else(|| self.newest(Member::is_fresh));
            let Some(process) = newest else { break };
            self.end(process, now, orders);
        }
        while self.serving() > self.plan.workers {
            let stale = |member: &Member| member.serves() && member.stale != Stale::No;
            let Some(process) = self.oldest(stale) else {
                break;
            };
            self.end(process, now, orders);
        }
    }

    fn start_missing(&self, now: Instant, orders: &mut Vec<Order>) {
        if self.hopeless.is_some() || self.setbacks.resting(now).is_some() {
            return;
        }
        let fresh = self.count(Member::is_fresh);
        let mut missing = self.plan.workers.saturating_sub(fresh);
        if !self.proven || self.serving() == 0 {
            // One goes ahead: what fails, fails once, and tables are made by one.
            missing = missing.min(1_usize.saturating_sub(fresh));
        }
        orders.extend((0..missing).map(|_| Order::Start));
    }

    fn kill_overdue(&mut self, now: Instant, orders: &mut Vec<Order>) {
        for (&process, member) in &mut self.members {
            if let Phase::Ending { until, told } = &mut member.phase
                && *told != Told::Killed
                && now >= *until
            {
                *told = Told::Killed;
                orders.push(Order::Kill(process));
            }
        }
    }

    fn oldest(&self, is: impl Fn(&Member) -> bool) -> Option<u32> {
        let those = self.members.iter().filter(|(_, member)| is(member));
        those
            .min_by_key(|(_, member)| member.started)
            .map(|(&process, _)| process)
    }

    fn newest(&self, is: impl Fn(&Member) -> bool) -> Option<u32> {
        let those = self.members.iter().filter(|(_, member)| is(member));
        those
            .max_by_key(|(_, member)| member.started)
            .map(|(&process, _)| process)
    }

    /// A worker could not start.
    fn boot_failed(&mut self, code: Option<u8>, text: String, now: Instant) {
        let at_start = !self.served;
        let nobody = self.serving() == 0;
        let failures = self.setbacks.note_failed_start(nobody, now);
        if at_start || failures >= ATTEMPTS {
            self.hopeless = Some(Hopeless {
                code,
                text,
                at_start,
            });
            return;
        }
        if self.reloading && !self.proven && !nobody {
            log::error!(
                "workers cannot start with the new configuration, the old ones stay: {text}"
            );
            self.keep_the_old();
            return;
        }
        let pause = self.setbacks.rest(0, now);
        log::error!(
            "a worker could not start, trying again{}: {text}",
            in_words(pause)
        );
    }

    /// Takes a reload back.
    fn keep_the_old(&mut self) {
        self.reloading = false;
        self.proven = true;
        if let Some(before) = self.before.take() {
            self.plan = before;
        }
        for member in self.members.values_mut() {
            if member.stale == Stale::Reload {
                member.stale = if member.is_leaving {
                    Stale::Leaving
                } else {
                    Stale::No
                };
            }
        }
    }

    /// A worker that served is lost; says how long its successor must wait.
    fn death(&mut self, now: Instant) -> Duration {
        // As many as there are may be lost by one cause, without being a bad sign.
        let free = u32::try_from(self.plan.workers).unwrap_or(u32::MAX);
        self.setbacks.note(now);
        self.setbacks.rest(free, now)
    }

    fn forget_setbacks(&mut self, now: Instant) {
        let members = &self.members;
        self.setbacks.forget(now, |calm| {
            let steady = |member: &Member| match member.phase {
                Phase::Serving { since } => now.saturating_duration_since(since) >= calm,
                Phase::Booting | Phase::Ending { .. } => false,
            };
            members.values().any(steady)
        });
    }
}

/// The plan, with everything in the range that works.
fn bounded(plan: Plan) -> Plan {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    Plan {
        workers: plan.workers.clamp(1, MOST_WORKERS),
        silence: plan.silence.clamp(Duration::from_secs(2), LONGEST),
        leave: plan.leave.min(LONGEST),
    }
}

fn in_words(pause: Duration) -> String {
    match pause.as_secs() {
        0 => String::new(),
        seconds => format!(" in {seconds} s"),
    }
}

#[cfg(test)]
mod tests;
