//! One connected socket: bytes in and out, with deadlines.
//!
//! Nothing blocks in `recv` or `send`: both are tried first, since the bytes or the room are
//! usually there, and `poll` waits when they are not. That costs the common request two system
//! calls and makes every deadline exact. Each wait is cut into ticks, in which the end of the
//! server's patience is noticed. What the bytes mean is not known here.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::net::SendFlags;
use socket2::Socket;

use crate::gateway::Phase;

use super::Listener;
use super::pace::Pace;
use super::pool::Shared;

/// How many requests of a kept connection that have arrived already are still served while others
/// queue. Only who does not wait for answers sends so many.
const TURNS: u32 = 16;

/// How often a peer in the middle of a request is given the processor before it is waited for: a web
/// server that has just connected is about to send its request, and to be woken for that costs more.
const YIELDS: u32 = 4;

/// How long another thread is given to take a connection that both were woken for, and a web
/// server to use the kept connection: what opens new ones is about to use the old ones, too.
const GLANCE: Duration = Duration::from_millis(2);

/// A connection's socket, as the thread that serves it sees it.
pub(super) struct Wire<'a> {
    shared: &'a Shared,
    socket: &'a Socket,
    /// Since when others are seen to queue behind a slow peer, and how many connections had been
    /// accepted by then.
    crowded_since: Option<(Instant, u64)>,
    /// Whether small writes still wait for acknowledgements of earlier ones (TCP's default).
    delaying: bool,
    /// Whether the current answer is the connection's last, since others queue.
    is_last: bool,
    is_tcp: bool,
    /// Whether anything was written.
    wrote: bool,
    /// Whether the current answer tells of a stop: no request after it is wanted.
    is_farewell: bool,
    /// By when the current answer must be taken.
    answer_until: Instant,
    /// Whether the peer, and not the body, made the answer fail.
    failed: bool,
    /// How fast the peer sends or takes what is waited for.
    pace: Pace,
    /// Requests taken in a row although others queued.
    turns: u32,
}

/// What came of waiting for bytes.
#[derive(Debug)]
pub(super) enum Arrival {
    /// So many bytes.
    Bytes(usize),
    /// None, and somebody else needs this thread.
    Crowded,
    /// None, and there will be none: the peer has closed its side.
    End,
    /// The socket is broken.
    Failed(io::Error),
    /// None, and the server stops.
    Stopping,
    /// None in time.
    TimedOut,
}

impl<'a> Wire<'a> {
    /// Takes a fresh connection; `tcp` says of which kind.
    pub(super) fn new(shared: &'a Shared, socket: &'a Socket, tcp: bool) -> Self {
        let now = Instant::now();
        Self {
            shared,
            socket,
            crowded_since: None,
            delaying: tcp,
            is_last: false,
            is_tcp: tcp,
            wrote: false,
            is_farewell: false,
            answer_until: now,
            failed: false,
            pace: Pace::new(now),
            turns: 0,
        }
    }

    /// Begins an answer: the clock of the whole of it starts.
    pub(super) fn begin_answer(&mut self) {
        let now = Instant::now();
        self.answer_until = now + self.shared.options.waits.write_total;
        self.pace.begin(now);
    }

    /// Lets the answer that begins now be the last if others queue and the connection is kept.
    ///
    /// Where TCP is spoken the answer and the end leave together, so that a peer that waits for
    /// answers cannot send a request that nobody reads.
    pub(super) fn part_if_crowded(&mut self) {
        self.is_last = self.shared.is_queued();
        if !self.is_last {
            self.turns = 0;
        }
    }

    /// Lets the answer that begins now be the last because of a stop.
    pub(super) fn bid_farewell(&mut self) {
        self.is_farewell = true;
    }

    /// Whether writing failed because of the peer, or because it took too long.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Waits for bytes, as long as `phase`, which began at `since`, allows.
    pub(super) fn read(&mut self, buffer: &mut [u8], phase: Phase, since: Instant) -> Arrival {
        if self.is_last && phase != Phase::Idle {
            // A part of the next request came along with this one.
            self.is_last = false;
            self.release();
        }
        if phase == Phase::Idle {
            if self.is_last && self.parts() {
                return Arrival::Crowded;
            }
            // The connection was kept: the end of its last answer must not wait, nor the next.
            self.hurry();
            if let Err(other) = self.await_request(since) {
                return other;
            }
        }
        self.pace.begin(since);
        let until = self.deadline(phase, since);
        let mut yields = if phase == Phase::Idle { 0 } else { YIELDS };
        loop {
            let flags = RecvFlags::DONTWAIT;
            match rustix::net::recv(self.socket, &mut *buffer, flags) {
                Ok((0, _)) => return Arrival::End,
                Ok((count, _)) => {
                    if phase == Phase::Body {
                        self.pace.moved(count);
                    }
                    return Arrival::Bytes(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if yields > 0 => {
                    yields -= 1;
                    thread::yield_now();
                }
                Err(Errno::AGAIN) => {
                    let waits = &self.shared.options.waits;
                    let patience = match phase {
                        Phase::Head => waits.crowded_head,
                        Phase::Body | Phase::Drain | Phase::Idle => waits.crowded,
                    };
                    if let Err(other) = self.await_ready(PollFlags::IN, until, patience) {
                        return other;
                    }
                }
                Err(error) => return Arrival::Failed(error.into()),
            }
        }
    }

    /// Ends the connection after its last answer, unless the next request is here already.
    fn parts(&mut self) -> bool {
        let is_asked = readable(self.socket, Duration::ZERO).unwrap_or(false);
        if is_asked && self.turns < TURNS {
            self.turns += 1;
            self.is_last = false;
            self.release();
            return false;
        }
        // Before the socket is closed: with something unread that would throw the answer away.
        let _ = self.socket.shutdown(Shutdown::Write);
        true
    }

    fn deadline(&self, phase: Phase, since: Instant) -> Instant {
        let waits = &self.shared.options.waits;
        let (silent, total) = match phase {
            Phase::Body => (waits.body, waits.body_total),
            Phase::Drain => (waits.drain_total, waits.drain_total),
            Phase::Head => (waits.head, waits.head_total),
            Phase::Idle => (waits.idle_total, waits.idle_total),
        };
        (Instant::now() + silent).min(since + total)
    }

    /// Waits for the next request on a kept connection, unless the thread is needed elsewhere.
    ///
    /// A stop is waited out for a tick more: a peer that is about to send its next request has no
    /// part in it.
    fn await_request(&self, since: Instant) -> Result<(), Arrival> {
        let until = since + self.shared.options.waits.idle_total;
        let (mut glance, mut has_glanced) = (false, false);
        let mut farewell = None;
        loop {
            let stopping = self.shared.is_stopping();
            let grace = if self.is_farewell || self.shared.is_over() {
                Duration::ZERO
            } else {
                self.shared.options.tick
            };
            let left = |since: Instant| grace.saturating_sub(since.elapsed());
            let patience = match (stopping, glance) {
                (true, _) => left(*farewell.get_or_insert_with(Instant::now)),
                (false, true) => GLANCE,
                (false, false) => self.shared.options.tick,
            };
            let patience = patience.min(until.saturating_duration_since(Instant::now()));
            let listener = if glance {
                None
            } else {
                self.shared.listener.upgrade()
            };
            let (request, queue) =
                poll_both(self.socket, listener.as_ref(), patience).map_err(Arrival::Failed)?;
            let crowded = queue && self.shared.waiting.load(Ordering::Acquire) == 0;
            if request {
                return Ok(());
            }
            if farewell.is_some_and(|since| left(since).is_zero()) {
                return Err(Arrival::Stopping);
            }
            if crowded && has_glanced {
                return Err(Arrival::Crowded);
            }
            // The kernel has woken a waiting thread as well: let it come first.
            has_glanced = glance;
            glance = queue;
            if Instant::now() >= until {
                return Err(Arrival::TimedOut);
            }
        }
    }

    /// Waits until it is worth another try, at most a tick: the system calls a socket ready for
    /// writing only when a third of its buffer is free, which a slow peer needs minutes for.
    ///
    /// Where others queue, the peer has `patience` for each step.
    fn await_ready(
        &mut self,
        flags: PollFlags,
        until: Instant,
        patience: Duration,
    ) -> Result<(), Arrival> {
        let begun = Instant::now();
        let left = until.saturating_duration_since(begun);
        let mut polled = [PollFd::new(self.socket, flags)];
        let ready = poll(&mut polled, left.min(self.shared.options.tick));
        let ready = ready.map_err(Arrival::Failed)? > 0;
        let now = Instant::now();
        self.pace.waited(now.saturating_duration_since(begun));
        if self.pace.step() < patience {
            self.crowded_since = None;
        } else if self.must_give_way(now) {
            return Err(Arrival::Crowded);
        }
        if ready {
            return Ok(());
        }
        if self.shared.is_over() {
            return Err(Arrival::Stopping);
        }
        if now >= until {
            return Err(Arrival::TimedOut);
        }
        Ok(())
    }

    /// Whether others queue and have queued a tick ago, and no other peer gives way instead.
    ///
    /// A queue from which the threads that are left take more than there are threads is none.
    fn must_give_way(&mut self, now: Instant) -> bool {
        let Some(accepted) = self.shared.crowd() else {
            self.crowded_since = None;
            return false;
        };
        let (since, before) = *self.crowded_since.get_or_insert((now, accepted));
        if now.saturating_duration_since(since) < self.shared.options.tick {
            return false;
        }
        let threads = u64::try_from(self.shared.options.threads).unwrap_or(u64::MAX);
        if accepted.saturating_sub(before) > threads {
            self.crowded_since = Some((now, accepted));
            return false;
        }
        self.shared.gives_way(accepted)
    }

    /// Sends small writes at once from now on. Nothing waits where the first write is the last.
    fn hurry(&mut self) {
        if self.delaying {
            self.delaying = false;
            // Only slower without it.
            let _ = self.socket.set_tcp_nodelay(true);
        }
    }

    /// Sends what was held back for the end to go with it.
    fn release(&mut self) {
        if self.is_tcp {
            // Setting it, again or not, sends; otherwise the system does, some time later.
            let _ = self.socket.set_tcp_nodelay(true);
            self.delaying = false;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.wrote {
            self.hurry();
        }
        let silent = Instant::now() + self.shared.options.waits.write;
        let until = silent.min(self.answer_until);
        let mut flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        flags.set(SendFlags::MORE, self.is_last);
        loop {
            match rustix::net::send(self.socket, bytes, flags) {
                Ok(count) => {
                    self.wrote = true;
                    self.pace.moved(count);
                    return Ok(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let patience = self.shared.options.waits.crowded;
                    self.await_ready(PollFlags::OUT, until, patience)
                        .map_err(|arrival| match arrival {
                            Arrival::Crowded => {
                                self.shared.tell_of_slow("the answer");
                                io::ErrorKind::TimedOut.into()
                            }
                            Arrival::Failed(error) => error,
                            _ => io::ErrorKind::TimedOut.into(),
                        })?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl io::Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.send(bytes);
        self.failed |= sent.is_err();
        sent
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the connection and the queue of new ones have something, within `patience`.
fn poll_both(
    socket: &Socket,
    listener: Option<&Arc<Listener>>,
    patience: Duration,
) -> io::Result<(bool, bool)> {
    let request = PollFd::new(socket, PollFlags::IN);
    match listener {
        Some(listener) => {
            let mut polled = [request, PollFd::new(listener.socket(), PollFlags::IN)];
            poll(&mut polled, patience)?;
            let [request, queue] = polled;
            Ok((!request.revents().is_empty(), !queue.revents().is_empty()))
        }
        None => {
            let mut polled = [request];
            Ok((poll(&mut polled, patience)? > 0, false))
        }
    }
}

/// Whether `descriptor` has something to read within `patience`.
pub(super) fn readable(descriptor: impl AsFd, patience: Duration) -> io::Result<bool> {
    Ok(poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], patience)? > 0)
}

/// `poll`, where a signal is the same as the end of the wait.
pub(super) fn poll(polled: &mut [PollFd<'_>], patience: Duration) -> io::Result<usize> {
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match rustix::event::poll(polled, Some(&patience)) {
        Err(Errno::INTR) => Ok(0),
        done => Ok(done?),
    }
}
